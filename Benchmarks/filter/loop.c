// SPDX-License-Identifier: Apache-2.0
// loop ROUNDS COUNT FILTER…: what system calls cost under filters. Each round runs a process for each filter, one after the
// other; "-" is none. Prints a line a process: index of the filter, ns to install it, ns of each kind of call; or -1 and the
// errno where the filter refuses that kind.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 16 };
static struct sock_filter filters[MOST][4096];
static unsigned short lengths[MOST];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static int zero, ends[2];

// Each returns a negative number where the call was refused.
static long call_getppid(void) { return syscall(SYS_getppid); }
static long call_read(void) {
    char byte;
    return syscall(SYS_read, zero, &byte, 1);
}
static long call_openat(void) {
    long file = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC, 0);
    return file < 0 ? file : syscall(SYS_close, file);
}
static long call_ioctl(void) {
    int waiting;
    return syscall(SYS_ioctl, ends[0], FIONREAD, &waiting);
}
static long call_socket(void) {
    long file = syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return file < 0 ? file : syscall(SYS_close, file);
}
// Refused by every filter, and by the kernel for its argument: the price of a refusal.
static long call_keyctl(void) {
    syscall(SYS_keyctl, 1 << 20, 0, 0, 0, 0);
    return 0;
}

static long (*const kinds[])(void) = {call_getppid, call_read, call_openat, call_ioctl, call_socket, call_keyctl};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void run(int index, long count) {
    double start = now(), results[KINDS];
    if (lengths[index]) {
        struct sock_fprog program = {lengths[index], filters[index]};
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) exit(1);
        start = now();
        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) exit(1);
    }
    double installed = now() - start;
    for (int kind = 0; kind < KINDS; kind++) {
        if (kinds[kind]() < 0) {
            results[kind] = -errno;
            continue;
        }
        for (long i = 0; i < count / 10; i++) kinds[kind]();
        double begin = now();
        for (long i = 0; i < count; i++) kinds[kind]();
        results[kind] = (now() - begin) / count;
    }
    printf("%d %.0f", index, installed);
    for (int kind = 0; kind < KINDS; kind++) printf(" %.2f", results[kind]);
    printf("\n");
    fflush(stdout);
    _exit(0);
}

int main(int arguments, char **values) {
    if (arguments < 4 || arguments > 3 + MOST) return 2;
    for (int i = 3; i < arguments; i++) {
        if (!strcmp(values[i], "-")) continue;
        int file = open(values[i], O_RDONLY);
        ssize_t size = file < 0 ? -1 : read(file, filters[i - 3], sizeof filters[0]);
        if (size <= 0) return perror(values[i]), 1;
        lengths[i - 3] = size / sizeof(struct sock_filter);
        close(file);
    }
    zero = open("/dev/zero", O_RDONLY);
    if (zero < 0 || pipe(ends)) return perror("loop"), 1;
    for (int round = 0; round < atoi(values[1]); round++)
        for (int i = 0; i < arguments - 3; i++) {
            pid_t child = fork();
            if (child == 0) run(i, atol(values[2]));
            int status;
            if (child < 0 || waitpid(child, &status, 0) < 0 || status) return fprintf(stderr, "%s failed\n", values[i + 3]), 1;
        }
    return 0;
}
