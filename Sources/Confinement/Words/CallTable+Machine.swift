// SPDX-License-Identifier: Apache-2.0

extension SystemCallGroup {
    static let sockets = SystemCallGroup(
        "sockets",
        """
        accept sockfd addr* addrlen*
        accept4 sockfd addr* addrlen* flags:SOCKFLAGS
        bind sockfd addr* addrlen+
        connect sockfd addr* addrlen+
        getpeername sockfd addr* addrlen*
        getsockname sockfd addr* addrlen*
        getsockopt sockfd level optname optval* optlen*
        listen sockfd backlog
        recvfrom sockfd buf* len# flags& src_addr* addrlen*
        recvmmsg sockfd msgvec* vlen+ flags& timeout*
        recvmsg sockfd msg* flags&
        sendmmsg sockfd msgvec* vlen+ flags&
        sendmsg sockfd msg* flags&
        sendto sockfd buf* len# flags& dest_addr* addrlen+
        setsockopt sockfd level optname optval* optlen+
        shutdown sockfd how
        socket domain:AF type:SOCK protocol:PROTOCOL
        socketpair domain:AF type:SOCK protocol:PROTOCOL sv*
        """)

    static let interprocess = SystemCallGroup(
        "queues, semaphores, shared memory",
        """
        mq_getsetattr mqdes newattr* oldattr*
        mq_notify mqdes sevp*
        mq_open name$ oflag:OPEN mode% attr*
        mq_timedreceive mqdes msg_ptr* msg_len# msg_prio* abs_timeout*
        mq_timedsend mqdes msg_ptr* msg_len# msg_prio+ abs_timeout*
        mq_unlink name$
        msgctl msqid op buf*
        msgget key& msgflg&
        msgrcv msqid msgp* msgsz# msgtyp# msgflg&
        msgsnd msqid msgp* msgsz# msgflg&
        semctl semid semnum op arg&
        semget key& nsems semflg&
        semop semid sops* nsops#
        semtimedop semid sops* nsops# timeout*
        shmat shmid shmaddr& shmflg&
        shmctl shmid op buf*
        shmdt shmaddr&
        shmget key& size# shmflg&
        """)

    static let namespaces = SystemCallGroup(
        "namespaces and mounts",
        """
        chroot path$
        fsconfig fd cmd key$ value* aux
        fsmount fsfd flags& attr_flags:MOUNT_ATTR
        fsopen fsname$ flags&
        fspick dirfd@ path$ flags&
        listmount req* mnt_ids* nr_mnt_ids# flags&
        mount source$ target$ filesystemtype$ mountflags:MS data*
        mount_setattr dirfd@ path$ flags:AT attr* size#
        move_mount from_dirfd@ from_path$ to_dirfd@ to_path$ flags&
        open_tree dirfd@ path$ flags:OPEN_TREE
        open_tree_attr dirfd@ path$ flags:OPEN_TREE attr* size#
        pivot_root new_root$ put_old$
        setdomainname name$ len#
        sethostname name$ len#
        setns fd nstype:NAMESPACE
        statmount req* buf* bufsize# flags&
        umount2 target$ flags:UMOUNT
        unshare flags:NAMESPACE
        """)

    static let restriction = SystemCallGroup(
        "restricting oneself",
        """
        landlock_add_rule ruleset_fd rule_type rule_attr* flags&
        landlock_create_ruleset attr* size# flags&
        landlock_restrict_self ruleset_fd flags&
        lsm_get_self_attr attr+ ctx* size* flags&
        lsm_list_modules ids* size* flags&
        lsm_set_self_attr attr+ ctx* size+ flags&
        seccomp operation:SECCOMP flags& args*
        """)

    static let kernel = SystemCallGroup(
        "kernel interfaces",
        """
        add_key type$ description$ payload* plen# keyring
        bpf cmd:BPF attr* size+
        io_uring_enter fd to_submit+ min_complete+ flags& sig* sz#
        io_uring_register fd opcode arg* nr_args+
        io_uring_setup entries+ params*
        keyctl operation:KEYCTL arg2& arg3& arg4& arg5&
        name_to_handle_at dirfd@ path$ handle* mount_id* flags:AT
        open_by_handle_at mount_fd handle* flags:OPEN
        perf_event_open attr* pid cpu group_fd flags&
        request_key type$ description$ callout_info$ dest_keyring
        """)

    static let machine = SystemCallGroup(
        "the machine",
        """
        acct filename$
        delete_module name$ flags:OPEN
        finit_module fd param_values$ flags&
        getrandom buf* buflen# flags&
        init_module module_image* len# param_values$
        ioperm from# num# turn_on
        iopl level
        kexec_file_load kernel_fd initrd_fd cmdline_len# cmdline* flags&
        kexec_load entry& nr_segments# segments* flags&
        lookup_dcookie cookie# buffer* len#
        quotactl op& special$ id addr*
        quotactl_fd fd op& id addr*
        reboot magic& magic2& op:REBOOT arg*
        swapoff path$
        swapon path$ swapflags&
        sysinfo info*
        syslog type:SYSLOG bufp* len
        uname buf*
        vhangup
        """)

    /// Given up by the kernel, or never there: their numbers answer ENOSYS everywhere.
    static let relics = SystemCallGroup(
        "relics",
        """
        _sysctl args*
        afs_syscall
        create_module name$ size#
        epoll_ctl_old
        epoll_wait_old
        get_kernel_syms table*
        getpmsg
        nfsservctl cmd argp* resp*
        putpmsg
        query_module name$ which buf* bufsize# ret*
        security
        sysfs option arg1& arg2&
        tuxcall
        uselib library$
        ustat dev& ubuf*
        vserver
        """)
}
