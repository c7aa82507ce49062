// SPDX-License-Identifier: Apache-2.0

// The calls of the default profile that do not depend on their arguments, by what they are about. Calls in neither list
// are ENOSYS: those newer than this page, and those the kernel gave up long ago.
extension DefaultRules {
    static let allowedCalls = [
        files, descriptors, attributes, memory, processLife, identity, signals, scheduling, time, events,
        sockets, interprocess, selfRestriction, debugging, machine,
    ].flatMap(names)

    static let deniedCalls = [
        deniedNamespaces, deniedMounts, deniedKeys, deniedKernelInterfaces, deniedKernelControl, deniedHandles,
        deniedRelics,
    ].flatMap(names)

    private static let files = """
        access chdir chmod chown creat faccessat faccessat2 fchdir fchmod fchmodat fchmodat2 fchown fchownat fstat \
        fstatfs futimesat getcwd getdents getdents64 lchown link linkat lstat mkdir mkdirat mknod mknodat newfstatat \
        open openat openat2 readlink readlinkat rename renameat renameat2 rmdir stat statfs statx symlink symlinkat \
        truncate umask unlink unlinkat utime utimensat utimes
        """

    private static let descriptors = """
        cachestat close close_range copy_file_range dup dup2 dup3 fadvise64 fallocate fcntl fdatasync flock fsync \
        ftruncate io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit lseek pipe pipe2 pread64 preadv \
        preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile splice sync sync_file_range syncfs tee \
        vmsplice write writev
        """

    private static let attributes = """
        fgetxattr file_getattr file_setattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr \
        listxattrat llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat
        """

    private static let memory = """
        brk get_mempolicy madvise map_shadow_stack mbind membarrier memfd_create memfd_secret mincore mlock mlock2 \
        mlockall mmap mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect \
        process_madvise process_mrelease remap_file_pages set_mempolicy set_mempolicy_home_node
        """

    private static let processLife = """
        arch_prctl execve execveat exit exit_group fork futex futex_requeue futex_wait futex_waitv futex_wake \
        get_robust_list getpid getppid getrusage gettid pidfd_open prctl restart_syscall rseq set_robust_list \
        set_tid_address vfork wait4 waitid
        """

    private static let identity = """
        capget capset getegid geteuid getgid getgroups getpgid getpgrp getresgid getresuid getsid getuid setfsgid \
        setfsuid setgid setgroups setpgid setregid setresgid setresuid setreuid setsid setuid
        """

    private static let signals = """
        kill pause pidfd_send_signal rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn \
        rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack tgkill tkill
        """

    private static let scheduling = """
        getcpu getpriority getrlimit ioprio_get ioprio_set prlimit64 sched_get_priority_max sched_get_priority_min \
        sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity \
        sched_setattr sched_setparam sched_setscheduler sched_yield setpriority setrlimit
        """

    private static let time = """
        alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep setitimer time timer_create \
        timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times
        """

    private static let events = """
        epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 fanotify_mark \
        inotify_add_watch inotify_init inotify_init1 inotify_rm_watch poll ppoll pselect6 select signalfd signalfd4
        """

    private static let sockets = """
        accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg \
        sendmsg sendto setsockopt shutdown
        """

    /// What works on sockets that are there.
    static let socketCalls = names(sockets)

    private static let interprocess = """
        mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl \
        semget semop semtimedop shmat shmctl shmdt shmget
        """

    private static let selfRestriction = """
        landlock_add_rule landlock_create_ruleset landlock_restrict_self lsm_get_self_attr lsm_list_modules seccomp
        """

    /// Of the agent's own processes only: init is not dumpable. uretprobe and uprobe are the kernel's own trampolines;
    /// refusing them kills a process that someone on the host probes.
    private static let debugging = "process_vm_readv process_vm_writev ptrace uprobe uretprobe"

    private static let machine = "getrandom sysinfo uname"

    private static let deniedNamespaces = "clone setdomainname sethostname setns unshare"

    /// statmount and listmount are left to ENOSYS: libmount then reads /proc/self/mountinfo.
    private static let deniedMounts = """
        chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree open_tree_attr pivot_root umount2
        """

    private static let deniedKeys = "add_key keyctl request_key"

    /// Large and subtle kernel machinery, more of it than an agent needs.
    private static let deniedKernelInterfaces = """
        bpf fanotify_init io_uring_enter io_uring_register io_uring_setup lsm_set_self_attr migrate_pages modify_ldt \
        move_pages perf_event_open personality userfaultfd
        """

    /// What is the machine's and not the sandbox's.
    private static let deniedKernelControl = """
        acct adjtimex clock_adjtime clock_settime delete_module finit_module init_module ioperm iopl kexec_file_load \
        kexec_load quotactl quotactl_fd reboot settimeofday swapoff swapon syslog vhangup
        """

    /// Ways around paths and process boundaries.
    private static let deniedHandles = "kcmp name_to_handle_at open_by_handle_at pidfd_getfd"

    private static let deniedRelics = """
        _sysctl create_module get_kernel_syms lookup_dcookie nfsservctl query_module sysfs uselib ustat
        """
}
