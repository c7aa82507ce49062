// SPDX-License-Identifier: Apache-2.0
// Makes one system call of a launch fail: faults REPORT ROLE NUMBER ERRNO -- COMMAND ..., or only lists them all:
// faults REPORT - 0 0 -- COMMAND ...
//
// Follows the launcher, its threads, and everything it clones, up to the agent's exec, with ptrace(2). Calls are counted
// for each process by itself, since who is faster differs from run to run. A process's role says where it comes from: the
// launcher is 0, its first child 0.1, that one's second 0.1.2. Counting begins at the launcher's capget(2), its first
// question about the machine: what a run time does before main is nobody's to fail. The call is not made: its number
// becomes -1 when the kernel is entered, its result -ERRNO when it is left. Lines of the report:
//   call ROLE NUMBER SYSCALL     when listing
//   failed ROLE NUMBER SYSCALL   the one that was made to fail
//   crash ROLE SIGNAL            a process died of a fault of its own
//   left ROLE                    still there eight seconds after the command's end
#include "attempt.h"
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <linux/ptrace.h>

#if !defined(__x86_64__)
int main(void) { return 77; }
#else

enum program { OTHER, LAUNCHER, INIT };

struct process {
    pid_t pid;
    char role[48];
    int parent; ///< Its place in the table, -1 for none.
    int calls, children;
    long last; ///< The call that was counted last.
    enum program program;
    bool known; ///< Its parent has said so: it has a role.
    bool stopped; ///< It waits for that.
    bool started, failing;
};

static struct process table[512];
static int count, fail_number, fail_errno;
static const char *fail_role;
static bool counting;
static FILE *output;
static volatile sig_atomic_t timed_out;

static void on_alarm(int signal) {
    (void)signal;
    timed_out = 1;
}

static struct process *find(pid_t pid) {
    for (int i = count - 1; i >= 0; i--) {
        if (table[i].pid == pid) return &table[i];
    }
    if (count == sizeof table / sizeof *table) exit(97);
    struct process *new = &table[count++];
    *new = (struct process){.pid = pid, .parent = -1};
    return new;
}

// Calls that belong to no step: a process's own end, and what the C library's locks and threads are made of.
static bool is_exempt(long number) {
    switch (number) {
    case SYS_exit: case SYS_exit_group: case SYS_rt_sigreturn: case SYS_restart_syscall: case SYS_futex:
    case SYS_set_robust_list: case SYS_rseq: case SYS_set_tid_address: case SYS_arch_prctl: case SYS_sched_yield:
    // "Always successful", as their manual pages say, or failing for wrong arguments alone.
    case SYS_getpid: case SYS_gettid: case SYS_getppid: case SYS_getuid: case SYS_geteuid: case SYS_getgid:
    case SYS_clock_gettime: case SYS_getrusage: case SYS_rt_sigprocmask: case SYS_getegid: case SYS_umask: case SYS_setfsuid: case SYS_setfsgid:
    // Only of processes of one's own, with signals that there are.
    case SYS_kill:
        return true;
    default:
        return false;
    }
}

static void enter(struct process *p, long number) {
    if (!counting && p->program == LAUNCHER && number == SYS_capget) counting = true;
    if (!counting || p->program == OTHER || is_exempt(number)) return;
    // Looking again and again counts once: how often it is differs from run to run.
    if (number == SYS_ppoll && p->last == SYS_ppoll) return;
    p->last = number;
    p->calls++;
    if (!fail_number) fprintf(output, "call %s %d %ld\n", p->role, p->calls, number);
    if (p->calls != fail_number || strcmp(p->role, fail_role) != 0) return;
    fprintf(output, "failed %s %d %ld\n", p->role, p->calls, number);
    fflush(output);
    // A close(2) that fails has closed all the same.
    p->failing = number == SYS_close ||
                 ptrace(PTRACE_POKEUSER, p->pid, offsetof(struct user_regs_struct, orig_rax), -1L) == 0;
}

static void at_system_call(struct process *p) {
    struct ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof info, &info) < 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        enter(p, (long)info.entry.nr);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && p->failing) {
        p->failing = false;
        ptrace(PTRACE_POKEUSER, p->pid, offsetof(struct user_regs_struct, rax), (long)-fail_errno);
    }
}

