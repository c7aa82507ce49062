// SPDX-License-Identifier: Apache-2.0
// Attack 14, by an agent that was given CAP_SYS_ADMIN: taking mounts away that guard the workspace, or making them
// writable. Each attempt is in a process of its own, with a look at what it was for.
#include "attempt.h"
#include <sys/mount.h>

struct attributes { uint64_t set, clear, propagation, userns; };
static const struct attributes writable = {.clear = 1 /* MOUNT_ATTR_RDONLY */};

static void look(const char *name, int directory, const char *path) {
    char text[16];
    int file = openat(directory, path, O_RDONLY | O_CLOEXEC);
    report(name, file < 0 ? -1 : read(file, text, sizeof text));
    if (file >= 0) close(file);
}

static void change(const char *name, const char *path) {
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    report(name, file < 0 ? -1 : write(file, "changed", 7));
    if (file >= 0) close(file);
}

int main(void) {
    report("umount-hidden", umount2("/workspace/.env", MNT_DETACH));
    look("read-hidden", AT_FDCWD, "/workspace/.env");
    int copy = (int)report("copy-tree", syscall(SYS_open_tree, AT_FDCWD, "/workspace", 1 /* OPEN_TREE_CLONE */));
    look("read-hidden-in-copy", copy, ".env");
    report("setattr-guard", syscall(SYS_mount_setattr, AT_FDCWD, "/workspace/.git/hooks", 0, &writable, sizeof writable));
    change("write-guarded", "/workspace/.git/hooks/pre-commit");
    report("remount-bind", mount(NULL, "/data", NULL, MS_REMOUNT | MS_BIND, NULL));
    change("write-remounted", "/data/remounted");
    report("setattr-bind", syscall(SYS_mount_setattr, AT_FDCWD, "/data", 0, &writable, sizeof writable));
    change("write-set", "/data/set");
    mkdir("/tmp/a", 0755);
    report("mount-over", mount("none", "/tmp/a", "tmpfs", 0, ""));
    report("mount-bind", mount("/workspace", "/tmp/a", NULL, MS_BIND, NULL));
    report("move-mount", syscall(SYS_move_mount, AT_FDCWD, "/workspace/.git/hooks", AT_FDCWD, "/tmp/a", 0));
    report("pivot-root", syscall(SYS_pivot_root, "/tmp", "/tmp/a"));
    return 0;
}
