// SPDX-License-Identifier: Apache-2.0

extension Vocabulary {
    static let families = one([
        ("AF_UNSPEC", 0), ("AF_UNIX", 1), ("AF_INET", 2), ("AF_AX25", 3), ("AF_IPX", 4), ("AF_APPLETALK", 5),
        ("AF_NETROM", 6), ("AF_BRIDGE", 7), ("AF_ATMPVC", 8), ("AF_X25", 9), ("AF_INET6", 10), ("AF_ROSE", 11),
        ("AF_DECnet", 12), ("AF_NETBEUI", 13), ("AF_SECURITY", 14), ("AF_KEY", 15), ("AF_NETLINK", 16),
        ("AF_PACKET", 17), ("AF_ASH", 18), ("AF_ECONET", 19), ("AF_ATMSVC", 20), ("AF_RDS", 21), ("AF_SNA", 22),
        ("AF_IRDA", 23), ("AF_PPPOX", 24), ("AF_WANPIPE", 25), ("AF_LLC", 26), ("AF_IB", 27), ("AF_MPLS", 28),
        ("AF_CAN", 29), ("AF_TIPC", 30), ("AF_BLUETOOTH", 31), ("AF_IUCV", 32), ("AF_RXRPC", 33), ("AF_ISDN", 34),
        ("AF_PHONET", 35), ("AF_IEEE802154", 36), ("AF_CAIF", 37), ("AF_ALG", 38), ("AF_NFC", 39), ("AF_VSOCK", 40),
        ("AF_KCM", 41), ("AF_QIPCRTR", 42), ("AF_SMC", 43), ("AF_XDP", 44), ("AF_MCTP", 45),
    ])

    private static let typeFlags: [(String, UInt64)] = [("SOCK_NONBLOCK", 0o4000), ("SOCK_CLOEXEC", 0o2000000)]

    static let socketTypes = mixed(
        mask: 0xf,
        [
            ("SOCK_STREAM", 1), ("SOCK_DGRAM", 2), ("SOCK_RAW", 3), ("SOCK_RDM", 4), ("SOCK_SEQPACKET", 5),
            ("SOCK_DCCP", 6), ("SOCK_PACKET", 10),
        ], typeFlags)

    static let socketFlags = bits(typeFlags)

    /// What socket(2)'s protocol is, by family.
    static func protocols(of family: UInt64) -> Vocabulary? {
        switch family & 0xffff_ffff {
        case 2, 10: internetProtocols
        case 16: netlinkProtocols
        default: nil
        }
    }

    static let netlinkProtocols = one([
        ("NETLINK_ROUTE", 0), ("NETLINK_UNUSED", 1), ("NETLINK_USERSOCK", 2), ("NETLINK_FIREWALL", 3),
        ("NETLINK_SOCK_DIAG", 4), ("NETLINK_NFLOG", 5), ("NETLINK_XFRM", 6), ("NETLINK_SELINUX", 7),
        ("NETLINK_ISCSI", 8), ("NETLINK_AUDIT", 9), ("NETLINK_FIB_LOOKUP", 10), ("NETLINK_CONNECTOR", 11),
        ("NETLINK_NETFILTER", 12), ("NETLINK_IP6_FW", 13), ("NETLINK_DNRTMSG", 14), ("NETLINK_KOBJECT_UEVENT", 15),
        ("NETLINK_GENERIC", 16), ("NETLINK_SCSITRANSPORT", 18), ("NETLINK_ECRYPTFS", 19), ("NETLINK_RDMA", 20),
        ("NETLINK_CRYPTO", 21), ("NETLINK_SMC", 22),
    ])

    static let internetProtocols = one([
        ("IPPROTO_IP", 0), ("IPPROTO_ICMP", 1), ("IPPROTO_IGMP", 2), ("IPPROTO_TCP", 6), ("IPPROTO_UDP", 17),
        ("IPPROTO_DCCP", 33), ("IPPROTO_IPV6", 41), ("IPPROTO_GRE", 47), ("IPPROTO_ESP", 50), ("IPPROTO_AH", 51),
        ("IPPROTO_ICMPV6", 58), ("IPPROTO_SCTP", 132), ("IPPROTO_UDPLITE", 136), ("IPPROTO_RAW", 255),
        ("IPPROTO_MPTCP", 262),
    ])

    static let mountFlags = bits(
        [
            ("MS_RDONLY", 1), ("MS_NOSUID", 2), ("MS_NODEV", 4), ("MS_NOEXEC", 8), ("MS_SYNCHRONOUS", 0x10),
            ("MS_REMOUNT", 0x20), ("MS_MANDLOCK", 0x40), ("MS_DIRSYNC", 0x80), ("MS_NOSYMFOLLOW", 0x100),
            ("MS_NOATIME", 0x400), ("MS_NODIRATIME", 0x800), ("MS_BIND", 0x1000), ("MS_MOVE", 0x2000),
            ("MS_REC", 0x4000), ("MS_SILENT", 0x8000), ("MS_POSIXACL", 0x1_0000), ("MS_UNBINDABLE", 0x2_0000),
            ("MS_PRIVATE", 0x4_0000), ("MS_SLAVE", 0x8_0000), ("MS_SHARED", 0x10_0000), ("MS_RELATIME", 0x20_0000),
            ("MS_KERNMOUNT", 0x40_0000), ("MS_I_VERSION", 0x80_0000), ("MS_STRICTATIME", 0x100_0000),
            ("MS_LAZYTIME", 0x200_0000),
        ], isWide: true)

