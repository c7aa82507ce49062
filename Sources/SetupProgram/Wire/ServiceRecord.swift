// SPDX-License-Identifier: Apache-2.0
//
// Compiled twice: by the host (SetupProgram) and by init (MartinetInit, Embedded Swift).
// Records of a sandbox that serves: over connections to its socket, from whoever may open that.

/// How a process ended that was started in a running sandbox, as init saw it. wait4(2), getrusage(2)
public struct ExecExitRecord: Sendable, Equatable {
    /// The status word of wait(2).
    public var waitStatus: UInt32
    /// Microseconds of CPU time of the process and of what it waited for.
    public var userMicroseconds: UInt64
    public var systemMicroseconds: UInt64
    /// KiB.
    public var peakResidentKiB: UInt64
    /// Nanoseconds of wall time from its start.
    public var wallNanoseconds: UInt64

    public init(
        waitStatus: UInt32, userMicroseconds: UInt64, systemMicroseconds: UInt64, peakResidentKiB: UInt64,
        wallNanoseconds: UInt64
    ) {
        self.waitStatus = waitStatus
        self.userMicroseconds = userMicroseconds
        self.systemMicroseconds = systemMicroseconds
        self.peakResidentKiB = peakResidentKiB
        self.wallNanoseconds = wallNanoseconds
    }

    public init(_ reader: inout WireReader) throws(WireError) {
        waitStatus = try reader.uint32()
        userMicroseconds = try reader.uint64()
        systemMicroseconds = try reader.uint64()
        peakResidentKiB = try reader.uint64()
        wallNanoseconds = try reader.uint64()
        try reader.requireEnd()
    }
}

/// A part of the instructions from `startAgent` on, as init was given them: total length (u32), number of instructions
/// (u32), slots of the whole program (u32), bytes.
public struct AgentProgramRecord {
    public static let headerSize = 12
    public var total: UInt32
    public var instructionCount: UInt32
    public var slotCount: UInt32
    public var part: WireReader

    public init(_ reader: inout WireReader) throws(WireError) {
        total = try reader.uint32()
        instructionCount = try reader.uint32()
        slotCount = try reader.uint32()
        guard total <= UInt32(ProgramHeader.largestProgram), slotCount <= UInt32(ProgramHeader.mostSlots),
            instructionCount <= UInt32(UInt16.max)
        else { throw .badValue }
        part = try reader.part(count: reader.remaining)
    }
}

/// A path to be opened inside, by whom: flags of open(2) (u32), permissions of what is made (u32), uid and gid (u32 each) as
/// numbers inside, the path from the root on (string).
public struct OpenPathRecord {
    public var flags: UInt32
    public var mode: UInt32
    public var uid: UInt32
    public var gid: UInt32
    public var path: WireString

    public init(_ reader: inout WireReader) throws(WireError) {
        flags = try reader.uint32()
        mode = try reader.uint32()
        uid = try reader.uint32()
        gid = try reader.uint32()
        path = try reader.string()
        guard mode <= 0o777, uid != .max, gid != .max, path.count > 0, path.start[0] == 0x2f else { throw .badValue }
        try reader.requireEnd()
    }
}