static enum program program_of(pid_t pid) {
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *file = fopen(path, "re");
    if (!file) return OTHER;
    if (!fgets(name, sizeof name, file)) name[0] = 0;
    fclose(file);
    // Init is executed from a descriptor: the kernel names it by that, "5".
    if (strcmp(name, "martinet\n") == 0) return LAUNCHER;
    return strcmp(name, "martinet-init\n") == 0 || strcmp(name, "5\n") == 0 ? INIT : OTHER;
}

static void at_clone(struct process *p) {
    unsigned long pid = 0;
    if (ptrace(PTRACE_GETEVENTMSG, p->pid, 0, &pid) < 0) return;
    struct process *child = find((pid_t)pid);
    child->parent = (int)(p - table);
    child->program = p->program;
    child->known = true;
    snprintf(child->role, sizeof child->role, "%.30s.%d", p->role, ++p->children);
    if (child->stopped) ptrace(PTRACE_SYSCALL, child->pid, 0, 0);
}

// Whether this exec is the agent's: what it does is not the launch.
static bool at_exec(struct process *p) {
    p->program = program_of(p->pid);
    return p->program == OTHER && p->parent >= 0 && table[p->parent].program == INIT;
}

static bool is_crash(int signal) {
    return signal == SIGSEGV || signal == SIGILL || signal == SIGABRT || signal == SIGTRAP || signal == SIGBUS ||
           signal == SIGFPE || signal == SIGSYS;
}

// Handles one change of one process; the command's status when that has ended, or -1.
static int handle(pid_t pid, int status, pid_t command) {
    struct process *p = find(pid);
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
        if (WIFSIGNALED(status) && is_crash(WTERMSIG(status))) fprintf(output, "crash %s %d\n", p->role, WTERMSIG(status));
        p->pid = 0;
        return pid == command ? status : -1;
    }
    int signal = WSTOPSIG(status), event = status >> 16;
    if (!p->started) {
        // The stop that every new tracee begins with.
        p->started = true;
        p->stopped = true;
        if (p->known) ptrace(PTRACE_SYSCALL, pid, 0, 0);
        return -1;
    }
    if (signal == (SIGTRAP | 0x80)) {
        at_system_call(p);
        signal = 0;
    } else if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) {
        at_clone(p);
        signal = 0;
    } else if (event == PTRACE_EVENT_EXEC) {
        signal = 0;
        if (at_exec(p)) {
            ptrace(PTRACE_DETACH, pid, 0, 0);
            p->pid = 0;
            return -1;
        }
    } else if (event != 0) {
        signal = 0;
    }
    siginfo_t info;
    if (is_crash(signal) && ptrace(PTRACE_GETSIGINFO, pid, 0, &info) == 0 && info.si_code > 0) {
        // A fault that would end it. The kernel spares PID 1 while it is traced, and the fault would come again for ever.
        fprintf(output, "crash %s %d\n", p->role, signal);
        kill(pid, SIGKILL);
    }
    ptrace(PTRACE_SYSCALL, pid, 0, (long)signal);
    return -1;
}

int main(int argc, char **argv) {
    if (argc < 7) return 64;
    output = fopen(argv[1], "we");
    if (!output) return 96;
    fail_role = argv[2];
    fail_number = atoi(argv[3]);
    fail_errno = atoi(argv[4]);
    pid_t command = fork();
    if (command == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execv(argv[6], argv + 6);
        _exit(98);
    }
    int status, result = -1;
    struct process *first = find(command);
    strcpy(first->role, "0");
    first->known = first->started = true;
    if (waitpid(command, &status, __WALL) != command) return 95;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, command, 0, options) < 0) return 94;
    ptrace(PTRACE_SYSCALL, command, 0, 0);
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, 0);
    while (!timed_out) {
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0) {
            if (errno == EINTR) continue;
            break;
        }
        int ended = handle(pid, status, command);
        if (ended < 0) continue;
        result = ended;
        alarm(8);
    }
    if (timed_out) {
        for (int i = 0; i < count; i++) {
            if (table[i].pid > 0) fprintf(output, "left %s\n", table[i].role);
        }
    }
    fclose(output);
    return WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result);
}
#endif
