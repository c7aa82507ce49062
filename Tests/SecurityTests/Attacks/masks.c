// SPDX-License-Identifier: Apache-2.0
// Attacks 3 and 5: run from a hostile root file system, says whether the sandbox's own files are what they should be.
#include "attempt.h"
#include <sys/statfs.h>
#include <sys/sysmacros.h>

static void file_system(const char *name, const char *path) {
    struct statfs info;
    if (statfs(path, &info) < 0) report(name, -1);
    else found(name, (long)info.f_type);
}

int main(int argc, char **argv) {
    struct stat null;
    found("null-is-null", stat("/dev/null", &null) == 0 && S_ISCHR(null.st_mode) && null.st_rdev == makedev(1, 3));
    file_system("proc", "/proc");
    file_system("dev", "/dev");
    file_system("tmp", "/tmp");
    file_system("pts", "/dev/pts");
    try_open("kcore", "/proc/kcore", O_RDONLY);
    try_open("timer-list", "/proc/timer_list", O_RDONLY);
    // Owned by root inside, so that only the read-only mount stands against a write.
    try_open("ip-forward", "/proc/sys/net/ipv4/ip_forward", O_WRONLY);
    try_open("core-pattern", "/proc/sys/kernel/core_pattern", O_WRONLY);
    try_open("sysrq", "/proc/sysrq-trigger", O_WRONLY);
    if (argc > 1) try_open("canary", argv[1], O_RDONLY);
    if (argc > 2) report("write-tmp", open("/tmp/written", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    return 0;
}
