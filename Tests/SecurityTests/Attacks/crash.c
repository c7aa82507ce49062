// SPDX-License-Identifier: Apache-2.0
// Having the kernel dump a process: into a file here, or to a program of the host's that runs as its root.
#include "attempt.h"
#include <sys/prctl.h>
#include <sys/resource.h>

int main(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    found("soft-limit", limit.rlim_cur == RLIM_INFINITY ? -1 : (long)limit.rlim_cur);
    found("hard-limit", limit.rlim_max == RLIM_INFINITY ? -1 : (long)limit.rlim_max);
    limit.rlim_cur = limit.rlim_max = 4096;
    report("raise-limit", setrlimit(RLIMIT_CORE, &limit));
    found("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    pid_t child = fork();
    if (child == 0) abort();
    int status = 0;
    waitpid(child, &status, 0);
    found("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    found("dumped", WIFSIGNALED(status) && WCOREDUMP(status));
    return 0;
}
