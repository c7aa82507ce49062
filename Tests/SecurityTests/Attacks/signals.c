// SPDX-License-Identifier: Apache-2.0
// Attack 18: signals beyond the sandbox and to init. Arguments: pairs of a name and a process id of the host's.
#include "attempt.h"
#include <time.h>

int main(int argc, char **argv) {
    char name[64];
    for (int i = 1; i + 1 < argc; i += 2) {
        pid_t pid = (pid_t)atoi(argv[i + 1]);
#define NAME(what) (snprintf(name, sizeof name, "%s-%s", argv[i], what), name)
        report(NAME("exists"), kill(pid, 0));
        report(NAME("kill"), kill(pid, SIGKILL));
        report(NAME("kill-group"), kill(-pid, SIGKILL));
        report(NAME("tgkill"), syscall(SYS_tgkill, pid, pid, SIGKILL));
        siginfo_t info = {.si_code = SI_QUEUE};
        report(NAME("sigqueueinfo"), syscall(SYS_rt_sigqueueinfo, pid, SIGKILL, &info));
        report(NAME("pidfd-open"), syscall(SYS_pidfd_open, pid, 0));
        int pipes[2];
        if (pipe(pipes) == 0) report(NAME("set-owner"), fcntl(pipes[0], F_SETOWN, pid));
    }
    // No effect on PID 1, whether or not it is said to have worked.
    static const int fatal[] = {SIGKILL, SIGSTOP, SIGTERM, SIGINT, SIGSEGV, SIGTSTP, SIGCHLD};
    int refused = 0;
    for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; i++)
        if (kill(1, fatal[i]) < 0) refused += errno == EPERM;
    dprintf(1, "init-refused %d OK\n", refused);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    int status = 0;
    report("child-kill", kill(child, SIGKILL));
    waitpid(child, &status, 0);
    found("child-died", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    // Init still reaps: an orphan does not stay a zombie.
    int pipes[2];
    if (pipe(pipes) < 0) return 1;
    child = fork();
    if (child == 0) {
        pid_t orphan = fork();
        if (orphan == 0) _exit(0);
        if (write(pipes[1], &orphan, sizeof orphan) < 0) _exit(1);
        _exit(0);
    }
    pid_t orphan = 0;
    if (read(pipes[0], &orphan, sizeof orphan) < 0) return 1;
    waitpid(child, NULL, 0);
    int gone = 0;
    for (int i = 0; i < 200 && !gone; i++) {
        gone = kill(orphan, 0) < 0 && errno == ESRCH;
        usleep(10000);
    }
    found("init-still-reaps", gone);
    return 0;
}
