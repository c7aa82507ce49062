// SPDX-License-Identifier: Apache-2.0
//
// Compiled twice: by the host (SetupProgram) and by init (MartinetInit, Embedded Swift).

/// The identity of a namespace: device and inode of its file in /proc/PID/ns. namespaces(7)
public struct NamespaceIdentity: Equatable, Sendable {
    public var device: UInt64
    public var inode: UInt64

    public init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }
}

/// What init is to be for a program. Each kind of program is refused by the other kind of init.
public enum ProgramMode: UInt32, Sendable {
    /// PID 1 of new namespaces, which the program fills.
    case namespaces = 0
    /// An ordinary process of the host, parent and reaper of all that descends from it. It runs only instructions that
    /// change nothing but the process itself: see `Opcode.runsWithoutNamespaces`.
    case subreaper = 1
}

/// The first 56 bytes of a program: what follows, and whose namespaces init must not be in.
public struct ProgramHeader: Sendable, Equatable {
    public static let magic: UInt32 = 0x3150_544D  // "MTP1"
    public static let version: UInt16 = 1
    public static let size = 56
    /// Bytes of header and instructions together, at most: environment and arguments may fill 2 MiB (execve(2)).
    public static let largestProgram = 8 << 20
    public static let mostSlots = 2048

    public var instructionCount: UInt16
    /// Bytes of header and instructions.
    public var length: UInt32
    /// Descriptors that come with the program: slots 0 and up.
    public var descriptorCount: UInt32
    /// Slots in all.
    public var slotCount: UInt32
    public var mode: ProgramMode
    public var launcherMountNamespace: NamespaceIdentity
    public var launcherUserNamespace: NamespaceIdentity

    public init(
        instructionCount: UInt16, length: UInt32, descriptorCount: UInt32, slotCount: UInt32, mode: ProgramMode,
        launcherMountNamespace: NamespaceIdentity, launcherUserNamespace: NamespaceIdentity
    ) {
        self.instructionCount = instructionCount
        self.length = length
        self.descriptorCount = descriptorCount
        self.slotCount = slotCount
        self.mode = mode
        self.launcherMountNamespace = launcherMountNamespace
        self.launcherUserNamespace = launcherUserNamespace
    }

    public init(_ reader: inout WireReader) throws(WireError) {
        guard try reader.uint32() == Self.magic, try reader.uint16() == Self.version else { throw .badHeader }
        instructionCount = try reader.uint16()
        length = try reader.uint32()
        descriptorCount = try reader.uint32()
        slotCount = try reader.uint32()
        guard let mode = ProgramMode(rawValue: try reader.uint32()) else { throw .badHeader }
        self.mode = mode
        launcherMountNamespace = NamespaceIdentity(device: try reader.uint64(), inode: try reader.uint64())
        launcherUserNamespace = NamespaceIdentity(device: try reader.uint64(), inode: try reader.uint64())
        guard length >= UInt32(Self.size), length <= UInt32(Self.largestProgram) else { throw .badValue }
        guard slotCount <= UInt32(Self.mostSlots), descriptorCount <= slotCount else { throw .badSlot }
    }
}

/// The eight bytes before each instruction's operands.
public struct InstructionHeader {
    public var opcode: Opcode
    /// Bytes of operands.
    public var length: Int

    public init(_ reader: inout WireReader) throws(WireError) {
        guard let opcode = Opcode(rawValue: try reader.uint16()) else { throw .unknownOpcode }
        guard try reader.uint16() == 0 else { throw .badValue }
        self.opcode = opcode
        length = Int(try reader.uint32())
        guard length <= reader.remaining else { throw .truncated }
    }
}
