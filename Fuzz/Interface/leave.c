// SPDX-License-Identifier: Apache-2.0
#include "leave.h"
#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>

static jmp_buf *innermost;

int mt_fuzz_run(void (*body)(void *), void *argument) {
    jmp_buf here;
    jmp_buf *volatile outer = innermost;
    innermost = &here;
    int left = _setjmp(here);
    if (left == 0) body(argument);
    innermost = outer;
    return left;
}

_Noreturn void mt_fuzz_leave(void) {
    if (innermost == NULL) abort();
    _longjmp(*innermost, 1);
}
