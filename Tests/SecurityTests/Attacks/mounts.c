// SPDX-License-Identifier: Apache-2.0
// Attack 14: changing what is mounted, by the old calls and the new ones.
#include "attempt.h"
#include <sys/mount.h>

struct attributes { uint64_t set, clear, propagation, userns; };

int main(void) {
    mkdir("/tmp/a", 0755);
    mkdir("/tmp/b", 0755);
    report("mount-tmpfs", mount("none", "/tmp/a", "tmpfs", 0, ""));
    report("mount-proc", mount("none", "/tmp/b", "proc", 0, ""));
    report("mount-bind", mount("/usr", "/tmp/b", NULL, MS_BIND, NULL));
    report("remount-writable", mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
    report("umount-mask", umount2("/proc/kmsg", MNT_DETACH));
    report("umount-proc-sys", umount2("/proc/sys", MNT_DETACH));
    report("open-tree", syscall(SYS_open_tree, AT_FDCWD, "/usr", 1 /* OPEN_TREE_CLONE */));
    report("move-mount", syscall(SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/usr", 0));
    report("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    report("fsconfig", syscall(SYS_fsconfig, -1, 6 /* CMD_CREATE */, NULL, NULL, 0));
    report("fsmount", syscall(SYS_fsmount, -1, 0, 0));
    report("fspick", syscall(SYS_fspick, AT_FDCWD, "/usr", 0));
    struct attributes writable = {.clear = 1 /* MOUNT_ATTR_RDONLY */};
    report("mount-setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/usr", 0, &writable, sizeof writable));
    report("write-usr", open("/usr/martinet-canary", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    report("write-root", open("/martinet-canary", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    return 0;
}
