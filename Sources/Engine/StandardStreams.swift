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
/// typed later. What it reads is the caller's pipe or file, where it cannot write to that: without an id range of its own the
/// agent is the caller to its permissions, and could open it again for writing through /proc/self/fd. A directory would be a
/// way out of the sandbox.
struct StreamPlan: ~Copyable {
    /// Descriptors for the agent, to be passed.
    var agentSides = DescriptorTable()
    /// Pumps to be run while the agent lives.
    var pumps: [Pump] = []
    /// The other sides, where init is to keep them: of the agent's output, its errors, and its input if it has one.
    var keptSides = DescriptorTable()

    /// - Parameters:
    ///   - group: the agent's gid on the host, where the launcher may give files away.
    ///   - meter: counts what the agent writes to its pipes.
    ///   - detached: set where nobody will be there to pump.
    init(
        _ streams: StandardStreams, spec: SandboxSpec, mapsOwnRange: Bool, group: UInt32?,
        meter: OutputMeter = OutputMeter(limit: nil), detached: DetachedPlace? = nil
    ) throws(EngineError) {
        if let detached {
            try keep(for: detached, group: group)
            return
        }
        if spec.standardInput == .none {
            agentSides.append(try launching { () throws(SystemError) in try open("/dev/null") })
        } else {
            try addInput(streams.input, mapsOwnRange: mapsOwnRange, group: group)
        }
        // A sandbox that outlives its launcher outlives its pumps.
        let isPumped = (streams.arePumped || spec.limits.output != nil) && !spec.linger
        let pumped: OutputMeter? = isPumped ? meter : nil
        try addOutput(streams.output, "standard output", group: group, meter: pumped)
        if pumped != nil, !pumps.filter({ !$0.isInput }).isEmpty, isSameOpenFile(streams.output, streams.error) {
            // One pipe for both keeps the order in which they were written.
            let output = agentSides.rawValues[1]
            agentSides.append(try launching { () throws(SystemError) in try duplicate(output) })
        } else {
            try addOutput(streams.error, "standard error", group: group, meter: pumped)
        }
    }

    /// Pipes whose other sides are init's.
    private mutating func keep(for detached: DetachedPlace, group: UInt32?) throws(EngineError) {
        var input: Descriptor?
        if detached.keepsInput {
            let pipe = try launching { () throws(SystemError) in try Pipe() }
            input = .some(try launching { () throws(SystemError) in try pipe.writer.duplicate() })
            agentSides.append(pipe.intoReader())
        } else {
            agentSides.append(try launching { () throws(SystemError) in try open("/dev/null") })
        }
        for _ in 0..<2 {
            let pipe = try launching { () throws(SystemError) in try Pipe() }
            let reader = try launching { () throws(SystemError) in try pipe.reader.duplicate() }
            Self.admit(group, to: pipe.writer, for: .writing)
            agentSides.append(pipe.intoWriter())
            keptSides.append(reader)
        }
        if let input = input.take() { keptSides.append(input) }
    }

    /// Refuses closed streams, and with a terminal such as it cannot be pumped from or to. To be asked before anything else is
    /// opened: the next descriptor opened would take the closed one's number, and be handed to the agent in its place.
    static func requireOpen(_ streams: StandardStreams, _ spec: SandboxSpec) throws(EngineError) {
        let all = [
            (streams.input, "standard input"), (streams.output, "standard output"), (streams.error, "standard error"),
        ]
        for (raw, name) in all where spec.terminal || spec.standardInput != .none || raw != streams.input {
            do throws(SystemError) { _ = try statusIfOpen(raw) } catch { throw unusable(name, error) }
        }
        guard spec.terminal else { return }
        if !mayRead(raw: streams.input) { throw notOpen("standard input", for: .reading) }
        if !mayWrite(raw: streams.output) { throw notOpen("standard output", for: .writing) }
    }

    private static func notOpen(_ name: String, for direction: Direction) -> EngineError {
        EngineError(
            .invalidSpec, "\(name) is not open for \(direction.rawValue)",
            hint: "redirect it \(direction == .reading ? "from" : "to") a file or /dev/null")
    }

