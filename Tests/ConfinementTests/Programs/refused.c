// SPDX-License-Identifier: Apache-2.0
// Tries what the strict profile refuses. Prints "name errno" for each; 0 where it went through.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(name, call)                                        \
    do {                                                       \
        errno = 0;                                             \
        long result = (long)(call);                            \
        printf("%s %s\n", name, result == -1 ? strerrorname_np(errno) : "0"); \
    } while (0)

static long child(long pid) {
    if (pid == 0) _exit(0);
    if (pid > 0) waitpid((pid_t)pid, NULL, 0);
    return pid;
}

int main(void) {
    const char *path = "/tmp/martinet-strict-refused";
    TRY("fork", child(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
    TRY("vfork", child(syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)));
    TRY("clone-newuser", child(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)));
    TRY("clone-thread-newuser", syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWUTS, 0, 0, 0, 0));
    TRY("clone3", syscall(SYS_clone3, NULL, 0));
    TRY("unshare", unshare(CLONE_NEWUSER));
    TRY("socket-unix", socket(AF_UNIX, SOCK_STREAM, 0));
    TRY("socket-inet", socket(AF_INET, SOCK_STREAM, 0));
    int pair[2];
    TRY("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    TRY("socketpair-datagram", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == -1 && errno == EAFNOSUPPORT ? (errno = EPERM, -1) : 0);
    TRY("sendmsg", sendmsg(pair[0], &(struct msghdr){0}, 0));
    TRY("open-create", open(path, O_RDONLY | O_CREAT, 0600));
    TRY("open-write", open("/dev/null", O_WRONLY));
    TRY("open-read-write", open("/dev/null", O_RDWR));
    TRY("open-truncate", open("/dev/null", O_RDONLY | O_TRUNC));
    TRY("open-access-mode-3", open("/dev/null", O_ACCMODE));
    TRY("openat2", syscall(SYS_openat2, AT_FDCWD, path, NULL, 0));
    TRY("open-read", open("/dev/null", O_RDONLY | O_CLOEXEC));
    TRY("mkdir", mkdir(path, 0700));
    TRY("unlink", unlink(path));
    TRY("rename", rename(path, "/tmp/martinet-strict-renamed"));
    TRY("symlink", symlink("x", path));
    TRY("chmod", chmod(path, 0777));
    TRY("fchmod", fchmod(1, 0600));
    TRY("chown", chown(path, 0, 0));
    TRY("ftruncate", ftruncate(1, 0));
    TRY("mknod", mknod(path, S_IFIFO | 0600, 0));
    TRY("memfd_create", memfd_create("x", 0));
    TRY("shmget", shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
    TRY("ptrace", syscall(SYS_ptrace, 0, 0, 0, 0));
    TRY("process_vm_readv", syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0));
    TRY("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
    TRY("bpf", syscall(SYS_bpf, 0, NULL, 0));
    TRY("setsid", setsid());
    TRY("setuid", setuid(getuid()));
    TRY("prctl-dumpable", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    TRY("prctl-name", prctl(PR_SET_NAME, "strict", 0, 0, 0));
    TRY("ioctl-tiocsti", syscall(SYS_ioctl, 1, 0x5412, "x"));
    TRY("ioctl-isatty", syscall(SYS_ioctl, 1, 0x5401, NULL) == -1 && errno == ENOTTY ? 0 : -1);
    TRY("unknown", syscall(1000));
    return 0;
}
