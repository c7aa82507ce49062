// SPDX-License-Identifier: Apache-2.0
// Attack 36: writes past the page cache. Arguments: a file, MiB. Says how many milliseconds that took.
#include "attempt.h"
#include <time.h>

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv) {
    long mebibytes = atol(argument(argc, argv, 2));
    int file = (int)report("open", open(argument(argc, argv, 1), O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0644));
    void *block = NULL;
    if (file < 0 || posix_memalign(&block, 1 << 20, 1 << 20) != 0) return 1;
    memset(block, 1, 1 << 20);
    long begin = milliseconds(), written = 0;
    while (written < mebibytes << 20) {
        long count = write(file, block, 1 << 20);
        if (count <= 0) {
            report("write", -1);
            return 1;
        }
        written += count;
    }
    fdatasync(file);
    found("milliseconds", milliseconds() - begin);
    return 0;
}
