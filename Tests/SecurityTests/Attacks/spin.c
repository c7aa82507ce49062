// SPDX-License-Identifier: Apache-2.0
// Attack 34: keeps every CPU busy until it is killed, or one, as the argument says.
#include "attempt.h"

int main(int argc, char **argv) {
    long count = argc > 1 ? atol(argv[1]) : sysconf(_SC_NPROCESSORS_ONLN) * 2;
    found("ready", count);
    for (long i = 1; i < count; i++)
        if (fork() == 0) break;
    for (volatile unsigned long turns = 0;; turns++) {}
}
