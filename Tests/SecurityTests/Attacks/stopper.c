// SPDX-License-Identifier: Apache-2.0
// Attack 35: stops whatever there is, again and again: what is started later, before it executes its program.
#include "attempt.h"

int main(void) {
    found("ready", 0);
    for (;;) kill(-1, SIGSTOP);
}
