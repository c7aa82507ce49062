// SPDX-License-Identifier: Apache-2.0
//
// Compiled twice: by the host (SetupProgram) and by init (MartinetInit, Embedded Swift).

/// The records between the host and init, by their number on the wire. Numbers are never reused.
///
/// Below 64 the host speaks, from 64 init. Ranges kept for what the design promises: 16–31 exec, 32–47 files and
/// connections inside, 80–95 their answers.
public enum RecordKind: UInt16, Sendable {
    /// The first part of a program: its total length (u32), then bytes. Descriptors may come along.
    case program = 1
    /// A further part of the program: bytes. Descriptors may come along.
    case programPart = 2
    /// Send a signal: number (u32), scope (u32, `SignalScope`).
    case signal = 3
    /// End the sandbox at once.
    case terminate = 4

    /// To a sandbox that serves: the first part of a program that starts another process in it: the first slot of the
    /// descriptors that come along (u32), its total length (u32), bytes.
    case exec = 16
    /// A further part of that program: bytes. Descriptors may come along.
    case execPart = 17
    /// Send a signal to the process that was started over this connection: number (u32), whether to its group (flag).
    case signalExec = 18
    /// What is the part of the program that starts the agent, from this byte on (u32)?
    case queryProgram = 19
    /// A descriptor of what the agent reads from, for writing: a pipe, or its terminal.
    case takeInput = 20
    /// Nothing more will be written to the agent's pipe.
    case closeInput = 21
    /// Which processes are there?
    case queryProcesses = 22
    /// The agent is not to be started again.
    case endRestarts = 23

    /// Open a path inside: see `OpenPathRecord`. Answered with a `descriptor`, or `refused`.
    case openPath = 32

    /// A step failed: instruction index (u32, or `RecordLayout.noInstruction`), errno (u32).
    case failed = 64
    /// A descriptor made inside, for the host: purpose (u32, `DescriptorPurpose`); one descriptor comes along.
    case descriptor = 65
    /// The agent's program runs: its process id inside (u32).
    case started = 66
    /// The agent ended: see `ExitRecord`.
    case exited = 67
    /// The agent was stopped by a signal: number (u32).
    case stopped = 68

    /// The process that was asked for runs: its process id inside (u32).
    case execStarted = 80
    /// It ended: see `ExecExitRecord`.
    case execExited = 81
    /// See `AgentProgramRecord`.
    case agentProgram = 82
    /// Process ids inside (u32 each), as many as there is room for.
    case processes = 83
    /// What was asked for cannot be done: errno (u32).
    case refused = 84
    /// It is done.
    case done = 85
}

/// Whom a signal is for.
public enum SignalScope: UInt32, Sendable {
    case agent = 0
    /// The agent's process group, as a terminal would.
    case agentGroup = 1
    /// Every process in the sandbox.
    case everyone = 2
}

public enum DescriptorPurpose: UInt32, Sendable {
    /// The side of the agent's pseudo-terminal that the host keeps.
    case terminal = 1
    /// The listener of the agent's filter. seccomp_unotify(2)
    case listener = 2
    /// What the agent reads from.
    case input = 3
    /// What was asked to be opened.
    case file = 4
}

/// Why init ended the sandbox.
public enum EndReason: UInt32, Sendable {
    /// The agent ended by itself, or by a signal that someone sent it.
    case agentEnded = 0
    case deadline = 1
    /// The kernel ran out of the memory allowed (cgroup v1; on v2 the kernel ends init too).
    case memory = 2
    /// The host asked.
    case terminated = 3
    /// The CPU time of all processes together.
    case cpuTime = 4
    /// What the agent wrote to a log of init's.
    case output = 5
}

/// The fixed part of every record: magic, version, kind, length of the whole record.
public enum RecordLayout {
    public static let magic: UInt32 = 0x3152_544D  // "MTR1"
    public static let version: UInt16 = 1
    public static let headerSize = 12
    /// The largest record, header included; longer programs travel in parts.
    public static let largest = 65536
    /// The index of a failure outside any instruction.
    public static let noInstruction: UInt32 = .max
    /// The most descriptors with one record. unix(7): SCM_MAX_FD
    public static let mostDescriptors = 253
}

/// A record's header, checked.
public struct RecordHeader {
    public var kind: RecordKind

    public init(_ reader: inout WireReader) throws(WireError) {
        let whole = reader.remaining
        guard try reader.uint32() == RecordLayout.magic, try reader.uint16() == RecordLayout.version else {
            throw .badHeader
        }
        guard let kind = RecordKind(rawValue: try reader.uint16()) else { throw .unknownOpcode }
        guard Int(try reader.uint32()) == whole else { throw .truncated }
        self.kind = kind
    }
}

/// What the file system in memory held at the end, and a kept layer with a limit of its own. statfs(2)
public struct DiskRecord: Sendable, Equatable {
    public var bytes: UInt64
    public var inodes: UInt64
    public var isFull: Bool

    public init(bytes: UInt64, inodes: UInt64, isFull: Bool) {
        self.bytes = bytes
        self.inodes = inodes
        self.isFull = isFull
    }
}

/// How the agent ended, as init saw it.
public struct ExitRecord: Sendable, Equatable {
    /// The status word of wait(2).
    public var waitStatus: UInt32
    public var reason: EndReason
    /// Microseconds of CPU time of all processes inside. getrusage(2), `RUSAGE_CHILDREN`
    public var userMicroseconds: UInt64
    public var systemMicroseconds: UInt64
    /// KiB, the largest process's resident peak. getrusage(2)
    public var peakResidentKiB: UInt64
    /// Nanoseconds of wall time from the agent's start.
    public var wallNanoseconds: UInt64
    /// Microseconds of CPU time of init itself in its cgroup, whose count includes them.
    public var initMicroseconds: UInt64
    /// `nil` where there is none to measure.
    public var disk: DiskRecord?

    public init(
        waitStatus: UInt32, reason: EndReason, userMicroseconds: UInt64, systemMicroseconds: UInt64,
        peakResidentKiB: UInt64, wallNanoseconds: UInt64, initMicroseconds: UInt64 = 0, disk: DiskRecord? = nil
    ) {
        self.waitStatus = waitStatus
        self.reason = reason
        self.userMicroseconds = userMicroseconds
        self.systemMicroseconds = systemMicroseconds
        self.peakResidentKiB = peakResidentKiB
        self.wallNanoseconds = wallNanoseconds
        self.initMicroseconds = initMicroseconds
        self.disk = disk
    }

    public init(_ reader: inout WireReader) throws(WireError) {
        waitStatus = try reader.uint32()
        guard let reason = EndReason(rawValue: try reader.uint32()) else { throw .badValue }
        self.reason = reason
        userMicroseconds = try reader.uint64()
        systemMicroseconds = try reader.uint64()
        peakResidentKiB = try reader.uint64()
        wallNanoseconds = try reader.uint64()
        initMicroseconds = try reader.uint64()
        let measured = try reader.flag()
        let record = DiskRecord(
            bytes: try reader.uint64(), inodes: try reader.uint64(), isFull: try reader.flag())
        disk = measured ? record : nil
        try reader.requireEnd()
    }
}
