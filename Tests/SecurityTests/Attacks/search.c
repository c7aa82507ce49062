// SPDX-License-Identifier: Apache-2.0
// Attack 21: looks for a text in every file that can be read. Arguments: the text in two halves, so that this program's own
// arguments are not a find; then "keep DIRECTORY…", to leave it in new files there first and stay until standard input
// ends, or further paths to search.
#include "attempt.h"
#include <ftw.h>
#include <sys/shm.h>

static char text[256];
static long finds, files;

static int in_file(const char *path) {
    static char buffer[1 << 20];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
    if (file < 0) return 0;
    long count = read(file, buffer, sizeof buffer);
    close(file);
    files++;
    return count > 0 && memmem(buffer, (size_t)count, text, strlen(text)) != NULL;
}

static int look(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)where;
    // Of other tasks of the same process, and of the kernel's settings, there is nothing to be had twice.
    if (type == FTW_D && (strstr(path, "/task/") || strcmp(path, "/proc/sys") == 0)) return FTW_SKIP_SUBTREE;
    if (type != FTW_F || !S_ISREG(status->st_mode)) return FTW_CONTINUE;
    if (in_file(path)) {
        finds++;
        dprintf(2, "found in %s\n", path);
    }
    return FTW_CONTINUE;
}

int main(int argc, char **argv) {
    snprintf(text, sizeof text, "%s%s", argument(argc, argv, 1), argument(argc, argv, 2));
    int keeps = argc > 3 && strcmp(argv[3], "keep") == 0;
    for (int i = 4; keeps && i < argc; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/kept-secret", argv[i]);
        int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        snprintf(path, sizeof path, "keep-%d", i - 4);
        report(path, file < 0 ? -1 : write(file, text, strlen(text)) > 0 ? 0 : -1);
        close(file);
    }
    static const char *const places[] = {
        "/proc", "/dev", "/run", "/tmp", "/var", "/etc", "/home", "/root", "/workspace", "/mnt", "/srv", "/opt", "/media",
    };
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) nftw(places[i], look, 32, FTW_PHYS | FTW_ACTIONRETVAL);
    for (int i = 3; !keeps && i < argc; i++) {
        struct stat there;
        char name[32];
        snprintf(name, sizeof name, "path-%d", i - 3);
        report(name, stat(argv[i], &there));
        nftw(argv[i], look, 32, FTW_PHYS | FTW_ACTIONRETVAL);
    }
    for (int id = 0; id < 64; id++) {
        void *segment = shmat(id, NULL, SHM_RDONLY);
        if (segment != (void *)-1) finds += strstr(segment, text) != NULL;
    }
    found("files", files);
    found("finds", finds);
    found("ready", 0);
    char end;
    while (keeps && read(0, &end, 1) > 0) {}
    return 0;
}
