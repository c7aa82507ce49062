// SPDX-License-Identifier: Apache-2.0
// What can be done with a device that the sandbox was given. Argument: its path.
#include "attempt.h"
#include <sys/sysmacros.h>

int main(int argc, char **argv) {
    const char *path = argument(argc, argv, 1);
    struct stat facts;
    report("stat", stat(path, &facts));
    found("major", (long)major(facts.st_rdev));
    found("minor", (long)minor(facts.st_rdev));
    found("mode", (long)(facts.st_mode & 07777));
    try_open("read", path, O_RDONLY | O_NONBLOCK);
    try_open("write", path, O_WRONLY | O_NONBLOCK);
    try_open("read-write", path, O_RDWR | O_NONBLOCK);
    report("chmod", chmod(path, 0666));
    report("chown", chown(path, getuid(), getgid()));
    report("unlink", unlink(path));
    report("rename", rename(path, "/dev/elsewhere"));
    report("link", link(path, "/tmp/link"));
    report("mknod", mknod("/tmp/node", (facts.st_mode & S_IFMT) | 0666, facts.st_rdev));
    // Through a descriptor on it alone, which is no access to it.
    int handle = open(path, O_PATH | O_CLOEXEC);
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", handle);
    try_open("write-through-proc", name, O_WRONLY | O_NONBLOCK);
    report("chmod-through-proc", chmod(name, 0666));
    // Where the launcher's nodes came from.
    report("nodes", access("/dev/.nodes", F_OK));
    return 0;
}
