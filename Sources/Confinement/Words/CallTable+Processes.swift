// SPDX-License-Identifier: Apache-2.0

extension SystemCallGroup {
    static let processes = SystemCallGroup(
        "processes and threads",
        """
        arch_prctl code:ARCH addr&
        clone flags:CLONE stack* parent_tid* child_tid* tls&
        clone3 args* size#
        execve path$ argv* envp*
        execveat dirfd@ path$ argv* envp* flags:AT
        exit status
        exit_group status
        fork
        futex uaddr* op& val+ timeout* uaddr2* val3+
        futex_requeue waiters* flags& nr_wake nr_requeue
        futex_wait uaddr* val& mask& flags& timeout* clockid:CLOCK
        futex_waitv waiters* nr_futexes+ flags& timeout* clockid:CLOCK
        futex_wake uaddr* mask& nr flags&
        get_robust_list pid head_ptr* len_ptr*
        get_thread_area u_info*
        getpid
        getppid
        getrusage who usage*
        gettid
        kcmp pid1 pid2 type idx1& idx2&
        modify_ldt func ptr* bytecount#
        personality persona:PERSONALITY
        pidfd_getfd pidfd targetfd flags&
        pidfd_open pid flags&
        prctl option:PR arg2& arg3& arg4& arg5&
        process_madvise pidfd iov* vlen# advice flags&
        process_mrelease pidfd flags&
        process_vm_readv pid local_iov* liovcnt# remote_iov* riovcnt# flags&
        process_vm_writev pid local_iov* liovcnt# remote_iov* riovcnt# flags&
        ptrace request:PTRACE pid addr& data&
        restart_syscall
        rseq rseq* rseq_len+ flags& sig&
        set_robust_list head* len#
        set_thread_area u_info*
        set_tid_address tidptr*
        uprobe
        uretprobe
        vfork
        wait4 pid wstatus* options& rusage*
        waitid idtype id infop* options& rusage*
        """)

    static let memory = SystemCallGroup(
        "memory",
        """
        brk addr&
        get_mempolicy mode* nodemask* maxnode# addr& flags&
        madvise addr& length# advice
        map_shadow_stack addr& size# flags&
        mbind addr& len# mode nodemask* maxnode# flags&
        membarrier cmd& flags& cpu_id
        memfd_create name$ flags:MFD
        memfd_secret flags&
        migrate_pages pid maxnode# old_nodes* new_nodes*
        mincore addr& length# vec*
        mlock addr& len#
        mlock2 addr& len# flags&
        mlockall flags&
        mmap addr& length# prot:PROT flags:MAP fd offset#
        move_pages pid count# pages* nodes* status* flags&
        mprotect addr& len# prot:PROT
        mremap old_address& old_size# new_size# flags& new_address&
        mseal addr& len# flags&
        msync addr& length# flags&
        munlock addr& len#
        munlockall
        munmap addr& length#
        pkey_alloc flags& access_rights&
        pkey_free pkey
        pkey_mprotect addr& len# prot:PROT pkey
        remap_file_pages addr& size# prot:PROT pgoff# flags:MAP
        set_mempolicy mode nodemask* maxnode#
        set_mempolicy_home_node start& len# home_node# flags&
        userfaultfd flags:USERFAULTFD
        """)

    static let identity = SystemCallGroup(
        "users, groups, sessions, capabilities",
        """
        capget hdrp* datap*
        capset hdrp* datap*
        getegid
        geteuid
        getgid
        getgroups size list*
        getpgid pid
        getpgrp
        getresgid rgid* egid* sgid*
        getresuid ruid* euid* suid*
        getsid pid
        getuid
        setfsgid fsgid
        setfsuid fsuid
        setgid gid
        setgroups size list*
        setpgid pid pgid
        setregid rgid egid
        setresgid rgid egid sgid
        setresuid ruid euid suid
        setreuid ruid euid
        setsid
        setuid uid
        """)

    static let signals = SystemCallGroup(
        "signals",
        """
        kill pid sig:SIG
        pause
        pidfd_send_signal pidfd sig:SIG info* flags&
        rt_sigaction signum:SIG act* oldact* sigsetsize#
        rt_sigpending set* sigsetsize#
        rt_sigprocmask how set* oldset* sigsetsize#
        rt_sigqueueinfo tgid sig:SIG info*
        rt_sigreturn
        rt_sigsuspend mask* sigsetsize#
        rt_sigtimedwait set* info* timeout* sigsetsize#
        rt_tgsigqueueinfo tgid tid sig:SIG info*
        sigaltstack ss* old_ss*
        tgkill tgid tid sig:SIG
        tkill tid sig:SIG
        """)

    static let scheduling = SystemCallGroup(
        "scheduling and limits",
        """
        getcpu cpu* node* tcache*
        getpriority which who
        getrlimit resource:RLIMIT rlim*
        ioprio_get which who
        ioprio_set which who ioprio
        prlimit64 pid resource:RLIMIT new_limit* old_limit*
        sched_get_priority_max policy:SCHED
        sched_get_priority_min policy:SCHED
        sched_getaffinity pid cpusetsize# mask*
        sched_getattr pid attr* size+ flags&
        sched_getparam pid param*
        sched_getscheduler pid
        sched_rr_get_interval pid tp*
        sched_setaffinity pid cpusetsize# mask*
        sched_setattr pid attr* flags&
        sched_setparam pid param*
        sched_setscheduler pid policy:SCHED param*
        sched_yield
        setpriority which who prio
        setrlimit resource:RLIMIT rlim*
        """)

    static let time = SystemCallGroup(
        "time",
        """
        adjtimex buf*
        alarm seconds+
        clock_adjtime clockid:CLOCK buf*
        clock_getres clockid:CLOCK res*
        clock_gettime clockid:CLOCK tp*
        clock_nanosleep clockid:CLOCK flags& request* remain*
        clock_settime clockid:CLOCK tp*
        getitimer which curr_value*
        gettimeofday tv* tz*
        nanosleep request* remain*
        setitimer which new_value* old_value*
        settimeofday tv* tz*
        time tloc*
        timer_create clockid:CLOCK sevp* timerid*
        timer_delete timerid
        timer_getoverrun timerid
        timer_gettime timerid curr_value*
        timer_settime timerid flags& new_value* old_value*
        timerfd_create clockid:CLOCK flags:FDFLAGS
        timerfd_gettime fd curr_value*
        timerfd_settime fd flags& new_value* old_value*
        times buf*
        """)
}
