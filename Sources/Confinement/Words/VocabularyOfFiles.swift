// SPDX-License-Identifier: Apache-2.0

// Each name and number is the kernel's own; a test compiles them against its headers.
extension Vocabulary {
    /// By the words of the signatures' tables.
    static let all: [String: Vocabulary] = [
        "AF": families, "ARCH": architecture, "AT": pathFlags, "BPF": bpf, "CLOCK": clocks, "CLONE": clone,
        "CLOSE_RANGE": closeRange, "FCNTL": fileControl, "FDFLAGS": descriptorFlags, "IOCTL": requests,
        "KEYCTL": keyControl, "MAP": mapFlags, "MFD": memoryFileFlags, "MODE": mode, "MOUNT_ATTR": mountAttributes,
        "MS": mountFlags, "NAMESPACE": namespaces, "OPEN": openFlags, "OPEN_TREE": treeFlags,
        "PERSONALITY": personalities, "PR": processControl, "PROT": protections, "PROTOCOL": .one([]),
        "PTRACE": trace, "REBOOT": rebootCommands, "RENAME": renameFlags, "RLIMIT": resources, "SCHED": policies,
        "SECCOMP": seccompOperations, "SIG": signals, "SOCK": socketTypes, "SOCKFLAGS": socketFlags,
        "SYSLOG": logActions, "UMOUNT": unmountFlags, "UNLINK": unlinkFlags, "USERFAULTFD": faultFlags,
    ]

    #if arch(x86_64)
    private static let directory: UInt64 = 0o200000
    private static let others: [(String, UInt64)] = [
        ("O_DIRECT", 0o40000), ("O_LARGEFILE", 0o100000), ("O_NOFOLLOW", 0o400000),
    ]
    #else
    private static let directory: UInt64 = 0o40000
    private static let others: [(String, UInt64)] = [
        ("O_NOFOLLOW", 0o100000), ("O_DIRECT", 0o200000), ("O_LARGEFILE", 0o400000),
    ]
    #endif

    static let openFlags = mixed(
        mask: 3, [("O_RDONLY", 0), ("O_WRONLY", 1), ("O_RDWR", 2)],
        [
            ("O_CREAT", 0o100), ("O_EXCL", 0o200), ("O_NOCTTY", 0o400), ("O_TRUNC", 0o1000), ("O_APPEND", 0o2000),
            ("O_NONBLOCK", 0o4000), ("O_DSYNC", 0o10000), ("O_ASYNC", 0o20000), ("O_NOATIME", 0o1000000),
            ("O_CLOEXEC", 0o2000000), ("O_SYNC", 0o4010000), ("O_PATH", 0o10000000), ("O_DIRECTORY", directory),
            ("O_TMPFILE", 0o20000000 | directory), ("__O_TMPFILE", 0o20000000),
        ] + others)

    static let descriptorFlags = bits([
        ("O_CLOEXEC", 0o2000000), ("O_NONBLOCK", 0o4000), others[0].0 == "O_DIRECT" ? others[0] : others[1],
    ])

    static let pathFlags = bits([
        ("AT_SYMLINK_NOFOLLOW", 0x100), ("AT_EACCESS", 0x200), ("AT_SYMLINK_FOLLOW", 0x400),
        ("AT_NO_AUTOMOUNT", 0x800), ("AT_EMPTY_PATH", 0x1000), ("AT_STATX_FORCE_SYNC", 0x2000),
        ("AT_STATX_DONT_SYNC", 0x4000), ("AT_RECURSIVE", 0x8000),
    ])

    static let unlinkFlags = bits([("AT_REMOVEDIR", 0x200)])
    static let renameFlags = bits([("RENAME_NOREPLACE", 1), ("RENAME_EXCHANGE", 2), ("RENAME_WHITEOUT", 4)])
    static let closeRange = bits([("CLOSE_RANGE_UNSHARE", 2), ("CLOSE_RANGE_CLOEXEC", 4)])

