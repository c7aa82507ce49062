// SPDX-License-Identifier: Apache-2.0
// Attack 3, at random: started from a hostile root file system, says what the agent sees: hostile PATHS TOKEN, where
// PATHS is a file with a path a line that the sandbox's making touches, and TOKEN what the host's canaries hold.
#include "attempt.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>

static char text[1 << 20];

static ssize_t read_all(const char *path, int flags) {
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);
    if (file < 0) return -1;
    ssize_t length = 0, count;
    while (length < (ssize_t)sizeof text - 1 && (count = read(file, text + length, sizeof text - 1 - length)) > 0)
        length += count;
    close(file);
    text[length] = 0;
    return length;
}

static void look_for(const char *token, const char *path) {
    struct stat status;
    // A device or a fifo is not for reading: it may wait.
    if (stat(path, &status) < 0 || !S_ISREG(status.st_mode)) return;
    if (read_all(path, 0) > 0 && memmem(text, sizeof text, token, strlen(token))) dprintf(1, "leaked 1 %s\n", path);
}

static void file_system(const char *name, const char *path) {
    struct statfs info;
    if (statfs(path, &info) < 0) report(name, -1);
    else found(name, (long)info.f_type);
}

int main(int argc, char **argv) {
    struct stat null;
    const char *token = argument(argc, argv, 2);
    found("null-is-null", stat("/dev/null", &null) == 0 && S_ISCHR(null.st_mode) && null.st_rdev == makedev(1, 3));
    file_system("proc", "/proc");
    file_system("pts", "/dev/pts");
    try_open("kcore", "/proc/kcore", O_RDONLY);
    try_open("timer-list", "/proc/timer_list", O_RDONLY);
    try_open("core-pattern", "/proc/sys/kernel/core_pattern", O_WRONLY);
    // Where the mounts come from: device, path in it, place.
    if (read_all("/proc/self/mountinfo", 0) > 0) {
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n")) && *line;) {
            char device[32], root[4200], place[4200];
            if (sscanf(line, "%*d %*d %31s %4199s %4199s", device, root, place) == 3)
                dprintf(1, "mount %s %s\n", device, root);
        }
    }
    FILE *paths = fopen(argument(argc, argv, 1), "re");
    char path[4300], inner[4400];
    while (paths && fgets(path, sizeof path, paths)) {
        path[strcspn(path, "\n")] = 0;
        look_for(token, path);
        snprintf(inner, sizeof inner, "%s/file", path);
        look_for(token, inner);
        snprintf(inner, sizeof inner, "%s/directory/file", path);
        look_for(token, inner);
    }
    found("looked", paths != NULL);
    return 0;
}
