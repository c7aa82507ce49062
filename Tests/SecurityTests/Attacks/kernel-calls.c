// SPDX-License-Identifier: Apache-2.0
// Attacks 24, 25 and 26: calls that are the machine's administrator's, or more kernel than an agent needs. Every
// argument is one that would change nothing if the call went through.
#include "attempt.h"
#include <linux/perf_event.h>
#include <sys/time.h>

int main(int argc, char **argv) {
    static const char nowhere[] = "/nonexistent/martinet";
    const char *key = argc > 1 ? argv[1] : "martinet-canary";
    char attributes[128] = {0};
    ((uint32_t *)attributes)[0] = 2;  // BPF_MAP_TYPE_ARRAY
    ((uint32_t *)attributes)[1] = 4;
    ((uint32_t *)attributes)[2] = 4;
    ((uint32_t *)attributes)[3] = 1;
    report("bpf", syscall(SYS_bpf, 0 /* BPF_MAP_CREATE */, attributes, sizeof attributes));
    struct perf_event_attr event = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1,
        .exclude_hv = 1, .disabled = 1};
    report("perf_event_open", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
    report("userfaultfd", syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */));
    report("init_module", syscall(SYS_init_module, "", 0, ""));
    report("finit_module", syscall(SYS_finit_module, -1, "", 0));
    report("delete_module", syscall(SYS_delete_module, "martinet-canary", O_NONBLOCK));
    report("kexec_load", syscall(SYS_kexec_load, 0, 17, NULL, 0xffff0000));
    report("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    report("swapon", syscall(SYS_swapon, nowhere, 0));
    report("swapoff", syscall(SYS_swapoff, nowhere));
    report("acct", syscall(SYS_acct, nowhere));
    report("quotactl", syscall(SYS_quotactl, 0x800001 << 8 /* Q_SYNC */, NULL, 0, NULL));
    report("syslog", syscall(SYS_syslog, 10 /* SYSLOG_ACTION_SIZE_BUFFER */, NULL, 0));
    struct timeval bad = {.tv_sec = -1, .tv_usec = -1};
    report("settimeofday", syscall(SYS_settimeofday, &bad, NULL));
    struct timespec worse = {.tv_sec = -1, .tv_nsec = -1};
    report("clock_settime", syscall(SYS_clock_settime, 0, &worse));
    char timex[256] = {0};  // modes 0: a question only
    report("adjtimex", syscall(SYS_adjtimex, timex));

    report("key-search", syscall(SYS_keyctl, 10 /* SEARCH */, -3 /* session keyring */, "user", key, 0));
    report("key-search-user", syscall(SYS_keyctl, 10, -4 /* user keyring */, "user", key, 0));
    report("key-request", syscall(SYS_request_key, "user", key, NULL, 0));
    report("key-add", syscall(SYS_add_key, "user", key, "payload", 7, -3) >= 0 ? 0 : -1);
    report("key-add-user", syscall(SYS_add_key, "user", key, "payload", 7, -4) >= 0 ? 0 : -1);

    char parameters[120] = {0};
    report("io_uring_setup", syscall(SYS_io_uring_setup, 4, parameters));
    report("io_uring_enter", syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
    report("io_uring_register", syscall(SYS_io_uring_register, -1, 0, NULL, 0));
    if (argc > 2) {  // stays, for another to look
        char end;
        dprintf(1, "ready 0 OK\n");
        while (read(0, &end, 1) > 0) {}
    }
    return 0;
}
