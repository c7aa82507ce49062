// SPDX-License-Identifier: Apache-2.0
// Attack 44: tries to write to each of the files it is given the names of.
#include "attempt.h"

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        int file = open(argv[i], O_WRONLY | O_APPEND | O_CLOEXEC);
        report(argv[i], file < 0 ? -1 : write(file, "evil", 4));
    }
    return 0;
}
