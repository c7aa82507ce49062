// SPDX-License-Identifier: Apache-2.0
// Attack 44: every way to read or change names of the workspace. Arguments: "now", or a name in the workspace that says
// when; then the paths. Names of attempts are "N-what", N counting the paths from 0.
#include "attempt.h"
#include <time.h>

static char name[64];
static const char *of(int index, const char *what) {
    snprintf(name, sizeof name, "%d-%s", index, what);
    return name;
}

/// A name beside a path: a rename to another directory may be one to another mount, and fail for that.
static void beside(char *other, size_t size, const char *path, const char *what, int index) {
    const char *slash = strrchr(path, '/');
    snprintf(other, size, "%.*s%s-%d", slash ? (int)(slash - path) + 1 : 0, path, what, index);
}

static void attempt(int index, const char *path) {
    char other[4096];
    struct stat found;
    if (lstat(path, &found) == 0) found.st_mode &= S_IFMT;
    else found.st_mode = 0;
    int directory = found.st_mode == S_IFDIR;
    int file = (int)report(of(index, "read"), open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file >= 0) close(file);
    if (directory) {
        snprintf(other, sizeof other, "%s/planted", path);
        file = (int)report(of(index, "write"), open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
    } else {
        file = (int)report(of(index, "write"), open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644));
    }
    if (file >= 0) close(file);
    report(of(index, "truncate"), directory ? (errno = EISDIR, -1) : truncate(path, 1));
    report(of(index, "chmod"), chmod(path, 0777));
    beside(other, sizeof other, path, "linked", index);
    report(of(index, "link"), directory ? (errno = EISDIR, -1) : link(path, other));
    beside(other, sizeof other, path, "evil", index);
    for (int i = 0; i < 2; i++) {
        if (directory) mkdir(other, 0755);
        else close(open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
        if (i == 0) report(of(index, "replace"), rename(other, path));
    }
    report(of(index, "exchange"), syscall(SYS_renameat2, AT_FDCWD, other, AT_FDCWD, path, 2 /* RENAME_EXCHANGE */));
    beside(other, sizeof other, path, "moved", index);
    report(of(index, "move"), rename(path, other));
    report(of(index, "remove"), directory ? rmdir(path) : unlink(path));
}

static long microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/// "Is it open?", asked all the time of a name that comes and goes: how often, and for how long at a stretch it was.
static int spin(const char *end, const char *path, int flags) {
    long since = 0, windows = 0, sum = 0, longest = 0;
    while (access(end, F_OK) < 0) {
        int file = open(path, flags | O_CLOEXEC | O_NONBLOCK);
        long now = microseconds();
        if (file >= 0) {
            close(file);
            if (since == 0) since = now;
        } else if (since > 0) {
            windows++;
            sum += now - since;
            if (now - since > longest) longest = now - since;
            since = 0;
        }
    }
    found("windows", windows);
    found("mean-microseconds", windows ? sum / windows : 0);
    found("longest-microseconds", longest);
    return 0;
}

int main(int argc, char **argv) {
    const char *when = argument(argc, argv, 1);
    found("ready", 0);
    if (strncmp(when, "spin-", 5) == 0)
        return spin(argument(argc, argv, 2), argument(argc, argv, 3), when[5] == 'w' ? O_WRONLY : O_RDONLY);
    if (strcmp(when, "now") != 0)
        while (access(when, F_OK) < 0) usleep(1000);
    for (int i = 2; i < argc; i++) attempt(i - 2, argv[i]);
    return 0;
}
