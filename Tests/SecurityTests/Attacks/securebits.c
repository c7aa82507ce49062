// SPDX-License-Identifier: Apache-2.0
// Attack 11: undoing the securebits, and gaining capabilities that are kept by the rules they forbid. Wants CAP_NET_RAW.
#include "attempt.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

static struct __user_cap_data_struct sets[2];

static int get(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    return (int)syscall(SYS_capget, &header, sets);
}

int main(void) {
    found("securebits", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
    report("clear-securebits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
    report("set-no-setuid-fixup", prctl(PR_SET_SECUREBITS, prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) | SECBIT_NO_SETUID_FIXUP));
    report("keep-capabilities", prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    // Permitted and inheritable, which is all that raising takes but for the securebits.
    get();
    uint32_t raw = 1u << CAP_NET_RAW;
    if (!(sets[0].inheritable & raw)) {
        struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
        sets[0].inheritable |= raw;
        syscall(SYS_capset, &header, sets);
        get();
    }
    found("may-be-raised", (sets[0].permitted & raw) && (sets[0].inheritable & raw));
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_NET_RAW, 0, 0);
    report("raise-ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0));
    // Another user, where that is allowed: the kernel takes the capabilities.
    if (report("become-another", setresuid(1234, 1234, 1234)) == 0) {
        get();
        found("effective-as-another", sets[0].effective != 0 || sets[1].effective != 0);
        found("permitted-as-another", sets[0].permitted != 0 || sets[1].permitted != 0);
    }
    return 0;
}
