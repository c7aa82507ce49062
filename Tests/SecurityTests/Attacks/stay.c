// SPDX-License-Identifier: Apache-2.0
// Living on after the end of the sandbox, in ways that a look for children misses. Argument: which.
#include "attempt.h"
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/prctl.h>

static void ignore_all(void) {
    for (int i = 1; i < 65; i++) signal(i, SIG_IGN);
}

static void *spin(void *unused) {
    for (;;) usleep(1000);
    return unused;
}

static void *be_traced(void *unused) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    return spin(unused);
}

int main(int argc, char **argv) {
    const char *how = argument(argc, argv, 1);
    if (strcmp(how, "orphans") == 0) {
        // A daemon, and one that adopts the orphans of its own.
        for (int i = 0; i < 5; i++) {
            if (fork() != 0) continue;
            setsid();
            if (i % 2) prctl(PR_SET_CHILD_SUBREAPER, 1);
            if (fork() != 0) _exit(0);
            if (fork() == 0 && fork() == 0) setsid();
            ignore_all();
            for (;;) pause();
        }
    } else if (strcmp(how, "chain") == 0) {
        // Never there for longer than it takes to be born and to bear.
        if (fork() != 0) {
            dprintf(1, "ready 0 OK\n");
            usleep(300000);
            return 0;
        }
        setsid();
        ignore_all();
        for (;;) {
            pid_t next = fork();
            if (next > 0) _exit(0);
        }
    } else if (strcmp(how, "thread") == 0) {
        // Its first thread has ended: a zombie to whoever looks at the process.
        if (fork() == 0) {
            ignore_all();
            pthread_t thread;
            pthread_create(&thread, NULL, spin, NULL);
            pthread_exit(NULL);
        }
    } else if (strcmp(how, "traced") == 0) {
        // Orphans with a thread whose tracer is init: killed, nobody else could reap it.
        for (int i = 0; i < 3; i++) {
            if (fork() != 0) continue;
            setsid();
            if (fork() != 0) _exit(0);
            usleep(50000);
            ignore_all();
            pthread_t thread;
            pthread_create(&thread, NULL, be_traced, NULL);
            for (;;) pause();
        }
        usleep(200000);
    } else if (strcmp(how, "toggle") == 0) {
        // Stopped and continued without end, each time a word to the launcher.
        pid_t first = getpid();
        if (fork() == 0) {
            for (;;) {
                kill(first, SIGSTOP);
                usleep(200);
                kill(first, SIGCONT);
                usleep(200);
            }
        }
        dprintf(1, "ready 0 OK\n");
        for (;;) usleep(100);
    } else if (strcmp(how, "bomb") == 0) {
        for (int i = 0; i < 200; i++) {
            if (fork() == 0) {
                setsid();
                ignore_all();
                for (;;)
                    if (fork() < 0) usleep(100);
            }
        }
        for (;;) pause();
    } else if (strcmp(how, "stopped") == 0) {
        for (int i = 0; i < 3; i++) {
            if (fork() == 0) {
                setsid();
                kill(getpid(), SIGSTOP);
                for (;;) pause();
            }
        }
    }
    dprintf(1, "ready 0 OK\n");
    usleep(100000);
    return 0;
}
