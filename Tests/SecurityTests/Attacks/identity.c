// SPDX-License-Identifier: Apache-2.0
// Attack 11: says who it is. Installed set-user-id root or with file capabilities; harmless wherever it runs.
#include "attempt.h"

static unsigned long long status(const char *field, int base) {
    FILE *file = fopen("/proc/self/status", "re");
    char line[512];
    unsigned long long value = ~0ull;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0) value = strtoull(line + strlen(field), NULL, base);
    if (file) fclose(file);
    return value;
}

int main(int argc, char **argv) {
    found("euid", geteuid());
    found("egid", getegid());
    found("permitted", status("CapPrm:", 16) != 0);
    found("effective", status("CapEff:", 16) != 0);
    found("bounding", status("CapBnd:", 16) != 0);
    found("no-new-privileges", (long)status("NoNewPrivs:", 10));
    // Makes a set-user-id copy in a directory it may write to.
    if (argc > 1) {
        char path[256];
        snprintf(path, sizeof path, "%s/setuid", argv[1]);
        int file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0755);
        if (report("make-file", file) < 0) return 0;
        report("fchmod-setuid", fchmod(file, 04755));
        report("chmod-setgid", chmod(path, 02755));
        report("fchmodat2-setuid", syscall(452, AT_FDCWD, path, 04755, 0));
        struct { uint64_t flags, mode, resolve; } how = {O_CREAT | O_RDWR, 04755, 0};
        snprintf(path, sizeof path, "%s/setuid2", argv[1]);
        report("openat2-setuid", syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
        snprintf(path, sizeof path, "%s/setuid3", argv[1]);
        report("openat-setuid", syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_RDWR, 04755));
        report("creat-setuid", syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, 02755));
    }
    return 0;
}
