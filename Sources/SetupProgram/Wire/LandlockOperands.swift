// SPDX-License-Identifier: Apache-2.0
//
// Compiled twice: by the host (SetupProgram) and by init (MartinetInit, Embedded Swift).
// The operands of the instructions about Landlock, in the order in which they are on the wire.

public struct CreateRulesetOperands {
    public let slot: UInt32
    /// What is refused unless a rule allows it; bits as the kernel's.
    public let handledFiles: UInt64
    public let handledNetwork: UInt64
    public let scopes: UInt64
    public init(_ reader: inout WireReader) throws(WireError) {
        slot = try reader.uint32()
        handledFiles = try reader.uint64()
        handledNetwork = try reader.uint64()
        scopes = try reader.uint64()
    }
}

public struct AllowPathOperands {
    public let ruleset: UInt32
    public let path: WireString
    public let access: UInt64
    /// Whether the path may be absent.
    public let optional: Bool
    public init(_ reader: inout WireReader) throws(WireError) {
        ruleset = try reader.uint32()
        path = try reader.string()
        access = try reader.uint64()
        optional = try reader.flag()
    }
}

public struct AllowDescriptorOperands {
    public let ruleset: UInt32
    public let descriptor: UInt32
    public let access: UInt64
    public init(_ reader: inout WireReader) throws(WireError) {
        ruleset = try reader.uint32()
        descriptor = try reader.uint32()
        access = try reader.uint64()
    }
}

public struct AllowPortOperands {
    public let ruleset: UInt32
    public let port: UInt32
    public let access: UInt64
    public init(_ reader: inout WireReader) throws(WireError) {
        ruleset = try reader.uint32()
        port = try reader.uint32()
        access = try reader.uint64()
        guard port <= 65535 else { throw .badValue }
    }
}

public struct RestrictSelfOperands {
    public let ruleset: UInt32
    /// Flags of landlock_restrict_self(2).
    public let flags: UInt32
    public init(_ reader: inout WireReader) throws(WireError) {
        ruleset = try reader.uint32()
        flags = try reader.uint32()
    }
}
