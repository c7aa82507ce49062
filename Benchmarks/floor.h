// SPDX-License-Identifier: Apache-2.0
//
// What the two halves of the floor program share. See launch-floor.c.
#ifndef MARTINET_FLOOR_H
#define MARTINET_FLOOR_H
#include "../Sources/CLinux/include/clinux.h"
#include <sched.h>

/// Trees of the host's that travel to init as descriptors, in the order of `floor_trees`.
struct floor_tree {
    const char *source, *target;
    int is_directory;
    uint64_t attributes;
};

#define FLOOR_READ_ONLY (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define FLOOR_DEVICE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)
#define FLOOR_TREES 11
static const struct floor_tree floor_trees[FLOOR_TREES] = {
    {"/usr", "/usr", 1, FLOOR_READ_ONLY},
    {"/etc/ld.so.cache", "/etc/ld.so.cache", 0, FLOOR_READ_ONLY},
    {"/etc/alternatives", "/etc/alternatives", 1, FLOOR_READ_ONLY},
    {"/etc/ssl/certs", "/etc/ssl/certs", 1, FLOOR_READ_ONLY},
    {"/etc/ssl/openssl.cnf", "/etc/ssl/openssl.cnf", 0, FLOOR_READ_ONLY},
    {"/dev/null", "/dev/null", 0, FLOOR_DEVICE},
    {"/dev/zero", "/dev/zero", 0, FLOOR_DEVICE},
    {"/dev/full", "/dev/full", 0, FLOOR_DEVICE},
    {"/dev/random", "/dev/random", 0, FLOOR_DEVICE},
    {"/dev/urandom", "/dev/urandom", 0, FLOOR_DEVICE},
    {"/dev/tty", "/dev/tty", 0, FLOOR_DEVICE},
};

/// Descriptors behind the trees in the message: three standard streams, and a cgroup's "tasks" if `has_cgroup`.
#define FLOOR_STREAMS FLOOR_TREES
#define FLOOR_CGROUP (FLOOR_TREES + 3)
#define FLOOR_DESCRIPTORS (FLOOR_TREES + 4)
#define FLOOR_MOST_INSTRUCTIONS 4096

/// Parent to init: everything it needs. `present` has a bit a tree that this host has.
struct floor_request {
    uint32_t present, has_cgroup, maps_range, instruction_count;
    uint64_t mount_device, mount_inode, user_device, user_inode;
    struct sock_filter filter[FLOOR_MOST_INSTRUCTIONS];
};

/// Init to parent: first {started}, then {exited, status}; or {failed, errno} with the line that failed.
enum floor_kind { FLOOR_STARTED = 1, FLOOR_EXITED, FLOOR_FAILED };
struct floor_report {
    uint32_t kind, value, line;
};

int floor_init(void);

#define CALL_PICK(_0, _1, _2, _3, _4, _5, _6, NAME, ...) NAME
#define CALL0(n) mt_syscall(n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a) mt_syscall(n, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b) mt_syscall(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c) mt_syscall(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d) mt_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CALL5(n, a, b, c, d, e) mt_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define CALL6(n, a, b, c, d, e, f) mt_syscall(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/// A system call by its SYS_ name: its result, or a negative errno.
#define CALL(...) CALL_PICK(__VA_ARGS__, CALL6, CALL5, CALL4, CALL3, CALL2, CALL1, CALL0)(__VA_ARGS__)

#endif
