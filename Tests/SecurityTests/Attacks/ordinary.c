// SPDX-License-Identifier: Apache-2.0
// No attack: what programs do every day, and must be able to go on doing. Arguments: a directory that is the agent's, and
// this program's own path.
#include "attempt.h"
#include <mqueue.h>
#include <pty.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>

static long write_text(const char *path, int flags, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC | flags, 0755);
    long result = file < 0 ? -1 : write(file, text, strlen(text));
    if (file >= 0) close(file);
    return result;
}

static void files(void) {
    mkdir("a", 0755);
    report("make-directory", mkdir("b", 0755));
    report("make-file", write_text("a/file", O_CREAT | O_EXCL, "text"));
    report("truncate-file", truncate("a/file", 2));
    report("open-truncating", write_text("a/file", O_TRUNC, "more"));
    report("rename-across", rename("a/file", "b/file"));
    report("link-across", link("b/file", "a/linked"));
    report("rename-directory-across", mkdir("a/sub", 0755) < 0 ? -1 : rename("a/sub", "b/sub"));
    report("exchange", syscall(SYS_renameat2, AT_FDCWD, "a/linked", AT_FDCWD, "b/file", 2 /* RENAME_EXCHANGE */));
    report("symlink", symlink("b/file", "link"));
    report("fifo", mkfifo("fifo", 0644));
    report("change-mode", chmod("b/file", 0600));
    int unnamed = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", unnamed);
    report("link-unnamed", linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    report("remove-file", unlink("a/linked"));
    report("remove-directory", rmdir("b/sub"));
    report("watch", inotify_add_watch(inotify_init1(IN_CLOEXEC), ".", IN_CREATE));
}

static void sockets(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    report("bind-socket", bind(listener, (struct sockaddr *)&address, sizeof address));
    listen(listener, 1);
    report("connect-socket", connect(client, (struct sockaddr *)&address, sizeof address));
    struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0ordinary"};
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    report("bind-abstract", bind(listener, (struct sockaddr *)&abstract, sizeof abstract));
    listen(listener, 1);
    report("connect-abstract", connect(client, (struct sockaddr *)&abstract, sizeof abstract));
}

static void memory(void) {
    report("shared-memory", shm_open("/ordinary", O_CREAT | O_RDWR, 0600));
    report("shared-memory-remove", shm_unlink("/ordinary"));
    struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 16};
    report("queue", mq_open("/ordinary", O_CREAT | O_RDWR, 0600, &small));
    report("queue-remove", mq_unlink("/ordinary"));
}

static void devices(void) {
    report("write-null", write_text("/dev/null", 0, "x"));
    report("truncate-null", write_text("/dev/null", O_TRUNC | O_CREAT, "x"));
    try_open("read-urandom", "/dev/urandom", O_RDONLY);
    int master, slave;
    report("open-terminal", openpty(&master, &slave, NULL, NULL, NULL));
    struct winsize size = {.ws_row = 5, .ws_col = 5};
    report("resize-terminal", ioctl(master, TIOCSWINSZ, &size));
    try_open("reopen-input", "/dev/stdin", O_RDONLY);
    try_open("reopen-output", "/dev/stdout", O_WRONLY);
}

static void processes(const char *self) {
    report("own-comm", write_text("/proc/self/comm", O_TRUNC, "ordinary"));
    report("own-oom-score", write_text("/proc/self/oom_score_adj", 0, "1000"));
    try_open("own-maps", "/proc/self/maps", O_RDONLY);
    try_open("own-namespace", "/proc/self/ns/mnt", O_RDONLY);
    pid_t child = fork();
    if (child == 0) {
        write_text("/proc/self/comm", 0, "child");
        pause();
        _exit(0);
    }
    report("trace-child", ptrace(PTRACE_SEIZE, child, 0, 0));
    report("kill-child", kill(child, SIGKILL));
    waitpid(child, NULL, 0);
    char copy[4096];
    int from = open(self, O_RDONLY | O_CLOEXEC), to = open("program", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    int in_memory = memfd_create("program", 0);
    for (long count; (count = read(from, copy, sizeof copy)) > 0;)
        if (write(to, copy, (size_t)count) < 0 || write(in_memory, copy, (size_t)count) < 0) break;
    close(to);
    char *none[] = {"program", NULL};
    for (int i = 0; i < 2; i++) {
        child = fork();
        if (child == 0) {
            if (i == 0) execv("program", none);
            else fexecve(in_memory, none, none);
            _exit(126);
        }
        int status = 0;
        waitpid(child, &status, 0);
        errno = ENOEXEC;
        report(i == 0 ? "execute-own" : "execute-in-memory", WIFEXITED(status) && WEXITSTATUS(status) == 64 ? 0 : -1);
    }
}

int main(int argc, char **argv) {
    const char *directory = argument(argc, argv, 1);
    if (chdir(directory) < 0) return 1;
    files();
    sockets();
    memory();
    devices();
    processes(argument(argc, argv, 2));
    // What a device node is for cannot be done anyway: a whiteout is the one that takes no privilege.
    report("make-device", mknod("device", S_IFCHR | 0600, 0));
    return 0;
}
