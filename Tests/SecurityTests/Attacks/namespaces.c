// SPDX-License-Identifier: Apache-2.0
// Attack 12: a namespace of one's own, in which one is root, by every call that makes or enters one.
#include "attempt.h"
#include <linux/sched.h>

static const struct { const char *name; unsigned long flag; const char *file; } kinds[] = {
    {"user", CLONE_NEWUSER, "user"}, {"mount", CLONE_NEWNS, "mnt"},       {"pid", CLONE_NEWPID, "pid"},
    {"net", CLONE_NEWNET, "net"},    {"uts", CLONE_NEWUTS, "uts"},        {"ipc", CLONE_NEWIPC, "ipc"},
    {"cgroup", CLONE_NEWCGROUP, "cgroup"}, {"time", 0x80 /* CLONE_NEWTIME */, "time"},
};

static void reap(long pid) {
    if (pid > 0) waitpid((pid_t)pid, NULL, __WALL);
}

int main(void) {
    char name[64];
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        snprintf(name, sizeof name, "unshare-%s", kinds[i].name);
        pid_t child = fork();  // a success would change what the next attempt means
        if (child == 0) {
            report(name, syscall(SYS_unshare, kinds[i].flag));
            _exit(0);
        }
        waitpid(child, NULL, 0);
        if (kinds[i].flag != 0x80) {  // no flag of clone(2)
            long pid = syscall(SYS_clone, kinds[i].flag | SIGCHLD, 0, 0, 0, 0);
            if (pid == 0) _exit(0);
            snprintf(name, sizeof name, "clone-%s", kinds[i].name);
            report(name, pid > 0 ? 0 : pid);
            reap(pid);
        }
        struct clone_args arguments = {.flags = kinds[i].flag, .exit_signal = SIGCHLD};
        long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
        if (pid == 0) _exit(0);
        snprintf(name, sizeof name, "clone3-%s", kinds[i].name);
        report(name, pid > 0 ? 0 : pid);
        reap(pid);
        char path[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i].file);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        snprintf(name, sizeof name, "setns-%s", kinds[i].name);
        report(name, syscall(SYS_setns, file, 0));
        close(file);
    }
    return 0;
}
