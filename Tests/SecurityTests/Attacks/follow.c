// SPDX-License-Identifier: Apache-2.0
// What a launcher without care does with a root file system, as the control of tests that watch for it: joins the two
// paths and writes there, through whatever is in the way. follow ROOT PATHS CANARIES
//
// Here only where that leads to the canaries: the links of a hostile tree lead to much of the host besides.
#include "attempt.h"
#include <limits.h>

static int leads_to(const char *path, const char *canaries) {
    char real[PATH_MAX];
    if (!realpath(path, real)) {
        // Nothing there yet: where a link itself points.
        ssize_t length = readlink(path, real, sizeof real - 1);
        if (length < 0) return 0;
        real[length] = 0;
        if (strstr(real, "..")) return 0;
    }
    size_t length = strlen(canaries);
    return strncmp(real, canaries, length) == 0 && (real[length] == '/' || real[length] == 0);
}

int main(int argc, char **argv) {
    const char *root = argument(argc, argv, 1), *canaries = argument(argc, argv, 3);
    FILE *paths = fopen(argument(argc, argv, 2), "re");
    char line[4096], path[8200];
    while (paths && fgets(line, sizeof line, paths)) {
        line[strcspn(line, "\n")] = 0;
        snprintf(path, sizeof path - 8, "%s%s", root, line);
        struct stat status;
        if (!leads_to(path, canaries)) continue;
        if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) strcat(path, "/made");
        int file = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
        if (file < 0) continue;
        if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && write(file, "x", 1) < 0) perror(path);
        close(file);
    }
    return 0;
}
