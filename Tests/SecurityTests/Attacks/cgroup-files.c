// SPDX-License-Identifier: Apache-2.0
// Attack 23: the files of cgroups, those by which the kernel is told to run a program first. CVE-2022-0492
#include "attempt.h"
#include <ftw.h>
#include <sys/mount.h>

static long files, writable;

static int look(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)where;
    if (type == FTW_D) {
        char inner[4200];
        snprintf(inner, sizeof inner, "%s/martinet-canary", path);
        if (mkdir(inner, 0755) == 0) {
            writable++;
            dprintf(2, "made %s\n", inner);
            rmdir(inner);
        }
    }
    if (type != FTW_F || !S_ISREG(status->st_mode)) return 0;
    files++;
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        writable++;
        dprintf(2, "opened %s\n", path);
        close(file);
    }
    return 0;
}

int main(void) {
    nftw("/sys/fs/cgroup", look, 32, FTW_PHYS);
    found("files", files);
    found("writable", writable);
    try_open("release-agent", "/sys/fs/cgroup/release_agent", O_WRONLY);
    try_open("memory-release-agent", "/sys/fs/cgroup/memory/release_agent", O_WRONLY);
    try_open("notify-on-release", "/sys/fs/cgroup/notify_on_release", O_WRONLY);
    try_open("procs", "/sys/fs/cgroup/cgroup.procs", O_WRONLY);
    report("make", mkdir("/sys/fs/cgroup/martinet-canary", 0755));
    report("remount", mount(NULL, "/sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND, NULL));
    // Every hierarchy there is, mounted anew where one may write.
    static const char *const hierarchies[] = {"memory", "rdma", "devices", "pids", "cpu", "freezer"};
    long mounted = 0;
    writable = files = 0;
    mkdir("/tmp/cgroup", 0755);
    for (unsigned i = 0; i < sizeof hierarchies / sizeof *hierarchies; i++) {
        if (mount("cgroup", "/tmp/cgroup", "cgroup", 0, hierarchies[i]) < 0) continue;
        mounted++;
        nftw("/tmp/cgroup", look, 32, FTW_PHYS);
        umount2("/tmp/cgroup", MNT_DETACH);
    }
    report("mount", mount("cgroup", "/tmp/cgroup", "cgroup2", 0, NULL));
    if (access("/tmp/cgroup/cgroup.procs", F_OK) == 0) nftw("/tmp/cgroup", look, 32, FTW_PHYS);
    found("mounted-hierarchies", mounted);
    found("mounted-files", files);
    found("mounted-writable", writable);
    return 0;
}
