// SPDX-License-Identifier: Apache-2.0
// Attacks 4 and 6, on the host: exchanges two names as fast as it can until standard input ends. Harmless anywhere.
#include "attempt.h"
#include <poll.h>

int main(int argc, char **argv) {
    const char *first = argument(argc, argv, 1), *second = argument(argc, argv, 2);
    long swaps = 0;
    struct pollfd input = {0, POLLIN, 0};
    found("ready", 0);
    for (;;) {
        if (syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD, second, 2 /* RENAME_EXCHANGE */) == 0) swaps++;
        if (swaps % 64 == 0 && poll(&input, 1, 0) > 0) break;
    }
    if (swaps % 2 == 1) syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD, second, 2);
    found("swaps", swaps);
    return 0;
}
