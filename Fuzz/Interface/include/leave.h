// SPDX-License-Identifier: Apache-2.0
//
// Functions of init's that never return, made to end: what exits, leaves.
#ifndef MARTINET_FUZZ_LEAVE_H
#define MARTINET_FUZZ_LEAVE_H

/// Calls `body(argument)`. Returns 0 where it returned, and 1 where it left. One call may run inside another.
int mt_fuzz_run(void (*body)(void *), void *argument);

/// Goes back to the innermost `mt_fuzz_run`. What lies between is not unwound.
_Noreturn void mt_fuzz_leave(void);

#endif