    private static func unusable(_ name: String, _ error: SystemError) -> EngineError {
        guard error.errno == .noEntry else { return EngineError(.launchFailed, "\(name): \(error)") }
        return EngineError(.invalidSpec, "\(name) is closed", hint: "redirect it from or to /dev/null")
    }

    private enum Direction: String { case reading, writing }

    private static func status(
        _ raw: Int32, _ name: String, for direction: Direction
    ) throws(EngineError) -> FileStatus {
        let found: FileStatus
        do throws(SystemError) { found = try statusIfOpen(raw) } catch { throw unusable(name, error) }
        guard found.kind != .directory, found.kind != .blockDevice else {
            throw EngineError(
                .invalidSpec,
                "\(name) is a \(found.kind == .directory ? "directory" : "block device"), "
                    + "which would be a way out of the sandbox",
                hint: "redirect it from or to a file, a pipe or /dev/null")
        }
        // nohup(1) makes /dev/null, for writing, the standard input: the agent's reads fail as they would without a sandbox.
        let isDevice = found.kind == .characterDevice && !isTerminal(raw)
        guard isDevice || (direction == .reading ? mayRead(raw: raw) : mayWrite(raw: raw)) else {
            throw notOpen(name, for: direction)
        }
        return found
    }

    private mutating func addInput(_ raw: Int32, mapsOwnRange: Bool, group: UInt32?) throws(EngineError) {
        let found = try Self.status(raw, "standard input", for: .reading)
        let isPassed =
            switch found.kind {
            case .characterDevice: !isTerminal(raw)
            case .fifo: mapsOwnRange
            case .regular where mapsOwnRange: try launching { () throws(SystemError) in try isReadOnly(raw: raw) }
            default: false
            }
        guard !isPassed else { return try pass(raw, found, group: group, for: .reading) }
        let own = try launching { () throws(SystemError) in try duplicate(raw) }
        let pipe = try launching { () throws(SystemError) in try Pipe() }
        agentSides.append(try launching { () throws(SystemError) in try pipe.reader.duplicate() })
        pumps.append(Pump(from: own, to: pipe.intoWriter(), isPipeToPipe: found.kind == .fifo))
    }

    private mutating func addOutput(
        _ raw: Int32, _ name: String, group: UInt32?, meter: OutputMeter?
    ) throws(EngineError) {
        let found = try Self.status(raw, name, for: .writing)
        let isDevice = found.kind == .characterDevice && !isTerminal(raw)
        guard let meter = isTerminal(raw) ? meter ?? OutputMeter(limit: nil) : isDevice ? nil : meter else {
            return try pass(raw, found, group: group, for: .writing)
        }
        let own = try launching { () throws(SystemError) in try duplicateForWriting(raw) }
        let pipe = try launching { () throws(SystemError) in try Pipe() }
        let agent = try launching { () throws(SystemError) in try pipe.writer.duplicate() }
        Self.admit(group, to: agent, for: .writing)
        agentSides.append(agent)
        pumps.append(Pump(from: pipe.intoReader(), to: own, kind: found.kind, meter: meter))
    }

    /// Passes a descriptor of the caller's on.
    private mutating func pass(
        _ raw: Int32, _ found: FileStatus, group: UInt32?, for direction: Direction
    ) throws(EngineError) {
        let copy = try launching { () throws(SystemError) in try duplicate(raw) }
        // Only anonymous pipes, nothing with a name.
        if found.kind == .fifo, (try? fileSystemType(copy)) == 0x5049_5045 /* PIPEFS_MAGIC */ {
            Self.admit(group, to: copy, for: direction)
        }
        agentSides.append(copy)
    }

    /// Lets the agent, who is somebody else, open a pipe as /dev/stdin or /dev/stdout: in its one direction. As the pipe's
    /// owner it could open the other side as well: write what others will read from the caller's input (a shell its script),
    /// or take back what it wrote.
    private static func admit(_ group: UInt32?, to pipe: borrowing Descriptor, for direction: Direction) {
        guard let group else { return }
        // Before the group is the agent's: whatever it was allowed is gone by then.
        guard (try? changeMode(pipe, direction == .reading ? 0o640 : 0o620)) != nil else { return }
        _ = try? changeOwner(pipe, uid: .max, gid: group)
    }
}
