// SPDX-License-Identifier: Apache-2.0

// The calls of the strict profile that do not depend on their arguments. Everything that the default profile knows and
// that is neither here nor among the strict conditions is refused.
extension StrictRules {
    static let allowedCalls = [
        reading, openFiles, memory, processLife, threads, signals, time, events, questions,
    ].flatMap(DefaultRules.names)

    /// By path, and only to look.
    private static let reading = """
        access chdir faccessat faccessat2 fchdir fstat fstatfs getcwd getdents getdents64 getxattr lgetxattr fgetxattr \
        listxattr llistxattr flistxattr lstat newfstatat readlink readlinkat stat statfs statx umask
        """

    /// Standard input and output, pipes between threads, and files that are open for reading.
    private static let openFiles = """
        close close_range dup dup2 dup3 fadvise64 fcntl lseek pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev \
        pwritev2 read readahead readv write writev
        """

    private static let memory = """
        brk get_mempolicy madvise map_shadow_stack membarrier mincore mmap mprotect mremap mseal msync munmap \
        pkey_alloc pkey_free pkey_mprotect
        """

    /// execve starts the agent itself; what it starts is under the same filter, in the same process.
    private static let processLife = """
        arch_prctl execve exit exit_group restart_syscall rseq set_robust_list set_tid_address uprobe uretprobe wait4 \
        waitid
        """

    private static let threads = """
        futex futex_requeue futex_wait futex_waitv futex_wake get_robust_list getcpu sched_get_priority_max \
        sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler \
        sched_rr_get_interval sched_yield
        """

    /// Only the agent's own processes can be reached.
    private static let signals = """
        kill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait \
        rt_tgsigqueueinfo sigaltstack tgkill tkill
        """

    private static let time = """
        alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create \
        timer_delete timer_getoverrun timer_gettime timer_settime times
        """

    /// What the schedulers of Go, Java and JavaScript wait with.
    private static let events = """
        epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 poll ppoll pselect6 \
        select
        """

    /// Limits can be lowered only: raising a hard one takes CAP_SYS_RESOURCE.
    private static let questions = """
        capget getegid geteuid getgid getgroups getpgid getpgrp getpid getppid getpriority getrandom getresgid \
        getresuid getrlimit getrusage getsid gettid getuid prlimit64 setrlimit sysinfo uname
        """
}
