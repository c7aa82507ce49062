// SPDX-License-Identifier: Apache-2.0

/// A set of Linux capabilities: one bit for each that the kernel knows, in the kernel's order.
///
/// All 64 bits are kept, also those this module has no name for, so that no set loses members on its way to `capset(2)`.
/// - SeeAlso: capabilities(7), include/uapi/linux/capability.h; 41 capabilities as of Linux 5.9
public struct CapabilitySet: OptionSet, Hashable, Sendable {
    /// Bit *n* stands for capability number *n*.
    public var rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The set of one capability, by its number (0–63).
    public init(number: Int) {
        rawValue = 1 << UInt64(number)
    }

    public static let chown = CapabilitySet(number: 0)
    public static let dacOverride = CapabilitySet(number: 1)
    public static let dacReadSearch = CapabilitySet(number: 2)
    public static let fowner = CapabilitySet(number: 3)
    public static let fsetid = CapabilitySet(number: 4)
    public static let kill = CapabilitySet(number: 5)
    public static let setgid = CapabilitySet(number: 6)
    public static let setuid = CapabilitySet(number: 7)
    public static let setpcap = CapabilitySet(number: 8)
    public static let linuxImmutable = CapabilitySet(number: 9)
    public static let netBindService = CapabilitySet(number: 10)
    public static let netBroadcast = CapabilitySet(number: 11)
    public static let netAdmin = CapabilitySet(number: 12)
    public static let netRaw = CapabilitySet(number: 13)
    public static let ipcLock = CapabilitySet(number: 14)
    public static let ipcOwner = CapabilitySet(number: 15)
    public static let sysModule = CapabilitySet(number: 16)
    public static let sysRawio = CapabilitySet(number: 17)
    public static let sysChroot = CapabilitySet(number: 18)
    public static let sysPtrace = CapabilitySet(number: 19)
    public static let sysPacct = CapabilitySet(number: 20)
    public static let sysAdmin = CapabilitySet(number: 21)
    public static let sysBoot = CapabilitySet(number: 22)
    public static let sysNice = CapabilitySet(number: 23)
    public static let sysResource = CapabilitySet(number: 24)
    public static let sysTime = CapabilitySet(number: 25)
    public static let sysTtyConfig = CapabilitySet(number: 26)
    public static let mknod = CapabilitySet(number: 27)
    public static let lease = CapabilitySet(number: 28)
    public static let auditWrite = CapabilitySet(number: 29)
    public static let auditControl = CapabilitySet(number: 30)
    public static let setfcap = CapabilitySet(number: 31)
    public static let macOverride = CapabilitySet(number: 32)
    public static let macAdmin = CapabilitySet(number: 33)
    public static let syslog = CapabilitySet(number: 34)
    public static let wakeAlarm = CapabilitySet(number: 35)
    public static let blockSuspend = CapabilitySet(number: 36)
    public static let auditRead = CapabilitySet(number: 37)
    public static let perfmon = CapabilitySet(number: 38)
    public static let bpf = CapabilitySet(number: 39)
    public static let checkpointRestore = CapabilitySet(number: 40)
}

extension CapabilitySet {
    /// Every capability a running kernel has.
    ///
    /// - Parameter lastCap: the number in /proc/sys/kernel/cap_last_cap; 40 since Linux 5.9.
    public static func all(lastCap: Int = 40) -> CapabilitySet {
        lastCap >= 63 ? CapabilitySet(rawValue: .max) : CapabilitySet(rawValue: (1 << UInt64(max(lastCap, -1) + 1)) - 1)
    }

    /// The numbers of the members, ascending.
    public var numbers: [Int] {
        (0..<64).filter { rawValue & (1 << UInt64($0)) != 0 }
    }
}
