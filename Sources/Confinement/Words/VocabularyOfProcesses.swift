// SPDX-License-Identifier: Apache-2.0

extension Vocabulary {
    private static let namespaceFlags: [(String, UInt64)] = [
        ("CLONE_NEWNS", 0x2_0000), ("CLONE_NEWCGROUP", 0x200_0000), ("CLONE_NEWUTS", 0x400_0000),
        ("CLONE_NEWIPC", 0x800_0000), ("CLONE_NEWUSER", 0x1000_0000), ("CLONE_NEWPID", 0x2000_0000),
        ("CLONE_NEWNET", 0x4000_0000),
    ]

    /// The low byte is the signal that the parent gets.
    static let clone = mixed(
        mask: 0xff, signalNumbers,
        [
            ("CLONE_VM", 0x100), ("CLONE_FS", 0x200), ("CLONE_FILES", 0x400), ("CLONE_SIGHAND", 0x800),
            ("CLONE_PIDFD", 0x1000), ("CLONE_PTRACE", 0x2000), ("CLONE_VFORK", 0x4000), ("CLONE_PARENT", 0x8000),
            ("CLONE_THREAD", 0x1_0000), ("CLONE_SYSVSEM", 0x4_0000), ("CLONE_SETTLS", 0x8_0000),
            ("CLONE_PARENT_SETTID", 0x10_0000), ("CLONE_CHILD_CLEARTID", 0x20_0000), ("CLONE_DETACHED", 0x40_0000),
            ("CLONE_UNTRACED", 0x80_0000), ("CLONE_CHILD_SETTID", 0x100_0000), ("CLONE_IO", 0x8000_0000),
        ] + namespaceFlags)

    static let namespaces = bits(
        namespaceFlags + [
            ("CLONE_NEWTIME", 0x80), ("CLONE_VM", 0x100), ("CLONE_FS", 0x200), ("CLONE_FILES", 0x400),
            ("CLONE_SIGHAND", 0x800), ("CLONE_THREAD", 0x1_0000), ("CLONE_SYSVSEM", 0x4_0000),
        ])

    private static let signalNumbers: [(String, UInt64)] = DefaultRules.names(
        """
        SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM \
        SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF \
        SIGWINCH SIGIO SIGPWR SIGSYS
        """
    ).enumerated().map { ($0.element, UInt64($0.offset + 1)) }

    static let signals = one(signalNumbers)

    static let personalities = mixed(
        mask: 0xff, [("PER_LINUX", 0), ("PER_BSD", 6), ("PER_LINUX32", 8)],
        [
            ("UNAME26", 0x2_0000), ("ADDR_NO_RANDOMIZE", 0x4_0000), ("FDPIC_FUNCPTRS", 0x8_0000),
            ("MMAP_PAGE_ZERO", 0x10_0000), ("ADDR_COMPAT_LAYOUT", 0x20_0000), ("READ_IMPLIES_EXEC", 0x40_0000),
            ("ADDR_LIMIT_32BIT", 0x80_0000), ("SHORT_INODE", 0x100_0000), ("WHOLE_SECONDS", 0x200_0000),
            ("STICKY_TIMEOUTS", 0x400_0000), ("ADDR_LIMIT_3GB", 0x800_0000),
        ])

