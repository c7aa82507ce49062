// SPDX-License-Identifier: Apache-2.0

/// Devices that a sandbox may use, and how. What no rule allows is refused with EPERM.
public struct DeviceRule: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable {
        case character, block
        /// Both.
        case all
    }

    /// What may be done with a device. One rule must allow everything that one open(2) asks for.
    public struct Access: OptionSet, Sendable, Hashable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        // The bits of linux/bpf.h, BPF_DEVCG_ACC_*.
        public static let mknod = Access(rawValue: 1)
        public static let read = Access(rawValue: 2)
        public static let write = Access(rawValue: 4)
        public static let all: Access = [.read, .write, .mknod]
    }

    public var kind: Kind
    /// `nil`: every one.
    public var major: UInt32?
    /// `nil`: every one.
    public var minor: UInt32?
    public var access: Access

    public init(_ kind: Kind, major: UInt32? = nil, minor: UInt32? = nil, access: Access) {
        self.kind = kind
        self.major = major
        self.minor = minor
        self.access = access
    }

    /// As v1's `devices.list` has it: `c 1:3 rwm`.
    public var description: String { Self.text(kind == .character ? "c" : kind == .block ? "b" : "a", of: self) }

    /// The lines for v1's `devices.allow`: two for `.all`, because the kernel takes `a` for everything there is, whatever
    /// follows it.
    var linesForV1: [String] {
        switch kind {
        case .character: [Self.text("c", of: self)]
        case .block: [Self.text("b", of: self)]
        case .all: [Self.text("c", of: self), Self.text("b", of: self)]
        }
    }

    private static func text(_ letter: String, of rule: DeviceRule) -> String {
        let major = rule.major.map(String.init) ?? "*"
        let minor = rule.minor.map(String.init) ?? "*"
        var access = ""
        if rule.access.contains(.read) { access += "r" }
        if rule.access.contains(.write) { access += "w" }
        if rule.access.contains(.mknod) { access += "m" }
        return "\(letter) \(major):\(minor) \(access)"
    }
}
