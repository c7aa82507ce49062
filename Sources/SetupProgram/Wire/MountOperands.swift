// SPDX-License-Identifier: Apache-2.0
//
// Compiled twice: by the host (SetupProgram) and by init (MartinetInit, Embedded Swift).
// The operands of the instructions about namespaces and mounts, in the order in which they are on the wire.

/// What `attach` may make where its target does not exist.
public enum TargetKind: UInt32, Sendable {
    case mustExist = 0
    case directory = 1
    case file = 2
}

public struct WatchCPUTimeOperands {
    public let slot: UInt32
    public let isUnified: Bool
    public let nanoseconds: UInt64
    public let parallelism: UInt32
    public init(_ reader: inout WireReader) throws(WireError) {
        slot = try reader.uint32()
        isUnified = try reader.flag()
        nanoseconds = try reader.uint64()
        parallelism = try reader.uint32()
        guard parallelism > 0 else { throw .badValue }
    }
}

public struct TimeOffsetOperands {
    /// Nanoseconds, signed.
    public let monotonic: Int64
    public let boottime: Int64
    public init(_ reader: inout WireReader) throws(WireError) {
        monotonic = Int64(bitPattern: try reader.uint64())
        boottime = Int64(bitPattern: try reader.uint64())
    }
}

public struct CreateFileSystemOperands {
    public let slot: UInt32
    public let type: WireString
    /// `key=value`, or `key` for a flag.
    public let options: WireStringList
    public let attributes: UInt64
    public init(_ reader: inout WireReader) throws(WireError) {
        slot = try reader.uint32()
        type = try reader.string()
        options = try reader.strings()
        attributes = try reader.uint64()
    }
}

public struct CloneHostTreeOperands {
    public let slot: UInt32
    public let path: WireString
    /// The device and inode that the host found at the path: anything else there now is an error.
    public let device: UInt64
    public let inode: UInt64
    public let recursive: Bool
    public init(_ reader: inout WireReader) throws(WireError) {
        slot = try reader.uint32()
        path = try reader.string()
        device = try reader.uint64()
        inode = try reader.uint64()
        recursive = try reader.flag()
    }
}

public struct CloneTreeOperands {
    public let slot: UInt32
    public let path: WireString
    public init(_ reader: inout WireReader) throws(WireError) {
        slot = try reader.uint32()
        path = try reader.string()
    }
}

public struct MountAttributeOperands {
    public let slot: UInt32
    public let set: UInt64
    public let clear: UInt64
    public let recursive: Bool
    public init(_ reader: inout WireReader) throws(WireError) {
        slot = try reader.uint32()
        set = try reader.uint64()
        clear = try reader.uint64()
        recursive = try reader.flag()
    }
}

public struct AttachOperands {
    public let slot: UInt32
    public let path: WireString
    public let create: TargetKind
    public init(_ reader: inout WireReader) throws(WireError) {
        slot = try reader.uint32()
        path = try reader.string()
        create = try reader.targetKind()
    }
}

public struct MakeDirectoryOperands {
    public let path: WireString
    public let mode: UInt32
    public let uid: UInt32
    public let gid: UInt32
    public init(_ reader: inout WireReader) throws(WireError) {
        path = try reader.string()
        mode = try reader.uint32()
        uid = try reader.uint32()
        gid = try reader.uint32()
    }
}

public struct WriteFileOperands {
    public let path: WireString
    public let mode: UInt32
    public let uid: UInt32
    public let gid: UInt32
    public let contents: WireBytes
    public init(_ reader: inout WireReader) throws(WireError) {
        path = try reader.string()
        mode = try reader.uint32()
        uid = try reader.uint32()
        gid = try reader.uint32()
        contents = try reader.bytes()
    }
}

public struct ControlFileOperands {
    public let path: WireString
    public let text: WireString
    public let optional: Bool
    public init(_ reader: inout WireReader) throws(WireError) {
        path = try reader.string()
        text = try reader.string()
        optional = try reader.flag()
    }
}

public struct TwoStringOperands {
    public let first: WireString
    public let second: WireString
    public init(_ reader: inout WireReader) throws(WireError) {
        first = try reader.string()
        second = try reader.string()
    }
}

public struct BindOntoItselfOperands {
    public let path: WireString
    public let set: UInt64
    public let clear: UInt64
    /// A path that does not exist is passed over.
    public let optional: Bool
    public init(_ reader: inout WireReader) throws(WireError) {
        path = try reader.string()
        set = try reader.uint64()
        clear = try reader.uint64()
        optional = try reader.flag()
    }
}

public struct MaskOperands {
    public let path: WireString
    public let optional: Bool
    public init(_ reader: inout WireReader) throws(WireError) {
        path = try reader.string()
        optional = try reader.flag()
    }
}

/// What a guard does to its name.
public enum GuardAction: UInt32, Sendable {
    /// Bound over itself, so that it cannot be renamed away with what it holds.
    case pin = 0
    /// Readable, not writable.
    case protect = 1
    /// Neither readable nor writable.
    case hide = 2
}

public struct GuardOperands {
    /// Relative to what `openGuards` opened.
    public let path: WireString
    public let action: GuardAction
    /// Whether other guards are on names in this directory.
    public let holdsGuards: Bool
    public init(_ reader: inout WireReader) throws(WireError) {
        path = try reader.string()
        guard let action = GuardAction(rawValue: try reader.uint32()) else { throw .badValue }
        self.action = action
        holdsGuards = try reader.flag()
    }
}

public struct RequireFileSystemOperands {
    public let path: WireString
    /// The file system's magic number. statfs(2)
    public let magic: UInt64
    public init(_ reader: inout WireReader) throws(WireError) {
        path = try reader.string()
        magic = try reader.uint64()
    }
}

public struct KeepRoomOperands {
    public let path: WireString
    public let count: UInt32
    public init(_ reader: inout WireReader) throws(WireError) {
        path = try reader.string()
        count = try reader.uint32()
        guard count <= 64 else { throw .badValue }
    }
}

public struct PathAttributeOperands {
    public let path: WireString
    public let set: UInt64
    public let clear: UInt64
    public init(_ reader: inout WireReader) throws(WireError) {
        path = try reader.string()
        set = try reader.uint64()
        clear = try reader.uint64()
    }
}

public struct RootAttributeOperands {
    public let set: UInt64
    public let clear: UInt64
    public init(_ reader: inout WireReader) throws(WireError) {
        set = try reader.uint64()
        clear = try reader.uint64()
    }
}

public struct OpenTerminalOperands {
    public let slot: UInt32
    public let uid: UInt32
    public let gid: UInt32
    public let rows: UInt32
    public let columns: UInt32
    public init(_ reader: inout WireReader) throws(WireError) {
        slot = try reader.uint32()
        uid = try reader.uint32()
        gid = try reader.uint32()
        rows = try reader.uint32()
        columns = try reader.uint32()
    }
}

extension WireReader {
    mutating func flag() throws(WireError) -> Bool {
        switch try uint32() {
        case 0: return false
        case 1: return true
        default: throw .badValue
        }
    }

    mutating func targetKind() throws(WireError) -> TargetKind {
        guard let kind = TargetKind(rawValue: try uint32()) else { throw .badValue }
        return kind
    }
}
