// SPDX-License-Identifier: Apache-2.0

/// A resource of getrlimit(2), named without `RLIMIT_`.
public enum ResourceName: String, Choice {
    case cpu, fsize, data, stack, core, rss, nproc, nofile, memlock, `as`, locks, sigpending, msgqueue, nice, rtprio,
        rttime

    /// The kernel's number. asm-generic/resource.h, as x86_64 and aarch64 have them.
    public var number: UInt32 { UInt32(Self.allCases.firstIndex(of: self) ?? 0) }
}

/// A limit of each of the agent's processes. setrlimit(2)
public struct ResourceLimit: Sendable, Hashable, CustomStringConvertible {
    public let resource: ResourceName
    public let soft: LimitValue<UInt64>
    public let hard: LimitValue<UInt64>

    public init(resource: ResourceName, soft: LimitValue<UInt64>, hard: LimitValue<UInt64>) {
        self.resource = resource
        self.soft = soft
        self.hard = hard
    }

    /// Reads `NAME=SOFT` or `NAME=SOFT:HARD`.
    public init(_ text: String) throws(SpecError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw SpecError("\(text.quoted) is not a resource limit; write nofile=1024:4096")
        }
        try self.init(name: String(parts[0]), value: String(parts[1]))
    }

    /// Reads the parts: `nofile`, `1024:4096`; `max` or `unlimited` lifts a limit.
    public init(name: String, value: String) throws(SpecError) {
        let parts = value.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else {
            throw SpecError("\(value.quoted) is not a resource limit; write SOFT or SOFT:HARD")
        }
        resource = try ResourceName(named: name.lowercased())
        soft = try Self.limit(parts[0])
        hard = parts.count == 2 ? try Self.limit(parts[1]) : soft
        if let hardValue = hard.value, (soft.value ?? .max) > hardValue {
            throw SpecError("\(value.quoted): the soft limit is above the hard one; write SOFT:HARD with SOFT <= HARD")
        }
    }

    private static func limit(_ text: Substring) throws(SpecError) -> LimitValue<UInt64> {
        if text == "max" || text == "unlimited" { return .max }
        guard let value = plainNumber(text), value < .max else {
            throw SpecError("\(String(text).quoted) is not a limit; write a whole number or max")
        }
        return .value(value)
    }

    public var valueText: String {
        func text(_ limit: LimitValue<UInt64>) -> String { limit.value.map(String.init) ?? "max" }
        return soft == hard ? text(soft) : "\(text(soft)):\(text(hard))"
    }

    public var description: String { "\(resource.rawValue)=\(valueText)" }
}

/// A capability, by the kernel's name. capabilities(7)
public struct CapabilityName: Sendable, Hashable, CustomStringConvertible {
    /// The bit number.
    public let number: UInt8

    public static let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]

    /// Reads a name in any case, with or without `CAP_`.
    public init(_ text: String) throws(SpecError) {
        let upper = text.uppercased()
        let name = upper.hasPrefix("CAP_") ? String(upper.dropFirst(4)) : upper
        guard let number = Self.names.firstIndex(of: name) else {
            throw SpecError("\(text.quoted) is not a capability\(suggestion(for: name, among: Self.names))")
        }
        self.number = UInt8(number)
    }

    public var description: String { "CAP_\(Self.names[Int(number)])" }
}
