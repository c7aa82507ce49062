// SPDX-License-Identifier: Apache-2.0
// Attack 29: processes and threads without end. Only ever inside a sandbox with a limit: refuses elsewhere. Arguments:
// processes, threads or recursive; how many to try at most.
#include "attempt.h"
#include <pthread.h>

static void *wait_forever(void *nothing) {
    for (;;) pause();
    return nothing;
}

int main(int argc, char **argv) {
    const char *kind = argument(argc, argv, 1);
    int most = atoi(argument(argc, argv, 2)), count = 0, error = 0;
    if (getpid() > 100 || getppid() != 1) {
        dprintf(2, "this is no sandbox\n");
        return 64;
    }
    if (strcmp(kind, "recursive") == 0) {
        dprintf(1, "ready 0 OK\n");
        for (;;) {  // every child does the same
            if (fork() < 0) usleep(1000);
        }
    }
    if (strcmp(kind, "threads") == 0) {
        pthread_attr_t small;
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 16384);
        pthread_t thread;
        while (count < most && (error = pthread_create(&thread, &small, wait_forever, NULL)) == 0) count++;
    } else {
        while (count < most) {
            pid_t child = fork();
            if (child == 0) for (;;) pause();
            if (child < 0) {
                error = errno;
                break;
            }
            count++;
        }
    }
    found("made", count);
    errno = error;
    report("last", error ? -1 : 0);
    found("ready", 0);
    char end;
    while (read(0, &end, 1) > 0) {}
    return 0;
}
