// SPDX-License-Identifier: Apache-2.0
// What every attack program shares: one line an attempt, "name result errno-name".
#ifndef ATTEMPT_H
#define ATTEMPT_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/// Reports a system call's result, and errno's name if it failed. Written at once: a line is not lost with its writer.
static inline long report(const char *name, long result) {
    const char *error = result < 0 ? strerrorname_np(errno) : "OK";
    dprintf(1, "%s %ld %s\n", name, result, error ? error : "unknown");
    return result;
}

/// Reports a number that was found rather than returned.
static inline void found(const char *name, long value) { dprintf(1, "%s %ld OK\n", name, value); }

/// Tries to open a file, reports, and closes it again.
static inline void try_open(const char *name, const char *path, int flags) {
    long file = report(name, open(path, flags | O_CLOEXEC));
    if (file >= 0) close((int)file);
}

static inline const char *argument(int argc, char **argv, int index) {
    if (index < argc) return argv[index];
    dprintf(2, "an argument is missing\n");
    exit(64);
}
#endif
