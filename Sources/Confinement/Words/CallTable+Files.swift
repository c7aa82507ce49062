// SPDX-License-Identifier: Apache-2.0

// Calls and their parameters, as the man pages of section 2 have them: see `SystemCallSignature` for the marks.
extension SystemCallGroup {
    static let filesByPath = SystemCallGroup(
        "files by name",
        """
        access path$ mode
        chdir path$
        chmod path$ mode%
        chown path$ owner group
        creat path$ mode%
        faccessat dirfd@ path$ mode
        faccessat2 dirfd@ path$ mode flags:AT
        fchmodat dirfd@ path$ mode%
        fchmodat2 dirfd@ path$ mode% flags:AT
        fchownat dirfd@ path$ owner group flags:AT
        futimesat dirfd@ path$ times*
        getcwd buf* size#
        lchown path$ owner group
        link oldpath$ newpath$
        linkat olddirfd@ oldpath$ newdirfd@ newpath$ flags:AT
        lstat path$ statbuf*
        mkdir path$ mode%
        mkdirat dirfd@ path$ mode%
        mknod path$ mode:MODE dev&
        mknodat dirfd@ path$ mode:MODE dev&
        newfstatat dirfd@ path$ statbuf* flags:AT
        open path$ flags:OPEN mode%
        openat dirfd@ path$ flags:OPEN mode%
        openat2 dirfd@ path$ how* size#
        readlink path$ buf* size#
        readlinkat dirfd@ path$ buf* size#
        rename oldpath$ newpath$
        renameat olddirfd@ oldpath$ newdirfd@ newpath$
        renameat2 olddirfd@ oldpath$ newdirfd@ newpath$ flags:RENAME
        rmdir path$
        stat path$ statbuf*
        statfs path$ buf*
        statx dirfd@ path$ flags:AT mask& statxbuf*
        symlink target$ linkpath$
        symlinkat target$ newdirfd@ linkpath$
        truncate path$ length#
        umask mask%
        unlink path$
        unlinkat dirfd@ path$ flags:UNLINK
        utime path$ times*
        utimensat dirfd@ path$ times* flags:AT
        utimes path$ times*
        """)

    static let openFiles = SystemCallGroup(
        "open files",
        """
        cachestat fd range* stat* flags&
        close fd
        close_range first+ last+ flags:CLOSE_RANGE
        copy_file_range fd_in off_in* fd_out off_out* len# flags&
        dup oldfd
        dup2 oldfd newfd
        dup3 oldfd newfd flags:FDFLAGS
        fadvise64 fd offset# len# advice
        fallocate fd mode& offset# len#
        fchdir fd
        fchmod fd mode%
        fchown fd owner group
        fcntl fd cmd:FCNTL arg&
        fdatasync fd
        flock fd operation
        fstat fd statbuf*
        fstatfs fd buf*
        fsync fd
        ftruncate fd length#
        getdents fd dirp* count#
        getdents64 fd dirp* count#
        io_cancel ctx& iocb* result*
        io_destroy ctx&
        io_getevents ctx& min_nr nr events* timeout*
        io_pgetevents ctx& min_nr nr events* timeout* sig*
        io_setup nr_events ctxp*
        io_submit ctx& nr iocbpp*
        ioctl fd request:IOCTL arg&
        lseek fd offset# whence
        pipe pipefd*
        pipe2 pipefd* flags:FDFLAGS
        pread64 fd buf* count# offset#
        preadv fd iov* iovcnt pos_l# pos_h#
        preadv2 fd iov* iovcnt pos_l# pos_h# flags&
        pwrite64 fd buf* count# offset#
        pwritev fd iov* iovcnt pos_l# pos_h#
        pwritev2 fd iov* iovcnt pos_l# pos_h# flags&
        read fd buf* count#
        readahead fd offset# count#
        readv fd iov* iovcnt
        sendfile out_fd in_fd offset* count#
        splice fd_in off_in* fd_out off_out* len# flags&
        sync
        sync_file_range fd offset# nbytes# flags&
        syncfs fd
        tee fd_in fd_out len# flags&
        vmsplice fd iov* nr_segs# flags&
        write fd buf* count#
        writev fd iov* iovcnt
        """)

    static let attributes = SystemCallGroup(
        "extended attributes",
        """
        fgetxattr fd name$ value* size#
        file_getattr dirfd@ path$ attr* size# flags:AT
        file_setattr dirfd@ path$ attr* size# flags:AT
        flistxattr fd list* size#
        fremovexattr fd name$
        fsetxattr fd name$ value* size# flags&
        getxattr path$ name$ value* size#
        getxattrat dirfd@ path$ flags:AT name$ args* size#
        lgetxattr path$ name$ value* size#
        listxattr path$ list* size#
        listxattrat dirfd@ path$ flags:AT list* size#
        llistxattr path$ list* size#
        lremovexattr path$ name$
        lsetxattr path$ name$ value* size# flags&
        removexattr path$ name$
        removexattrat dirfd@ path$ flags:AT name$
        setxattr path$ name$ value* size# flags&
        setxattrat dirfd@ path$ flags:AT name$ args* size#
        """)

    static let events = SystemCallGroup(
        "waiting and events",
        """
        epoll_create size
        epoll_create1 flags:FDFLAGS
        epoll_ctl epfd op fd event*
        epoll_pwait epfd events* maxevents timeout sigmask* sigsetsize#
        epoll_pwait2 epfd events* maxevents timeout* sigmask* sigsetsize#
        epoll_wait epfd events* maxevents timeout
        eventfd initval+
        eventfd2 initval+ flags:FDFLAGS
        fanotify_init flags& event_f_flags:OPEN
        fanotify_mark fanotify_fd flags& mask& dirfd@ path$
        inotify_add_watch fd path$ mask&
        inotify_init
        inotify_init1 flags:FDFLAGS
        inotify_rm_watch fd wd
        poll fds* nfds+ timeout
        ppoll fds* nfds+ timeout* sigmask* sigsetsize#
        pselect6 nfds readfds* writefds* exceptfds* timeout* sigmask*
        select nfds readfds* writefds* exceptfds* timeout*
        signalfd fd mask* sizemask#
        signalfd4 fd mask* sizemask# flags:FDFLAGS
        """)
}
