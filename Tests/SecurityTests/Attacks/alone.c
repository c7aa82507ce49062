// SPDX-License-Identifier: Apache-2.0
// Out of a sandbox that has no namespaces: files, processes, sockets and objects of the host's, all of them open to this
// process's uid as far as the kernel's ordinary permissions go. Arguments: a directory outside, one of one's own, a process
// id, a number, and a socket's path. The last attempts are those that end the process.
#include "attempt.h"
#include <arpa/inet.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>

static char outside[256];
static const char *at(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", outside, name);
    return path;
}

static void files(void) {
    char linked[512], text[8];
    try_open("read", at("file"), O_RDONLY);
    try_open("write", at("file"), O_WRONLY);
    try_open("append", at("file"), O_WRONLY | O_APPEND);
    try_open("list", outside, O_RDONLY | O_DIRECTORY);
    try_open("create", at("new"), O_WRONLY | O_CREAT);
    try_open("unnamed", outside, O_RDWR | O_TMPFILE);
    report("symlink-inside", symlink(at("file"), "link"));
    try_open("read-by-symlink", "link", O_RDONLY);
    int handle = open(outside, O_PATH | O_CLOEXEC);
    int file = openat(handle, "file", O_RDONLY | O_CLOEXEC);
    report("read-by-handle", file);
    handle = open(at("file"), O_PATH | O_CLOEXEC);
    snprintf(linked, sizeof linked, "/proc/self/fd/%d", handle);
    try_open("reopen-handle", linked, O_RDWR);
    snprintf(linked, sizeof linked, "/proc/self/root%s/file", outside);
    try_open("read-by-proc-root", linked, O_RDONLY);
    char before[512];
    if (!getcwd(before, sizeof before)) return;
    report("change-directory", chdir(outside));  // of no use
    try_open("read-by-directory", "file", O_RDONLY);
    if (chdir(before) < 0) return;
    report("link-in", link(at("file"), "stolen"));
    report("rename-in", rename(at("moved"), "moved"));
    int made = open("own", O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    close(made);
    report("rename-out", rename("own", at("planted")));
    report("link-out", link("link", at("planted-link")));
    report("symlink-out", symlink("/etc/passwd", at("planted-symlink")));
    report("make-directory", mkdir(at("planted-directory"), 0777));
    report("make-fifo", mkfifo(at("planted-fifo"), 0666));
    report("make-device", mknod(at("planted-device"), S_IFCHR | 0666, 0));
    report("remove", unlink(at("removed")));
    report("remove-directory", rmdir(at("directory")));
    report("truncate", truncate(at("file"), 0));
    try_open("open-truncating", at("file"), O_RDONLY | O_TRUNC);
    pid_t child = fork();
    if (child == 0) {
        char *none[] = {"program", NULL};
        execv(at("program"), none);
        _exit(errno);
    }
    int status = 0;
    waitpid(child, &status, 0);
    errno = WEXITSTATUS(status) == 64 ? 0 : WEXITSTATUS(status);
    report("execute", errno ? -1 : 0);
    report("change-owner", chown(at("file"), getuid(), getgid()));
    report("set-attribute", setxattr(at("file"), "user.martinet", "x", 1, 0));
    // What Landlock has no right for.
    struct stat facts;
    report("look-at", stat(at("file"), &facts));
    report("change-mode", chmod(at("file"), 0666));
    report("read-own", open("own", O_RDONLY | O_CLOEXEC) >= 0 && read(made, text, 0) <= 0 ? 0 : -1);
}

static void process(const char *who, pid_t pid) {
    char name[64], path[64], text[16];
#define NAME(what) (snprintf(name, sizeof name, "%s-%s", who, what), name)
    static const struct { const char *name; int flags; } opened[] = {
        {"mem", O_RDWR}, {"environ", O_RDONLY}, {"maps", O_RDONLY}, {"fd/1", O_RDONLY}, {"oom_score_adj", O_WRONLY},
        {"root/etc/passwd", O_RDONLY}, {"cwd/file", O_RDONLY}, {"ns/mnt", O_RDONLY},
    };
    for (unsigned i = 0; i < sizeof opened / sizeof *opened; i++) {
        snprintf(path, sizeof path, "/proc/%d/%s", pid, opened[i].name);
        int file = open(path, opened[i].flags | O_CLOEXEC);
        // Some files open to all and read nothing to most.
        report(NAME(opened[i].name), file < 0 || opened[i].flags == O_WRONLY ? file : read(file, text, sizeof text));
        close(file);
    }
    long traced = ptrace(PTRACE_SEIZE, pid, 0, 0);
    report(NAME("ptrace"), traced);
    struct iovec local = {text, sizeof text}, remote = {(void *)&local, sizeof text};
    report(NAME("vm-read"), process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0 && errno == EFAULT ? 0 : -1);
    struct rlimit limit = {600, 600};
    report(NAME("limit"), syscall(SYS_prlimit64, pid, RLIMIT_CPU, &limit, NULL));
    report(NAME("priority"), setpriority(PRIO_PROCESS, (id_t)pid, 19));
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    report(NAME("affinity"), sched_setaffinity(pid, sizeof all, &all));
    report(NAME("exists"), kill(pid, 0));
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    report(NAME("pidfd-signal"), syscall(SYS_pidfd_send_signal, pidfd, SIGURG, NULL, 0));
    siginfo_t info = {.si_code = SI_QUEUE};
    report(NAME("sigqueueinfo"), syscall(SYS_rt_sigqueueinfo, pid, SIGURG, &info));
    report(NAME("tgkill"), syscall(SYS_tgkill, pid, pid, SIGURG));
}

static void sockets(const char *path, int key) {
    struct sockaddr_un named = {.sun_family = AF_UNIX}, abstract = {.sun_family = AF_UNIX};
    snprintf(named.sun_path, sizeof named.sun_path, "%s", path);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    report("unix-socket", client);
    report("unix-connect", client < 0 ? -1 : connect(client, (struct sockaddr *)&named, sizeof named));
    int pair[2] = {-1, -1};
    report("unix-datagram-pair", socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair));
    report("unix-send", sendto(pair[0], "x", 1, 0, (struct sockaddr *)&named, sizeof named) < 0 && errno == EPROTOTYPE ? 0 : -1);
    report("unix-pair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    report("unix-pair-connect", connect(pair[0], (struct sockaddr *)&named, sizeof named));
    snprintf(abstract.sun_path + 1, sizeof abstract.sun_path - 1, "/martinet-canary-%d", key);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    report("abstract-connect", client < 0 ? -1 : connect(client, (struct sockaddr *)&abstract,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract.sun_path + 1))));
    report("tcp", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    report("udp", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    report("tcp6", socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    report("netlink", socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static void objects(int key) {
    char name[64];
    snprintf(name, sizeof name, "/martinet-canary-%d", key);
    report("sysv-memory", shmget(key, 0, 0));
    report("sysv-messages", msgget(key, 0));
    report("sysv-semaphores", semget(key, 0, 0));
    report("posix-memory", shm_open(name, O_RDONLY, 0));
    report("posix-queue", mq_open(name, O_RDONLY));
    report("make-sysv-memory", shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600));
}

static void machine(void) {
    report("unshare-user", syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */));
    report("mount", mount("none", ".", "tmpfs", 0, ""));
    try_open("new-terminal", "/dev/ptmx", O_RDWR | O_NOCTTY);
    try_open("kernel-log", "/dev/kmsg", O_RDONLY);
    try_open("sysctl", "/proc/sys/kernel/core_pattern", O_WRONLY);
    try_open("shadow", "/etc/shadow", O_RDONLY);
    try_open("list-root", "/", O_RDONLY | O_DIRECTORY);
    try_open("list-tmp", "/tmp", O_RDONLY | O_DIRECTORY);
    try_open("list-home", "/home", O_RDONLY | O_DIRECTORY);
}

int main(int argc, char **argv) {
    snprintf(outside, sizeof outside, "%s", argument(argc, argv, 1));
    if (chdir(argument(argc, argv, 2)) < 0) return 1;
    pid_t pid = (pid_t)atoi(argument(argc, argv, 3));
    int key = atoi(argument(argc, argv, 4));
    files();
    objects(key);
    sockets(argument(argc, argv, 5), key);
    process("other", pid);
    if (argc > 6) process("init", getppid());  // on the host that is the test itself
    machine();  // last: who has made a user namespace may trace nobody outside
    found("uid", getuid());
    found("no-new-privileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    report("other-kill", kill(pid, SIGKILL));
    if (argc > 6) report("init-kill", kill(getppid(), SIGKILL));
    found("done", 1);
    return 0;
}