    static let mode = mixed(
        mask: 0o170000,
        [
            ("S_IFIFO", 0o10000), ("S_IFCHR", 0o20000), ("S_IFDIR", 0o40000), ("S_IFBLK", 0o60000),
            ("S_IFREG", 0o100000), ("S_IFLNK", 0o120000), ("S_IFSOCK", 0o140000),
        ], [], isMode: true)

    static let fileControl = one([
        ("F_DUPFD", 0), ("F_GETFD", 1), ("F_SETFD", 2), ("F_GETFL", 3), ("F_SETFL", 4), ("F_GETLK", 5), ("F_SETLK", 6),
        ("F_SETLKW", 7), ("F_SETOWN", 8), ("F_GETOWN", 9), ("F_SETSIG", 10), ("F_GETSIG", 11), ("F_SETOWN_EX", 15),
        ("F_GETOWN_EX", 16), ("F_OFD_GETLK", 36), ("F_OFD_SETLK", 37), ("F_OFD_SETLKW", 38), ("F_SETLEASE", 1024),
        ("F_GETLEASE", 1025), ("F_NOTIFY", 1026), ("F_DUPFD_CLOEXEC", 1030), ("F_SETPIPE_SZ", 1031),
        ("F_GETPIPE_SZ", 1032), ("F_ADD_SEALS", 1033), ("F_GET_SEALS", 1034),
    ])

    static let requests = one([
        ("TCGETS", 0x5401), ("TCSETS", 0x5402), ("TCSETSW", 0x5403), ("TCSETSF", 0x5404), ("TIOCSCTTY", 0x540e),
        ("TIOCGPGRP", 0x540f), ("TIOCSPGRP", 0x5410), ("TIOCSTI", 0x5412), ("TIOCGWINSZ", 0x5413),
        ("TIOCSWINSZ", 0x5414), ("FIONREAD", 0x541b), ("TIOCLINUX", 0x541c), ("TIOCCONS", 0x541d), ("FIONBIO", 0x5421),
        ("TIOCNOTTY", 0x5422), ("TIOCSETD", 0x5423), ("TIOCGETD", 0x5424), ("TIOCGSID", 0x5429),
        ("TCGETS2", 0x802c_542a), ("TCSETS2", 0x402c_542b), ("TIOCSPTLCK", 0x4004_5431), ("TIOCGPTPEER", 0x5441),
        ("FIONCLEX", 0x5450), ("FIOCLEX", 0x5451), ("FIOASYNC", 0x5452), ("BLKROSET", 0x125d), ("BLKRRPART", 0x125f),
        ("BLKGETSIZE64", 0x8008_1272), ("FICLONE", 0x4004_9409), ("FIFREEZE", 0xc004_5877), ("FITHAW", 0xc004_5878),
        ("FS_IOC_GETFLAGS", 0x8008_6601), ("FS_IOC_SETFLAGS", 0x4008_6602), ("FS_IOC_ENABLE_VERITY", 0x4080_6685),
        ("SIOCGIFNAME", 0x8910), ("SIOCGIFCONF", 0x8912), ("SIOCGIFFLAGS", 0x8913), ("SIOCSIFFLAGS", 0x8914),
        ("SIOCGIFADDR", 0x8915), ("SIOCSIFADDR", 0x8916), ("SIOCGIFHWADDR", 0x8927), ("SIOCETHTOOL", 0x8946),
        ("SIOCBRADDBR", 0x89a0), ("LOOP_SET_FD", 0x4c00), ("LOOP_CTL_GET_FREE", 0x4c82), ("TUNSETIFF", 0x4004_54ca),
        ("KVM_CREATE_VM", 0xae01), ("NS_GET_USERNS", 0xb701), ("NS_GET_PARENT", 0xb702),
        ("PERF_EVENT_IOC_ENABLE", 0x2400), ("UFFDIO_API", 0xc018_aa3f),
    ])
}
