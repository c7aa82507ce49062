// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import SetupProgram

/// What a sandbox that outlives its launcher keeps in its state directory, and init is handed: its socket, its log, its last
/// word.
final class DetachedPlace {
    let directory: Descriptor
    /// Whether the agent's input stays open for whoever attaches; without, it reads nothing.
    let keepsInput: Bool
    private let logCapacity: UInt64
    private let restarts: UInt32

    static let socketName = "init.sock"

    /// - Parameters:
    ///   - logCapacity: bytes of both of the log's files together.
    ///   - restarts: how often the agent is started again after a failure.
    init(_ directory: consuming Descriptor, keepsInput: Bool, logCapacity: UInt64, restarts: UInt32 = 0) {
        self.restarts = restarts
        self.directory = directory
        self.keepsInput = keepsInput
        self.logCapacity = logCapacity
    }

    /// Opens all of it for one start, and passes it on with init's sides of the agent's streams.
    func pass(_ streams: [Int32], _ trees: inout HostTrees, _ spec: SandboxSpec) throws(EngineError) -> DetachedInputs {
        let base = PathBase.descriptor(directory.rawValue)
        let listener = try launching { () throws(SystemError) in
            // Of an earlier start.
            do throws(SystemError) { try remove(Self.socketName, at: base) } catch {
                if error.errno != .noEntry { throw error }
            }
            return try listenForRecords(name: Self.socketName, in: directory)
        }
        let verdict = try open(VerdictFile.name, [.readWrite, .create, .truncate])
        var logs: [(slot: Slot, generation: UInt64)] = []
        for name in LogFollower.fileNames {
            let file = try open(name, [.readWrite, .create])
            let generation = try launching { () throws(SystemError) in Self.generation(try read(file, upTo: 16)) }
            logs.append((trees.pass(file, name: name), generation))
        }
        // The older one is begun anew.
        logs.sort { $0.generation < $1.generation }
        var inputs = DetachedInputs(
            listener: trees.pass(listener, name: "init's socket"), verdict: trees.pass(verdict, name: "verdict"),
            logs: (logs[0].slot, logs[1].slot), logCapacity: max(logCapacity / 2, KeepLogOperands.leastCapacity),
            logGeneration: logs[1].generation &+ 1, outputLimit: spec.limits.output?.bytes)
        inputs.restarts = restarts
        for (raw, stream) in zip(streams, [LogStream.standardOutput, .standardError]) {
            inputs.streams.append(LogSource(slot: try pass(raw, "\(stream) of the agent", &trees), stream: stream))
        }
        if streams.count > 2 { inputs.input = try pass(streams[2], "input of the agent", &trees) }
        return inputs
    }

    private func pass(_ raw: Int32, _ name: String, _ trees: inout HostTrees) throws(EngineError) -> Slot {
        trees.pass(try launching { () throws(SystemError) in try duplicate(raw) }, name: name)
    }

    private func open(_ name: String, _ flags: OpenFlags) throws(EngineError) -> Descriptor {
        let base = PathBase.descriptor(directory.rawValue)
        return try launching { () throws(SystemError) in
            try LinuxKernel.open(
                name, flags.union(.noFollow), mode: 0o600, at: base, resolving: [.beneath, .noSymlinks])
        }
    }

    /// Of a log file's header; 0 where it has none.
    static func generation(_ header: [UInt8]) -> UInt64 {
        guard header.count == LogLayout.fileHeaderSize else { return 0 }
        let magic = header[0..<4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        return magic == LogLayout.magic ? header[8..<16].reversed().reduce(0) { $0 << 8 | UInt64($1) } : 0
    }
}
