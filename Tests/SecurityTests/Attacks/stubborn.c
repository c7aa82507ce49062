// SPDX-License-Identifier: Apache-2.0
// Attack 35: processes that do not want to go. Argument: "ignore" or "obey" SIGTERM, or "stop" itself.
#include "attempt.h"

static void ignore_all(void) {
    for (int signal_number = 1; signal_number < 65; signal_number++) signal(signal_number, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
}

int main(int argc, char **argv) {
    const char *how = argument(argc, argv, 1);
    // One that has left session, group and parent behind; one that is stopped.
    if (fork() == 0) {
        setsid();
        if (fork() != 0) _exit(0);
        ignore_all();
        for (;;) pause();
    }
    if (fork() == 0) {
        ignore_all();
        for (;;) raise(SIGSTOP);
    }
    wait(NULL);
    if (strcmp(how, "obey") != 0) ignore_all();
    found("ready", 0);
    if (strcmp(how, "stop") == 0) raise(SIGSTOP);
    for (;;) pause();
}