    static let processControl = one([
        ("PR_SET_PDEATHSIG", 1), ("PR_GET_PDEATHSIG", 2), ("PR_GET_DUMPABLE", 3), ("PR_SET_DUMPABLE", 4),
        ("PR_GET_UNALIGN", 5), ("PR_SET_UNALIGN", 6), ("PR_GET_KEEPCAPS", 7), ("PR_SET_KEEPCAPS", 8),
        ("PR_GET_FPEMU", 9), ("PR_SET_FPEMU", 10), ("PR_GET_FPEXC", 11), ("PR_SET_FPEXC", 12), ("PR_GET_TIMING", 13),
        ("PR_SET_TIMING", 14), ("PR_SET_NAME", 15), ("PR_GET_NAME", 16), ("PR_GET_ENDIAN", 19), ("PR_SET_ENDIAN", 20),
        ("PR_GET_SECCOMP", 21), ("PR_SET_SECCOMP", 22), ("PR_CAPBSET_READ", 23), ("PR_CAPBSET_DROP", 24),
        ("PR_GET_TSC", 25), ("PR_SET_TSC", 26), ("PR_GET_SECUREBITS", 27), ("PR_SET_SECUREBITS", 28),
        ("PR_SET_TIMERSLACK", 29), ("PR_GET_TIMERSLACK", 30), ("PR_TASK_PERF_EVENTS_DISABLE", 31),
        ("PR_TASK_PERF_EVENTS_ENABLE", 32), ("PR_MCE_KILL", 33), ("PR_MCE_KILL_GET", 34), ("PR_SET_MM", 35),
        ("PR_SET_CHILD_SUBREAPER", 36), ("PR_GET_CHILD_SUBREAPER", 37), ("PR_SET_NO_NEW_PRIVS", 38),
        ("PR_GET_NO_NEW_PRIVS", 39), ("PR_GET_TID_ADDRESS", 40), ("PR_SET_THP_DISABLE", 41),
        ("PR_GET_THP_DISABLE", 42), ("PR_SET_FP_MODE", 45), ("PR_GET_FP_MODE", 46), ("PR_CAP_AMBIENT", 47),
        ("PR_SVE_SET_VL", 50), ("PR_SVE_GET_VL", 51), ("PR_GET_SPECULATION_CTRL", 52), ("PR_SET_SPECULATION_CTRL", 53),
        ("PR_PAC_RESET_KEYS", 54), ("PR_SET_TAGGED_ADDR_CTRL", 55), ("PR_GET_TAGGED_ADDR_CTRL", 56),
        ("PR_SET_IO_FLUSHER", 57), ("PR_GET_IO_FLUSHER", 58), ("PR_SET_SYSCALL_USER_DISPATCH", 59),
        ("PR_PAC_SET_ENABLED_KEYS", 60), ("PR_PAC_GET_ENABLED_KEYS", 61), ("PR_SCHED_CORE", 62),
        ("PR_SME_SET_VL", 63), ("PR_SME_GET_VL", 64), ("PR_SET_MDWE", 65), ("PR_GET_MDWE", 66),
        ("PR_SET_MEMORY_MERGE", 67), ("PR_GET_MEMORY_MERGE", 68), ("PR_SET_VMA", 0x5356_4d41),
        ("PR_SET_PTRACER", 0x5961_6d61), ("PR_GET_AUXV", 0x4155_5856),
    ])

    static let trace = one(
        [
            ("PTRACE_TRACEME", 0), ("PTRACE_PEEKTEXT", 1), ("PTRACE_PEEKDATA", 2), ("PTRACE_PEEKUSR", 3),
            ("PTRACE_POKETEXT", 4), ("PTRACE_POKEDATA", 5), ("PTRACE_POKEUSR", 6), ("PTRACE_CONT", 7),
            ("PTRACE_KILL", 8), ("PTRACE_SINGLESTEP", 9), ("PTRACE_GETREGS", 12), ("PTRACE_SETREGS", 13),
            ("PTRACE_GETFPREGS", 14), ("PTRACE_SETFPREGS", 15), ("PTRACE_ATTACH", 16), ("PTRACE_DETACH", 17),
            ("PTRACE_SYSCALL", 24), ("PTRACE_SETOPTIONS", 0x4200), ("PTRACE_GETEVENTMSG", 0x4201),
            ("PTRACE_GETSIGINFO", 0x4202), ("PTRACE_SETSIGINFO", 0x4203), ("PTRACE_GETREGSET", 0x4204),
            ("PTRACE_SETREGSET", 0x4205), ("PTRACE_SEIZE", 0x4206), ("PTRACE_INTERRUPT", 0x4207),
            ("PTRACE_LISTEN", 0x4208), ("PTRACE_PEEKSIGINFO", 0x4209), ("PTRACE_GETSIGMASK", 0x420a),
            ("PTRACE_SETSIGMASK", 0x420b), ("PTRACE_SECCOMP_GET_FILTER", 0x420c),
            ("PTRACE_SECCOMP_GET_METADATA", 0x420d), ("PTRACE_GET_SYSCALL_INFO", 0x420e),
            ("PTRACE_GET_RSEQ_CONFIGURATION", 0x420f),
        ], isWide: true)

