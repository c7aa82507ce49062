// SPDX-License-Identifier: Apache-2.0
// Attack 22: the kernel's own files, by which it is told to run a program or to give up what it knows.
#include "attempt.h"

static void try_write(const char *name, const char *path) { try_open(name, path, O_WRONLY); }

/// Opens and reads; reports how many bytes came.
static void try_read(const char *name, const char *path) {
    char buffer[4096];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    report(name, file < 0 ? -1 : read(file, buffer, sizeof buffer));
    if (file >= 0) close(file);
}

int main(void) {
    try_write("write-core-pattern", "/proc/sys/kernel/core_pattern");
    try_write("write-modprobe", "/proc/sys/kernel/modprobe");
    try_write("write-hotplug", "/proc/sys/kernel/hotplug");
    try_write("write-sysrq", "/proc/sysrq-trigger");
    try_write("write-binfmt-misc", "/proc/sys/fs/binfmt_misc/register");
    try_write("write-uevent-helper", "/sys/kernel/uevent_helper");
    try_write("write-panic", "/proc/sys/kernel/panic");
    try_write("write-ip-forward", "/proc/sys/net/ipv4/ip_forward");
    try_write("write-loopback-mtu", "/sys/class/net/lo/mtu");
    try_write("write-init-oom", "/proc/1/oom_score_adj");
    try_read("read-kcore", "/proc/kcore");
    try_read("read-keys", "/proc/keys");
    try_read("read-kmsg", "/proc/kmsg");
    try_read("read-timer-list", "/proc/timer_list");
    try_read("read-dev-kmsg", "/dev/kmsg");
    try_read("read-dev-mem", "/dev/mem");
    try_read("read-firmware", "/sys/firmware/memmap");
    FILE *symbols = fopen("/proc/kallsyms", "re");
    unsigned long long address = 0, known = 0;
    char line[512];
    while (symbols && fgets(line, sizeof line, symbols)) {
        address = strtoull(line, NULL, 16);
        known += address != 0;
    }
    found("kernel-addresses", (long)known);
    return 0;
}