    static let unmountFlags = bits([
        ("MNT_FORCE", 1), ("MNT_DETACH", 2), ("MNT_EXPIRE", 4), ("UMOUNT_NOFOLLOW", 8),
    ])

    static let mountAttributes = bits([
        ("MOUNT_ATTR_RDONLY", 1), ("MOUNT_ATTR_NOSUID", 2), ("MOUNT_ATTR_NODEV", 4), ("MOUNT_ATTR_NOEXEC", 8),
        ("MOUNT_ATTR_NOATIME", 0x10), ("MOUNT_ATTR_STRICTATIME", 0x20), ("MOUNT_ATTR_NODIRATIME", 0x80),
        ("MOUNT_ATTR_IDMAP", 0x10_0000), ("MOUNT_ATTR_NOSYMFOLLOW", 0x20_0000),
    ])

    static let treeFlags = bits([
        ("OPEN_TREE_CLONE", 1), ("OPEN_TREE_CLOEXEC", 0o2000000), ("AT_SYMLINK_NOFOLLOW", 0x100),
        ("AT_NO_AUTOMOUNT", 0x800), ("AT_EMPTY_PATH", 0x1000), ("AT_RECURSIVE", 0x8000),
    ])

    static let seccompOperations = one([
        ("SECCOMP_SET_MODE_STRICT", 0), ("SECCOMP_SET_MODE_FILTER", 1), ("SECCOMP_GET_ACTION_AVAIL", 2),
        ("SECCOMP_GET_NOTIF_SIZES", 3),
    ])

    static let bpf = one(
        DefaultRules.names(
            """
            MAP_CREATE MAP_LOOKUP_ELEM MAP_UPDATE_ELEM MAP_DELETE_ELEM MAP_GET_NEXT_KEY PROG_LOAD OBJ_PIN OBJ_GET \
            PROG_ATTACH PROG_DETACH PROG_TEST_RUN PROG_GET_NEXT_ID MAP_GET_NEXT_ID PROG_GET_FD_BY_ID \
            MAP_GET_FD_BY_ID OBJ_GET_INFO_BY_FD PROG_QUERY RAW_TRACEPOINT_OPEN BTF_LOAD BTF_GET_FD_BY_ID \
            TASK_FD_QUERY MAP_LOOKUP_AND_DELETE_ELEM MAP_FREEZE BTF_GET_NEXT_ID MAP_LOOKUP_BATCH \
            MAP_LOOKUP_AND_DELETE_BATCH MAP_UPDATE_BATCH MAP_DELETE_BATCH LINK_CREATE LINK_UPDATE LINK_GET_FD_BY_ID \
            LINK_GET_NEXT_ID ENABLE_STATS ITER_CREATE LINK_DETACH PROG_BIND_MAP TOKEN_CREATE
            """
        ).enumerated().map { ("BPF_" + $0.element, UInt64($0.offset)) })

    static let keyControl = one(
        DefaultRules.names(
            """
            GET_KEYRING_ID JOIN_SESSION_KEYRING UPDATE REVOKE CHOWN SETPERM DESCRIBE CLEAR LINK UNLINK SEARCH READ \
            INSTANTIATE NEGATE SET_REQKEY_KEYRING SET_TIMEOUT ASSUME_AUTHORITY GET_SECURITY SESSION_TO_PARENT REJECT \
            INSTANTIATE_IOV INVALIDATE GET_PERSISTENT DH_COMPUTE PKEY_QUERY PKEY_ENCRYPT PKEY_DECRYPT PKEY_SIGN \
            PKEY_VERIFY RESTRICT_KEYRING MOVE CAPABILITIES WATCH_KEY
            """
        ).enumerated().map { ("KEYCTL_" + $0.element, UInt64($0.offset)) })

    static let rebootCommands = one([
        ("LINUX_REBOOT_CMD_RESTART", 0x0123_4567), ("LINUX_REBOOT_CMD_HALT", 0xcdef_0123),
        ("LINUX_REBOOT_CMD_CAD_ON", 0x89ab_cdef), ("LINUX_REBOOT_CMD_CAD_OFF", 0),
        ("LINUX_REBOOT_CMD_POWER_OFF", 0x4321_fedc), ("LINUX_REBOOT_CMD_RESTART2", 0xa1b2_c3d4),
        ("LINUX_REBOOT_CMD_SW_SUSPEND", 0xd000_fce2), ("LINUX_REBOOT_CMD_KEXEC", 0x4558_4543),
    ])

    /// include/linux/syslog.h, which is the kernel's own; syslog(2) has the names.
    static let logActions = one(
        DefaultRules.names(
            "CLOSE OPEN READ READ_ALL READ_CLEAR CLEAR CONSOLE_OFF CONSOLE_ON CONSOLE_LEVEL SIZE_UNREAD SIZE_BUFFER"
        ).enumerated().map { ("SYSLOG_ACTION_" + $0.element, UInt64($0.offset)) })
}
