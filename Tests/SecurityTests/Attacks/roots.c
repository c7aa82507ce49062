// SPDX-License-Identifier: Apache-2.0
// Attack 13: beyond the root by chroot, pivot_root, a kept descriptor and "..". Argument: a file of the host's.
#include "attempt.h"

static int same(const struct stat *a, const struct stat *b) { return a->st_dev == b->st_dev && a->st_ino == b->st_ino; }

int main(int argc, char **argv) {
    const char *canary = argument(argc, argv, 1);
    struct stat root, here;
    int kept = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fstat(kept, &root);
    try_open("canary", canary, O_RDONLY);
    char path[4400] = "";
    for (int i = 0; i < 40; i++) strcat(path, "../");
    strcat(path, canary + 1);
    report("canary-by-dots", openat(kept, path, O_RDONLY | O_CLOEXEC));
    snprintf(path, sizeof path, "/proc/self/root/..%s", canary);
    try_open("canary-by-proc-root", path, O_RDONLY);
    snprintf(path, sizeof path, "/proc/1/root%s", canary);
    try_open("canary-by-init-root", path, O_RDONLY);

    mkdir("/tmp/jail", 0755);
    report("chroot", chroot("/tmp/jail"));
    report("fchdir", fchdir(kept));
    for (int i = 0; i < 64; i++)
        if (chdir("..") < 0) break;
    stat(".", &here);
    found("still-at-the-root", same(&root, &here));
    report("chroot-again", chroot("."));
    stat("/", &here);
    found("root-is-the-same", same(&root, &here));
    try_open("canary-after-chroot", canary, O_RDONLY);
    report("pivot-root", syscall(SYS_pivot_root, ".", "."));
    try_open("canary-after-pivot", canary, O_RDONLY);
    return 0;
}
