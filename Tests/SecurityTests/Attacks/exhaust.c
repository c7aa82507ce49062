// SPDX-License-Identifier: Apache-2.0
// Attack 33: using up what the kernel counts by process or by user. Arguments: descriptors, inotify, queues or signals; how
// many to try at most. Holds them until its input ends.
#include "attempt.h"
#include <mqueue.h>
#include <sys/inotify.h>
#include <sys/resource.h>

static int make(const char *kind, long number) {
    if (strcmp(kind, "descriptors") == 0) return open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (strcmp(kind, "inotify") == 0) return inotify_init1(IN_CLOEXEC);
    if (strcmp(kind, "queues") == 0) {
        char name[64];
        snprintf(name, sizeof name, "/exhaust-%d-%ld", getpid(), number);
        struct mq_attr size = {.mq_maxmsg = 10, .mq_msgsize = 8192};
        int queue = (int)mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &size);
        int error = errno;
        mq_unlink(name);
        errno = error;
        return queue;
    }
    union sigval nothing = {0};
    return sigqueue(getpid(), SIGRTMIN, nothing);
}

int main(int argc, char **argv) {
    const char *kind = argument(argc, argv, 1);
    long most = atol(argument(argc, argv, 2)), made = 0;
    struct rlimit limit;
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    found("descriptor-limit", (long)limit.rlim_max);
    while (made < most && make(kind, made) >= 0) made++;
    report("last", made < most ? -1 : 0);
    found("made", made);
    found("ready", 0);
    char end;
    while (read(0, &end, 1) > 0) {}
    return 0;
}
