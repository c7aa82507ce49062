// SPDX-License-Identifier: Apache-2.0
// Attack 1: the program that init is, and the agent's own, opened to be written. CVE-2019-5736
#include "attempt.h"
#include <dirent.h>

/// Opens a handle, which asks for no right, and then the file by it.
static void by_handle(const char *name, const char *path) {
    char handle[64];
    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0) {
        report(name, -1);
        return;
    }
    snprintf(handle, sizeof handle, "/proc/self/fd/%d", file);
    try_open(name, handle, O_WRONLY);
    close(file);
}

static void execute(const char *name, const char *path) {
    int failure[2], error = 0;
    if (pipe2(failure, O_CLOEXEC) < 0) return;
    pid_t child = fork();
    if (child == 0) {
        char *const arguments[] = {"x", NULL};
        execv(path, arguments);
        error = errno;
        _exit(write(failure[1], &error, sizeof error) != sizeof error);
    }
    close(failure[1]);
    waitpid(child, NULL, 0);
    long got = read(failure[0], &error, sizeof error);
    close(failure[0]);
    errno = error;
    report(name, got > 0 ? -1 : 0);
}

int main(void) {
    try_open("init-write", "/proc/1/exe", O_WRONLY);
    try_open("init-read-write", "/proc/1/exe", O_RDWR);
    try_open("init-read", "/proc/1/exe", O_RDONLY);
    by_handle("init-by-handle", "/proc/1/exe");
    execute("init-execute", "/proc/1/exe");
    try_open("self-write", "/proc/self/exe", O_WRONLY);
    by_handle("self-by-handle", "/proc/self/exe");
    // Whatever else runs in here, and is not this program.
    char path[300], target[4096];
    int others = 0;
    DIR *list = opendir("/proc");
    struct dirent *entry;
    while (list && (entry = readdir(list)) != NULL) {
        if (atoi(entry->d_name) <= 1 || atoi(entry->d_name) == getpid()) continue;
        snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
        if (readlink(path, target, sizeof target) > 0) others++;
    }
    found("other-programs", others);
    return 0;
}
