// SPDX-License-Identifier: Apache-2.0
//
// What starting a process costs at least: posix_spawn(3) of /bin/true with nothing to read and nowhere to write, reaped.
//
//   spawn-floor [--runs N] [--warm-up N] --samples
//
// Prints microseconds, one a line.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static int number(int argc, char **argv, const char *flag, int otherwise) {
    for (int i = 1; i + 1 < argc; i++)
        if (!strcmp(argv[i], flag)) return atoi(argv[i + 1]);
    return otherwise;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
    int runs = number(argc, argv, "--runs", 200), warm_up = number(argc, argv, "--warm-up", 20);
    char *arguments[] = {"/bin/true", NULL}, *environment[] = {NULL};
    for (int i = -warm_up; i < runs; i++) {
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        for (int stream = 0; stream < 3; stream++)
            posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", stream ? O_WRONLY : O_RDONLY, 0);
        double start = now();
        pid_t pid;
        int status;
        if (posix_spawn(&pid, arguments[0], &actions, NULL, arguments, environment) != 0) return 1;
        if (waitpid(pid, &status, 0) != pid || status != 0) return 1;
        double end = now();
        posix_spawn_file_actions_destroy(&actions);
        if (i >= 0) printf("%.1f\n", end - start);
    }
    return 0;
}
