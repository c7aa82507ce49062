// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec

/// The caller's three standard descriptors, borrowed.
public struct StandardStreams: Sendable {
    public var input: Int32
    public var output: Int32
    public var error: Int32
    public init(input: Int32 = 0, output: Int32 = 1, error: Int32 = 2) {
        self.input = input
        self.output = output
        self.error = error
    }
}

/// How each of the agent's standard descriptors comes about: the caller's own passed on, or a pipe that the launcher pumps.
///
/// A terminal of the caller's is never handed in: an agent could read what is typed later, or change its settings. Nor is,
/// without an id range of its own, a regular file on standard input: the agent is the caller to the file's permissions, and
/// could open it again for writing through /proc/self/fd. A directory would be a way out of the sandbox.
struct StreamPlan: ~Copyable {
    /// Descriptors for the agent, to be passed.
    var agentSides = DescriptorTable()
    /// Pumps to be run while the agent lives.
    var pumps: [Pump] = []

    init(_ streams: StandardStreams, spec: SandboxSpec, mapsOwnRange: Bool, owner: UInt32?) throws(EngineError) {
        if spec.standardInput == .none {
            agentSides.append(try launching { () throws(SystemError) in try open("/dev/null") })
        } else {
            try add(streams.input, number: 0, "standard input", pumpsRegularFiles: !mapsOwnRange, owner: owner)
        }
        try add(streams.output, number: 1, "standard output", pumpsRegularFiles: false, owner: owner)
        try add(streams.error, number: 2, "standard error", pumpsRegularFiles: false, owner: owner)
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

    private mutating func add(
        _ raw: Int32, number: Int, _ name: String, pumpsRegularFiles: Bool, owner: UInt32?
    ) throws(EngineError) {
        let found: FileStatus
        do throws(SystemError) { found = try statusIfOpen(raw) } catch { throw Self.closed(name) }
        switch found.kind {
        case .directory, .blockDevice:
            throw EngineError(
                .invalidSpec,
                "\(name) is a \(found.kind == .directory ? "directory" : "block device"), "
                    + "which would be a way out of the sandbox",
                hint: "redirect it from or to a file, a pipe or /dev/null")
        case .characterDevice where isTerminal(raw), .regular where pumpsRegularFiles:
            try addPump(raw, number: number)
        default:
            let copy = try launching { () throws(SystemError) in try duplicate(raw) }
            // So that the agent, who is somebody else, can open /dev/stdout: only anonymous pipes, nothing with a name.
            if found.kind == .fifo, let owner, (try? fileSystemType(copy)) == 0x5049_5045 /* PIPEFS_MAGIC */ {
                _ = try? changeOwner(copy, uid: owner, gid: found.gid)
            }
            agentSides.append(copy)
        }
    }

    private mutating func addPump(_ raw: Int32, number: Int) throws(EngineError) {
        let own = try launching { () throws(SystemError) in try duplicate(raw) }
        let pipe = try launching { () throws(SystemError) in try Pipe() }
        if number == 0 {
            let agent = try launching { () throws(SystemError) in try pipe.reader.duplicate() }
            agentSides.append(agent)
            pumps.append(Pump(from: own, to: pipe.intoWriter(), isInput: true))
        } else {
            let agent = try launching { () throws(SystemError) in try pipe.writer.duplicate() }
            agentSides.append(agent)
            pumps.append(Pump(from: pipe.intoReader(), to: own, isInput: false))
        }
    }
}

/// Copies bytes from one descriptor to another without ever waiting on either.
final class Pump {
    private var source: Descriptor?
    private var sink: Descriptor?
    private var buffer: [UInt8] = []
    /// Whether it carries what the caller types: it ends with the agent, whatever is left.
    let isInput: Bool
    private let sinkRaw: Int32
    private let sourceRaw: Int32

    init(from source: consuming Descriptor, to sink: consuming Descriptor, isInput: Bool) {
        sourceRaw = source.rawValue
        sinkRaw = sink.rawValue
        self.source = consume source
        self.sink = consume sink
        self.isInput = isInput
        if isInput { _ = try? setNonBlocking(sinkRaw) }
    }

    var isDone: Bool { source == nil && buffer.isEmpty || sink == nil }

    /// What to wait for.
    var interests: [(descriptor: Int32, events: PollEvents)] {
        if sink == nil { return [] }
        if !buffer.isEmpty { return [(sinkRaw, .writable)] }
        return source == nil ? [] : [(sourceRaw, .readable)]
    }

    /// Moves what can be moved without waiting.
    func turnIfReady() {
        guard let ready = try? poll(interests, milliseconds: 0), !ready.allSatisfy(\.isEmpty) else { return }
        turn()
    }

    /// Moves what can be moved now.
    func turn() {
        if buffer.isEmpty, source != nil {
            guard let bytes = try? read(raw: sourceRaw, upTo: 65536), !bytes.isEmpty else {
                // End of file, or EIO from a terminal whose other side is gone.
                source = nil
                if buffer.isEmpty { sink = nil }
                return
            }
            buffer = bytes
        }
        guard !buffer.isEmpty, sink != nil else { return }
        do throws(SystemError) {
            let count = try writeSome(raw: sinkRaw, buffer)
            buffer.removeFirst(count)
        } catch where error.errno == .again {
        } catch {
            sink = nil  // nobody reads any more
            source = nil
        }
        if buffer.isEmpty, source == nil { sink = nil }
    }
}
