// SPDX-License-Identifier: Apache-2.0
// Attack 18: sets the resource limits of init, which end it, or keep it from its log and its last word.
#include "attempt.h"
#include <sys/resource.h>

int main(void) {
    struct rlimit none = {0, 0}, own;
    report("init-file-size", prlimit(1, RLIMIT_FSIZE, &none, NULL));
    report("init-descriptors", prlimit(1, RLIMIT_NOFILE, &none, NULL));
    report("init-cpu-time", prlimit(1, RLIMIT_CPU, &none, NULL));
    report("own-descriptors", prlimit(0, RLIMIT_NOFILE, NULL, &own) || prlimit(0, RLIMIT_NOFILE, &own, NULL));
}
