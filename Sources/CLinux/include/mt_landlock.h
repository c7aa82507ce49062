// SPDX-License-Identifier: Apache-2.0
//
// Landlock's ABI, all of it: the headers that this builds with (Debian 12: Linux 6.1) know its second version.
// landlock(7), Documentation/userspace-api/landlock.rst
#ifndef MARTINET_MT_LANDLOCK_H
#define MARTINET_MT_LANDLOCK_H
#include "clinux.h"
#include <linux/landlock.h>

/// struct landlock_ruleset_attr as of Linux 6.12. An older kernel takes it as long as what it does not know is zero.
struct mt_landlock_ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

/// struct landlock_path_beneath_attr
struct mt_landlock_path_beneath {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

/// struct landlock_net_port_attr, Linux 6.7
struct mt_landlock_net_port {
    uint64_t allowed_access;
    uint64_t port;
};

_Static_assert(sizeof(struct mt_landlock_ruleset) == 24, "landlock_create_ruleset(2) ABI");
_Static_assert(sizeof(struct mt_landlock_path_beneath) == 12, "landlock_add_rule(2) ABI");
_Static_assert(sizeof(struct mt_landlock_path_beneath) == sizeof(struct landlock_path_beneath_attr), "as the header");
_Static_assert(sizeof(struct mt_landlock_net_port) == 16, "landlock_add_rule(2) ABI");

static const unsigned MT_LANDLOCK_CREATE_RULESET_VERSION = 1 << 0;
static const unsigned MT_LANDLOCK_CREATE_RULESET_ERRATA = 1 << 1;
static const unsigned MT_LANDLOCK_RULE_PATH_BENEATH = 1;
static const unsigned MT_LANDLOCK_RULE_NET_PORT = 2;

// ABI 1, Linux 5.13
static const uint64_t MT_LANDLOCK_ACCESS_FS_EXECUTE = 1 << 0;
static const uint64_t MT_LANDLOCK_ACCESS_FS_WRITE_FILE = 1 << 1;
static const uint64_t MT_LANDLOCK_ACCESS_FS_READ_FILE = 1 << 2;
static const uint64_t MT_LANDLOCK_ACCESS_FS_READ_DIR = 1 << 3;
static const uint64_t MT_LANDLOCK_ACCESS_FS_REMOVE_DIR = 1 << 4;
static const uint64_t MT_LANDLOCK_ACCESS_FS_REMOVE_FILE = 1 << 5;
static const uint64_t MT_LANDLOCK_ACCESS_FS_MAKE_CHAR = 1 << 6;
static const uint64_t MT_LANDLOCK_ACCESS_FS_MAKE_DIR = 1 << 7;
static const uint64_t MT_LANDLOCK_ACCESS_FS_MAKE_REG = 1 << 8;
static const uint64_t MT_LANDLOCK_ACCESS_FS_MAKE_SOCK = 1 << 9;
static const uint64_t MT_LANDLOCK_ACCESS_FS_MAKE_FIFO = 1 << 10;
static const uint64_t MT_LANDLOCK_ACCESS_FS_MAKE_BLOCK = 1 << 11;
static const uint64_t MT_LANDLOCK_ACCESS_FS_MAKE_SYM = 1 << 12;
// ABI 2, Linux 5.19
static const uint64_t MT_LANDLOCK_ACCESS_FS_REFER = 1 << 13;
// ABI 3, Linux 6.2
static const uint64_t MT_LANDLOCK_ACCESS_FS_TRUNCATE = 1 << 14;
// ABI 4, Linux 6.7
static const uint64_t MT_LANDLOCK_ACCESS_NET_BIND_TCP = 1 << 0;
static const uint64_t MT_LANDLOCK_ACCESS_NET_CONNECT_TCP = 1 << 1;
// ABI 5, Linux 6.10
static const uint64_t MT_LANDLOCK_ACCESS_FS_IOCTL_DEV = 1 << 15;
// ABI 6, Linux 6.12
static const uint64_t MT_LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0;
static const uint64_t MT_LANDLOCK_SCOPE_SIGNAL = 1 << 1;
// ABI 7, Linux 6.15
static const uint32_t MT_LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF = 1 << 0;
static const uint32_t MT_LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON = 1 << 1;
static const uint32_t MT_LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF = 1 << 2;
// ABI 8, Linux 7.0, restricts all threads at once, which is of no use here. ABI 9, Linux 7.1
static const uint64_t MT_LANDLOCK_ACCESS_FS_RESOLVE_UNIX = 1 << 16;
// ABI 10, Linux 7.2
static const uint64_t MT_LANDLOCK_ACCESS_NET_BIND_UDP = 1 << 2;
static const uint64_t MT_LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP = 1 << 3;

// Where the header knows a number it must be this one.
_Static_assert(LANDLOCK_ACCESS_FS_EXECUTE == 1 << 0 && LANDLOCK_ACCESS_FS_READ_DIR == 1 << 3, "landlock.h, ABI 1");
_Static_assert(LANDLOCK_ACCESS_FS_MAKE_CHAR == 1 << 6 && LANDLOCK_ACCESS_FS_MAKE_SYM == 1 << 12, "landlock.h, ABI 1");
_Static_assert(LANDLOCK_ACCESS_FS_REFER == 1 << 13, "landlock.h, ABI 2");
#ifdef LANDLOCK_ACCESS_FS_TRUNCATE
_Static_assert(LANDLOCK_ACCESS_FS_TRUNCATE == 1 << 14, "landlock.h, ABI 3");
#endif
#ifdef LANDLOCK_ACCESS_NET_BIND_TCP
_Static_assert(LANDLOCK_ACCESS_NET_BIND_TCP == 1 && LANDLOCK_ACCESS_NET_CONNECT_TCP == 2, "landlock.h, ABI 4");
#endif
#ifdef LANDLOCK_ACCESS_FS_IOCTL_DEV
_Static_assert(LANDLOCK_ACCESS_FS_IOCTL_DEV == 1 << 15, "landlock.h, ABI 5");
#endif
#ifdef LANDLOCK_SCOPE_SIGNAL
_Static_assert(LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET == 1 && LANDLOCK_SCOPE_SIGNAL == 2, "landlock.h, ABI 6");
#endif
#ifdef LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
_Static_assert(LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON == 1 << 1, "landlock.h, ABI 7");
#endif
#ifdef LANDLOCK_ACCESS_FS_RESOLVE_UNIX
_Static_assert(LANDLOCK_ACCESS_FS_RESOLVE_UNIX == 1 << 16, "landlock.h, ABI 9");
#endif
#ifdef LANDLOCK_ACCESS_NET_BIND_UDP
_Static_assert(LANDLOCK_ACCESS_NET_BIND_UDP == 4 && LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP == 8, "landlock.h, ABI 10");
#endif

#endif
