// SPDX-License-Identifier: Apache-2.0
// Attack 17: looking into init, and changing it. The same on a child of one's own shows which calls work at all.
#include "attempt.h"
#include <sys/ptrace.h>
#include <sys/uio.h>

static char word[64] = "a word of this program";

static void inspect(const char *whom, pid_t pid) {
    char name[64], path[64], buffer[256];
#define NAME(what) (snprintf(name, sizeof name, "%s-%s", whom, what), name)
    report(NAME("ptrace-seize"), ptrace(PTRACE_SEIZE, pid, 0, 0));
    report(NAME("ptrace-attach"), ptrace(PTRACE_ATTACH, pid, 0, 0));
    struct iovec here = {buffer, 8}, there = {word, 8};
    report(NAME("vm-read"), process_vm_readv(pid, &here, 1, &there, 1, 0));
    report(NAME("vm-write"), process_vm_writev(pid, &here, 1, &there, 1, 0));
    long handle = report(NAME("pidfd-open"), syscall(SYS_pidfd_open, pid, 0));
    report(NAME("pidfd-getfd"), syscall(SYS_pidfd_getfd, handle, 1, 0));
    report(NAME("kcmp"), syscall(SYS_kcmp, getpid(), pid, 0 /* KCMP_FILE */, 1, 1));
    report(NAME("process-madvise"), syscall(SYS_process_madvise, handle, &there, 1, 20 /* MADV_COLD */, 0));
    static const char *const files[] = {"mem", "environ", "maps", "smaps", "pagemap", "auxv", "syscall", "stack", "io"};
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, files[i]);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        // Some ask at open, some at read.
        long result = file < 0 ? -1 : strcmp(files[i], "mem") == 0 ? 0 : read(file, buffer, sizeof buffer);
        snprintf(name, sizeof name, "%s-%s", whom, files[i]);
        report(name, result < 0 ? -1 : 0);
        if (file >= 0) close(file);
    }
    static const char *const links[] = {"root", "cwd", "exe", "fd/1", "ns/mnt", "ns/user"};
    for (unsigned i = 0; i < sizeof links / sizeof *links; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, links[i]);
        snprintf(name, sizeof name, "%s-%s", whom, links[i]);
        report(name, readlink(path, buffer, sizeof buffer) < 0 ? -1 : 0);
    }
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    try_open(NAME("exe-for-writing"), path, O_WRONLY);
}

int main(void) {
    inspect("init", 1);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    inspect("child", child);
    kill(child, SIGKILL);
    waitpid(child, NULL, __WALL);
    return 0;
}
