// SPDX-License-Identifier: Apache-2.0
//
// Compiled twice: by the host (SetupProgram) and by init (MartinetInit, Embedded Swift).
// The operands of the instructions that run between fork and exec, in the order in which they are on the wire.

/// The slot number that means "none".
public let noSlot: UInt32 = .max

/// How the agent's process comes about.
public enum AgentStartMode: UInt32, Sendable {
    /// In a copy of init's memory: what a time namespace needs before Linux 6.2.
    case copied = 0
    /// In init's own memory, which saves copying page tables.
    case sharingMemory = 1
    /// In a copy, with init waiting for the listener of its filter, for the host.
    case supervised = 2

    public init(_ reader: inout WireReader) throws(WireError) {
        guard let mode = AgentStartMode(rawValue: try reader.uint32()) else { throw .badValue }
        self = mode
    }
}

public struct ServeOperands {
    /// A listening socket of records.
    public let listener: UInt32
    /// A file that takes init's last record, and the time of it.
    public let verdict: UInt32
    public init(_ reader: inout WireReader) throws(WireError) {
        listener = try reader.uint32()
        verdict = try reader.uint32()
    }
}

public struct KeepLogOperands {
    /// The file that is begun, and the one after it.
    public let first: UInt32
    public let second: UInt32
    /// Bytes in each file, at most.
    public let capacity: UInt64
    /// The generation of the file that is begun.
    public let generation: UInt64
    /// Bytes of output after which the sandbox is ended; `UInt64.max` for no limit.
    public let limit: UInt64
    /// The smallest capacity: a header, and a record of some size.
    public static let leastCapacity: UInt64 = 4096

    public init(_ reader: inout WireReader) throws(WireError) {
        first = try reader.uint32()
        second = try reader.uint32()
        capacity = try reader.uint64()
        generation = try reader.uint64()
        limit = try reader.uint64()
        guard capacity >= Self.leastCapacity, capacity <= 1 << 40 else { throw .badValue }
    }
}

public struct LogStreamOperands {
    /// What init reads.
    public let slot: UInt32
    public let stream: LogStream
    public init(_ reader: inout WireReader) throws(WireError) {
        slot = try reader.uint32()
        guard let number = UInt8(exactly: try reader.uint32()), let stream = LogStream(rawValue: number) else {
            throw .badValue
        }
        self.stream = stream
    }
}

public struct StandardDescriptorOperands {
    public let input: UInt32
    public let output: UInt32
    public let error: UInt32
    public init(_ reader: inout WireReader) throws(WireError) {
        input = try reader.uint32()
        output = try reader.uint32()
        error = try reader.uint32()
    }
}

public struct ResourceLimitOperands {
    public let resource: UInt32
    public let soft: UInt64
    public let hard: UInt64
    public init(_ reader: inout WireReader) throws(WireError) {
        resource = try reader.uint32()
        soft = try reader.uint64()
        hard = try reader.uint64()
    }
}

public struct IdentityOperands {
    public let uid: UInt32
    public let gid: UInt32
    /// Whether the supplementary groups are set: a user namespace with a single id forbids it. user_namespaces(7)
    public let setsGroups: Bool
    public let groupCount: UInt32
    /// `groupCount` numbers of 32 bits, little-endian, unaligned.
    public let groups: WireReader
    public init(_ reader: inout WireReader) throws(WireError) {
        uid = try reader.uint32()
        gid = try reader.uint32()
        setsGroups = try reader.flag()
        groupCount = try reader.uint32()
        guard groupCount <= 64 else { throw .badValue }
        groups = try reader.part(count: Int(groupCount) * 4)
    }
}

public struct CapabilityOperands {
    public let effective: UInt64
    public let permitted: UInt64
    public let inheritable: UInt64
    public let ambient: UInt64
    public init(_ reader: inout WireReader) throws(WireError) {
        effective = try reader.uint64()
        permitted = try reader.uint64()
        inheritable = try reader.uint64()
        ambient = try reader.uint64()
    }
}

public struct BoundingOperands {
    /// Capabilities that stay in the bounding set.
    public let keep: UInt64
    /// The highest capability this kernel knows.
    public let last: UInt32
    public init(_ reader: inout WireReader) throws(WireError) {
        keep = try reader.uint64()
        last = try reader.uint32()
        guard last < 64 else { throw .badValue }
    }
}

public struct FilterOperands {
    /// Flags of seccomp(2).
    public let flags: UInt32
    /// `struct sock_filter`s.
    public let instructions: WireBytes
    public init(_ reader: inout WireReader) throws(WireError) {
        flags = try reader.uint32()
        instructions = try reader.bytes()
        guard instructions.count % 8 == 0, instructions.count / 8 <= 4096, instructions.count > 0 else {
            throw .badValue
        }
    }
}

public struct ExecuteOperands {
    public let arguments: WireStringList
    public let environment: WireStringList
    /// Directories in which a name without a slash is looked up, in order.
    public let searchPath: WireStringList
    public init(_ reader: inout WireReader) throws(WireError) {
        arguments = try reader.strings()
        environment = try reader.strings()
        searchPath = try reader.strings()
        guard arguments.count > 0 else { throw .badValue }
    }
}
