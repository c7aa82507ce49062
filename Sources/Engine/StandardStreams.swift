// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec

/// The caller's three standard descriptors, borrowed.
public struct StandardStreams: Sendable {
    public var input: Int32
    public var output: Int32
    public var error: Int32
    /// Whether what the agent writes is moved by this process, while it waits for the sandbox, so that the agent never holds
    /// a descriptor of the caller's. Not needed for pipes that were made for this agent alone; a limit of output implies it.
    public var arePumped: Bool
    public init(input: Int32 = 0, output: Int32 = 1, error: Int32 = 2, arePumped: Bool = false) {
        self.arePumped = arePumped
        self.input = input
        self.output = output
        self.error = error
    }
}

/// How each of the agent's standard descriptors comes about: the caller's own passed on, or a pipe that the launcher pumps.
///
/// What the agent writes goes through a pipe of its own, except to devices such as /dev/null: who holds a descriptor of the
/// caller's pipe could read what others write there, of a log could cut off what is in it, of a terminal could read what is
/// typed later. What it reads is the caller's pipe, or a file that it cannot write to: without an id range of its own the
/// agent is the caller to a file's permissions, and could open it again for writing through /proc/self/fd. A directory would
/// be a way out of the sandbox.
struct StreamPlan: ~Copyable {
    /// Descriptors for the agent, to be passed.
    var agentSides = DescriptorTable()
    /// Pumps to be run while the agent lives.
    var pumps: [Pump] = []

    /// - Parameters:
    ///   - owner: the agent's uid on the host, where the launcher may give files away.
    ///   - meter: counts what the agent writes to its pipes.
    init(
        _ streams: StandardStreams, spec: SandboxSpec, mapsOwnRange: Bool, owner: UInt32?,
        meter: OutputMeter = OutputMeter(limit: nil)
    ) throws(EngineError) {
        if spec.standardInput == .none {
            agentSides.append(try launching { () throws(SystemError) in try open("/dev/null") })
        } else {
            try addInput(streams.input, mapsOwnRange: mapsOwnRange, owner: owner)
        }
        // A sandbox that outlives its launcher outlives its pumps.
        let isPumped = (streams.arePumped || spec.limits.output != nil) && !spec.linger
        let pumped: OutputMeter? = isPumped ? meter : nil
        try addOutput(streams.output, "standard output", owner: owner, meter: pumped)
        if pumped != nil, !pumps.filter({ !$0.isInput }).isEmpty, isSameOpenFile(streams.output, streams.error) {
            // One pipe for both keeps the order in which they were written.
            let output = agentSides.rawValues[1]
            agentSides.append(try launching { () throws(SystemError) in try duplicate(output) })
        } else {
            try addOutput(streams.error, "standard error", owner: owner, meter: pumped)
        }
    }

    /// Refuses closed streams. To be asked before anything else is opened: the next descriptor opened would take the closed
    /// one's number, and be handed to the agent in its place.
    static func requireOpen(_ streams: StandardStreams, _ spec: SandboxSpec) throws(EngineError) {
        let all = [
            (streams.input, "standard input"), (streams.output, "standard output"), (streams.error, "standard error"),
        ]
        for (raw, name) in all where spec.terminal || spec.standardInput != .none || raw != streams.input {
            do throws(SystemError) { _ = try statusIfOpen(raw) } catch { throw closed(name) }
        }
    }

    private static func closed(_ name: String) -> EngineError {
        EngineError(.invalidSpec, "\(name) is closed", hint: "redirect it from or to /dev/null")
    }

    private static func status(_ raw: Int32, _ name: String) throws(EngineError) -> FileStatus {
        let found: FileStatus
        do throws(SystemError) { found = try statusIfOpen(raw) } catch { throw closed(name) }
        guard found.kind != .directory, found.kind != .blockDevice else {
            throw EngineError(
                .invalidSpec,
                "\(name) is a \(found.kind == .directory ? "directory" : "block device"), "
                    + "which would be a way out of the sandbox",
                hint: "redirect it from or to a file, a pipe or /dev/null")
        }
        return found
    }

    private mutating func addInput(_ raw: Int32, mapsOwnRange: Bool, owner: UInt32?) throws(EngineError) {
        let found = try Self.status(raw, "standard input")
        let isPassed =
            switch found.kind {
            case .characterDevice: !isTerminal(raw)
            case .fifo: true
            case .regular where mapsOwnRange: try launching { () throws(SystemError) in try isReadOnly(raw: raw) }
            default: false
            }
        guard !isPassed else { return try pass(raw, found, owner: owner) }
        let own = try launching { () throws(SystemError) in try duplicate(raw) }
        let pipe = try launching { () throws(SystemError) in try Pipe() }
        agentSides.append(try launching { () throws(SystemError) in try pipe.reader.duplicate() })
        pumps.append(Pump(from: own, to: pipe.intoWriter()))
    }

    private mutating func addOutput(
        _ raw: Int32, _ name: String, owner: UInt32?, meter: OutputMeter?
    ) throws(EngineError) {
        let found = try Self.status(raw, name)
        let isDevice = found.kind == .characterDevice && !isTerminal(raw)
        guard let meter = isTerminal(raw) ? meter ?? OutputMeter(limit: nil) : isDevice ? nil : meter else {
            return try pass(raw, found, owner: owner)
        }
        let own = try launching { () throws(SystemError) in try duplicate(raw) }
        let pipe = try launching { () throws(SystemError) in try Pipe() }
        let agent = try launching { () throws(SystemError) in try pipe.writer.duplicate() }
        // So that the agent, who is somebody else, can open /dev/stdout.
        if let owner { _ = try? changeOwner(agent, uid: owner, gid: found.gid) }
        agentSides.append(agent)
        pumps.append(Pump(from: pipe.intoReader(), to: own, kind: found.kind, meter: meter))
    }

    /// Passes a descriptor of the caller's on.
    private mutating func pass(_ raw: Int32, _ found: FileStatus, owner: UInt32?) throws(EngineError) {
        let copy = try launching { () throws(SystemError) in try duplicate(raw) }
        // So that the agent can open /dev/stdin: only anonymous pipes, nothing with a name.
        if found.kind == .fifo, let owner, (try? fileSystemType(copy)) == 0x5049_5045 /* PIPEFS_MAGIC */ {
            _ = try? changeOwner(copy, uid: owner, gid: found.gid)
        }
        agentSides.append(copy)
    }
}
