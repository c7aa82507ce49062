// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What a process may do with files, as Landlock tells it apart. landlock(7), "Filesystem actions"
public struct LandlockFileAccess: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let execute = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_EXECUTE)
    public static let writeFile = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_WRITE_FILE)
    public static let readFile = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_READ_FILE)
    public static let readDirectory = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_READ_DIR)
    public static let removeDirectory = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_REMOVE_DIR)
    public static let removeFile = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_REMOVE_FILE)
    public static let makeCharacterDevice = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_MAKE_CHAR)
    public static let makeDirectory = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_MAKE_DIR)
    public static let makeRegular = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_MAKE_REG)
    public static let makeSocket = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_MAKE_SOCK)
    public static let makeFifo = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_MAKE_FIFO)
    public static let makeBlockDevice = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_MAKE_BLOCK)
    public static let makeSymlink = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_MAKE_SYM)
    /// To link or rename into another directory. Without it, also where it is not handled, that is EXDEV.
    public static let refer = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_REFER)
    public static let truncate = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_TRUNCATE)
    public static let deviceControl = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_IOCTL_DEV)
    /// To connect or send to a Unix socket by its path, if it was made outside the domain.
    public static let resolveUnix = LandlockFileAccess(rawValue: MT_LANDLOCK_ACCESS_FS_RESOLVE_UNIX)

    /// What a rule about a single file may hold; the kernel refuses the rest there.
    public static let ofFiles: LandlockFileAccess = [
        .execute, .writeFile, .readFile, .truncate, .deviceControl, .resolveUnix,
    ]
}

/// What a process may do with ports. landlock(7), "Network actions"
public struct LandlockNetworkAccess: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let bindTCP = LandlockNetworkAccess(rawValue: MT_LANDLOCK_ACCESS_NET_BIND_TCP)
    public static let connectTCP = LandlockNetworkAccess(rawValue: MT_LANDLOCK_ACCESS_NET_CONNECT_TCP)
    public static let bindUDP = LandlockNetworkAccess(rawValue: MT_LANDLOCK_ACCESS_NET_BIND_UDP)
    public static let sendUDP = LandlockNetworkAccess(rawValue: MT_LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP)
}

/// What ends at the border of a Landlock domain. landlock(7), "Scope flags"
public struct LandlockScopes: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let abstractSockets = LandlockScopes(rawValue: MT_LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET)
    public static let signals = LandlockScopes(rawValue: MT_LANDLOCK_SCOPE_SIGNAL)
}

/// How much of Landlock the running kernel has.
public enum LandlockSupport: Sendable, Hashable {
    /// The version of its interface, from 1 (Linux 5.13) on.
    case abi(UInt32)
    /// The kernel was built without it, or is older than it: ENOSYS.
    case notBuilt
    /// It was left out at boot: EOPNOTSUPP.
    case notEnabled
    /// Something else says no: a container's system-call filter, as a rule.
    case refused(Errno)

    /// Asks the kernel. landlock_create_ruleset(2), `LANDLOCK_CREATE_RULESET_VERSION`
    public static func probe() -> LandlockSupport {
        let answer = mt_syscall(
            Int(SYS_landlock_create_ruleset), 0, 0, Int(MT_LANDLOCK_CREATE_RULESET_VERSION), 0, 0, 0)
        if answer > 0 { return .abi(UInt32(answer)) }
        switch Errno(rawValue: Int32(-answer)) {
        case .noSystemCall: return .notBuilt
        case .notSupported: return .notEnabled
        case let other: return .refused(other)
        }
    }
}