    static let architecture = one([
        ("ARCH_SET_GS", 0x1001), ("ARCH_SET_FS", 0x1002), ("ARCH_GET_FS", 0x1003), ("ARCH_GET_GS", 0x1004),
        ("ARCH_GET_CPUID", 0x1011), ("ARCH_SET_CPUID", 0x1012), ("ARCH_GET_XCOMP_SUPP", 0x1021),
        ("ARCH_GET_XCOMP_PERM", 0x1022), ("ARCH_REQ_XCOMP_PERM", 0x1023), ("ARCH_SHSTK_ENABLE", 0x5001),
        ("ARCH_SHSTK_DISABLE", 0x5002), ("ARCH_SHSTK_LOCK", 0x5003),
    ])

    static let resources = one(
        DefaultRules.names(
            "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME"
        ).enumerated().map { ("RLIMIT_" + $0.element, UInt64($0.offset)) })

    static let policies = mixed(
        mask: 0x3fff_ffff,
        [
            ("SCHED_OTHER", 0), ("SCHED_FIFO", 1), ("SCHED_RR", 2), ("SCHED_BATCH", 3), ("SCHED_IDLE", 5),
            ("SCHED_DEADLINE", 6), ("SCHED_EXT", 7),
        ], [("SCHED_RESET_ON_FORK", 0x4000_0000)])

    static let clocks = one([
        ("CLOCK_REALTIME", 0), ("CLOCK_MONOTONIC", 1), ("CLOCK_PROCESS_CPUTIME_ID", 2),
        ("CLOCK_THREAD_CPUTIME_ID", 3), ("CLOCK_MONOTONIC_RAW", 4), ("CLOCK_REALTIME_COARSE", 5),
        ("CLOCK_MONOTONIC_COARSE", 6), ("CLOCK_BOOTTIME", 7), ("CLOCK_REALTIME_ALARM", 8),
        ("CLOCK_BOOTTIME_ALARM", 9), ("CLOCK_TAI", 11),
    ])

    static let protections = bits([
        ("PROT_READ", 1), ("PROT_WRITE", 2), ("PROT_EXEC", 4), ("PROT_SEM", 8), ("PROT_GROWSDOWN", 0x100_0000),
        ("PROT_GROWSUP", 0x200_0000),
    ])

    static let mapFlags = mixed(
        mask: 0xf, [("MAP_SHARED", 1), ("MAP_PRIVATE", 2), ("MAP_SHARED_VALIDATE", 3)],
        [
            ("MAP_FIXED", 0x10), ("MAP_ANONYMOUS", 0x20), ("MAP_GROWSDOWN", 0x100), ("MAP_DENYWRITE", 0x800),
            ("MAP_EXECUTABLE", 0x1000), ("MAP_LOCKED", 0x2000), ("MAP_NORESERVE", 0x4000), ("MAP_POPULATE", 0x8000),
            ("MAP_NONBLOCK", 0x1_0000), ("MAP_STACK", 0x2_0000), ("MAP_HUGETLB", 0x4_0000), ("MAP_SYNC", 0x8_0000),
            ("MAP_FIXED_NOREPLACE", 0x10_0000),
        ])

    static let memoryFileFlags = bits([
        ("MFD_CLOEXEC", 1), ("MFD_ALLOW_SEALING", 2), ("MFD_HUGETLB", 4), ("MFD_NOEXEC_SEAL", 8), ("MFD_EXEC", 0x10),
    ])

    static let faultFlags = bits([
        ("UFFD_USER_MODE_ONLY", 1), ("O_NONBLOCK", 0o4000), ("O_CLOEXEC", 0o2000000),
    ])
}
