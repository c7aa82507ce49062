// SPDX-License-Identifier: Apache-2.0
// Attack 30: memory in every form it is charged in. Arguments: the form, how many MiB.
#include "attempt.h"
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>

static const size_t mebibyte = 1 << 20;
static char block[1 << 20];

static void fill_file(int file, int count) {
    for (int i = 0; i < count; i++)
        if (write(file, block, mebibyte) < 0) {
            report("write", -1);
            return;
        }
}

static void fill_mapping(char *memory, size_t size) {
    if (memory == MAP_FAILED) {
        report("map", -1);
        return;
    }
    for (size_t offset = 0; offset < size; offset += 4096) memory[offset] = 1;
}

/// Pipes of the largest size, then of any size: the kernel gives a user 64 MiB of large ones, and small ones without
/// end.
static void fill_pipes(int count) {
    size_t left = (size_t)count * mebibyte;
    while (left > 0) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) {
            report("pipe", -1);
            return;
        }
        fcntl(ends[1], F_SETPIPE_SZ, mebibyte);
        ssize_t written;
        while ((written = write(ends[1], block, 65536)) > 0) left -= (size_t)written < left ? (size_t)written : left;
        while ((written = write(ends[1], block, 4096)) > 0) left -= (size_t)written < left ? (size_t)written : left;
    }
}

int main(int argc, char **argv) {
    const char *form = argument(argc, argv, 1);
    int count = atoi(argument(argc, argv, 2));
    size_t size = (size_t)count * mebibyte;
    memset(block, 1, sizeof block);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    pid_t bystander = fork();  // a group is killed as a group
    if (bystander == 0) for (;;) pause();
    dprintf(1, "ready 0 OK\n");
    if (strcmp(form, "heap") == 0) {
        fill_mapping(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), size);
    } else if (strcmp(form, "tmpfs") == 0) {
        fill_file(open("/tmp/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), count);
    } else if (strcmp(form, "memfd") == 0) {
        fill_file(memfd_create("file", MFD_CLOEXEC), count);
    } else if (strcmp(form, "sysv") == 0) {
        fill_mapping(shmat(shmget(IPC_PRIVATE, size, IPC_CREAT | 0600), NULL, 0), size);
    } else if (strcmp(form, "shared") == 0) {
        fill_mapping(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), size);
    } else if (strcmp(form, "pipes") == 0) {
        fill_pipes(count);
    } else {
        return 64;
    }
    found("filled", count);
    return 0;
}
