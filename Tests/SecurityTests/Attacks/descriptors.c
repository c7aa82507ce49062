// SPDX-License-Identifier: Apache-2.0
// Attack 2: what came along from the launcher, besides descriptors 0, 1 and 2.
#include "attempt.h"
#include <dirent.h>

extern char **environ;

int main(void) {
    DIR *list = opendir("/proc/self/fd");
    if (!list) return 1;
    struct dirent *entry;
    int beyond = 0;
    while ((entry = readdir(list)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        int descriptor = atoi(entry->d_name);
        if (descriptor != dirfd(list) && descriptor > 2) beyond++;
    }
    closedir(list);
    found("beyond-standard", beyond);
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        char name[16];
        snprintf(name, sizeof name, "standard-%d", descriptor);
        report(name, fcntl(descriptor, F_GETFD) >= 0 ? 0 : -1);
    }
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    int count = 0, ignored = 0;
    for (int signal = 1; signal < 32; signal++) {
        struct sigaction action;
        if (sigismember(&blocked, signal) == 1) count++;
        if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN) ignored++;
    }
    found("blocked-signals", count);
    found("ignored-signals", ignored);
    mode_t mask = umask(0);
    found("umask", (long)mask);
    found("leads-its-session", getsid(0) == getpid());
    int secrets = 0;
    for (char **variable = environ; *variable; variable++)
        if (strstr(*variable, "martinet-canary")) secrets++;
    found("caller-environment", secrets);
    return 0;
}
