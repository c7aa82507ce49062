// SPDX-License-Identifier: Apache-2.0
// Attack 15: making a device, and opening one that is there. Argument: a directory in which the host made a device.
#include "attempt.h"
#include <sys/sysmacros.h>

int main(int argc, char **argv) {
    report("mknod-null", mknod("/tmp/null", S_IFCHR | 0666, makedev(1, 3)));
    report("mknod-memory", mknod("/tmp/mem", S_IFCHR | 0666, makedev(1, 1)));
    report("mknod-block", mknod("/tmp/disk", S_IFBLK | 0666, makedev(254, 0)));
    report("mknodat-block", syscall(SYS_mknodat, AT_FDCWD, "/tmp/disk2", S_IFBLK | 0666, makedev(8, 0)));
    try_open("open-made", "/tmp/null", O_RDWR);
    // Makes sure that it is devices which are refused, and not mknod(2): a pipe, and overlay's whiteout, which the
    // kernel lets anybody make, but which no nodev mount opens.
    report("mknod-pipe", mknod("/tmp/pipe", S_IFIFO | 0666, 0));
    report("mknod-whiteout", mknod("/tmp/whiteout", S_IFCHR | 0666, makedev(0, 0)));
    try_open("open-whiteout", "/tmp/whiteout", O_RDONLY);
    if (argc > 1) {
        char path[256];
        snprintf(path, sizeof path, "%s/null", argv[1]);
        try_open("open-bound-device", path, O_RDWR);
    }
    try_open("open-dev-mem", "/dev/mem", O_RDONLY);
    try_open("open-dev-kmsg", "/dev/kmsg", O_RDONLY);
    try_open("open-dev-port", "/dev/port", O_RDONLY);
    try_open("open-dev-fuse", "/dev/fuse", O_RDWR);
    try_open("open-dev-kvm", "/dev/kvm", O_RDWR);
    try_open("open-dev-null", "/dev/null", O_RDWR);
    return 0;
}
