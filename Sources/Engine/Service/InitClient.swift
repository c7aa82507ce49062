// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram

/// A connection to the init of a running sandbox, which answers one request after another.
///
/// What init says is read as carefully as at a launch: an agent that came to power over init must not come to power here.
final class InitClient {
    private let socket: Descriptor
    private var agent: AgentProgram?

    /// Waits at most so long for an answer: an init that is frozen, or stopped, gives none.
    static let patience: Int32 = 30_000

    /// Connects to the socket in a sandbox's state directory.
    ///
    /// - Throws: `.unavailable` where nobody listens any more.
    init(_ directory: borrowing Descriptor) throws(EngineError) {
        do throws(SystemError) {
            socket = try connectToRecords(name: DetachedPlace.socketName, in: directory)
        } catch where error.errno == .noEntry || error.errno.name == "ECONNREFUSED" {
            throw EngineError(.unavailable, "the sandbox is not running", hint: "martinet start NAME runs it again")
        } catch { throw EngineError(error) }
    }

    var raw: Int32 { socket.rawValue }

    // MARK: Requests

    /// Signals the agent, its process group, or every process.
    func signal(_ number: Int32, scope: SignalScope) throws(EngineError) {
        try request(ControlMessage.signal(number, scope: scope))
    }

    /// Ends everything inside at once.
    func terminate() throws(EngineError) { try request(ServiceMessage.terminate) }

    /// Lets the agent read to the end of its input.
    func closeInput() throws(EngineError) { try request(ServiceMessage.closeInput) }

    /// Whatever becomes of the agent, it is not started again.
    ///
    /// Does not wait for an answer: what a frozen init was told it does before it does anything else.
    func endRestarts() throws(EngineError) { try send(ServiceMessage.endRestarts) }

    func signalExec(_ number: Int32, toGroup: Bool) throws(EngineError) {
        try send(ServiceMessage.signalExec(number, toGroup: toGroup))
    }

    /// What the agent reads from, for writing; with a terminal it is that.
    func takeInput() throws(EngineError) -> Descriptor {
        try send(ServiceMessage.takeInput)
        let answer = try answer()
        let message = answer.message
        switch message {
        case .descriptor(.input):
            guard answer.hasDescriptor else { throw Self.malformed }
            return answer.intoDescriptor()
        case .refused:
            throw EngineError(
                .unavailable, "the agent's input is closed", hint: "run -d -i keeps it open for attach")
        default: throw Self.malformed
        }
    }

    /// Opens a path inside. Only a file or a directory is taken, whatever init sends.
    func open(
        _ path: String, _ flags: OpenFlags, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(EngineError) -> Descriptor {
        guard path.utf8.count < 4096, !path.utf8.contains(0) else {
            throw EngineError(.invalidSpec, "open \(path.quoted): a path has at most 4095 bytes, and no zero byte")
        }
        try send(
            ServiceMessage.openPath(
                path, flags: UInt32(truncatingIfNeeded: flags.rawValue), mode: mode, uid: uid, gid: gid))
        let answer = try answer()
        let message = answer.message
        switch message {
        case .descriptor(.file):
            guard answer.hasDescriptor else { throw Self.malformed }
            let file = answer.intoDescriptor()
            let raw = file.rawValue
            let kind = try launching { () throws(SystemError) in try LinuxKernel.status(raw: raw).kind }
            guard kind == .regular || kind == .directory else { throw Self.malformed }
            return file
        case .refused(let errno): throw Self.refusal("open \(path.quoted) inside", errno)
        default: throw Self.malformed
        }
    }

    /// Process ids inside.
    func processes() throws(EngineError) -> [UInt32] {
        try send(ServiceMessage.queryProcesses)
        switch try answer().message {
        case .processes(let numbers): return numbers
        case .refused(let errno): throw Self.refusal("list the processes", errno)
        default: throw Self.malformed
        }
    }

    /// What the first process was started from. Asked for once.
    func agentProgram() throws(EngineError) -> AgentProgram {
        if let agent { return agent }
        var bytes: [UInt8] = []
        while true {
            try send(ServiceMessage.queryProgram(from: bytes.count))
            guard case .program(let part, let total, let count, let slots) = try answer().message else {
                throw Self.malformed
            }
            bytes += part
            guard bytes.count <= Int(total), !part.isEmpty || bytes.count == total else { throw Self.malformed }
            guard bytes.count == total else { continue }
            do throws(WireError) {
                let program = try AgentProgram(decoding: bytes, instructionCount: count, slotCount: slots)
                agent = program
                return program
            } catch { throw Self.malformed }
        }
    }

    /// Sends a program that starts a process, with the process's standard descriptors. Init's answers are read with `next`.
    func start(_ program: SetupProgram, firstSlot: UInt32, descriptors: [Int32]) throws(EngineError) {
        let bytes: [UInt8]
        do throws(WireError) {
            let none = NamespaceIdentity(device: 0, inode: 0)
            bytes = try program.encoded(launcherMountNamespace: none, launcherUserNamespace: none)
        } catch {
            throw EngineError(
                .invalidSpec, "encode the program for init: \(error)",
                hint: "arguments and environment together may fill 8 MiB, and hold no NUL byte")
        }
        let room = RecordLayout.largest - RecordLayout.headerSize - 8
        var offset = 0
        repeat {
            let part = bytes[offset..<min(offset + room, bytes.count)]
            let begin = offset == 0 ? (firstSlot, UInt32(bytes.count)) : nil
            try send(ServiceMessage.exec(part, begin: begin), offset == 0 ? descriptors : [])
            offset += part.count
        } while offset < bytes.count
    }

    /// What init said, and what came with it.
    struct Answer: ~Copyable {
        let message: ServiceMessage
        private var descriptors: DescriptorTable

        init(_ message: ServiceMessage, _ descriptors: consuming DescriptorTable) {
            self.message = message
            self.descriptors = descriptors
        }

        var hasDescriptor: Bool { descriptors.count > 0 }

        /// The one that came along: there must be one.
        consuming func intoDescriptor() -> Descriptor {
            guard let descriptor = descriptors.removeLast() else { preconditionFailure("no descriptor came along") }
            return descriptor
        }
    }

    /// Init's next record; `nil` when it is gone.
    func next() throws(EngineError) -> Answer? {
        let received: Record?
        do throws(SystemError) { received = try receiveRecord(socket, descriptorLimit: 1) } catch {
            throw EngineError(.initFailed, "hear from init: \(error.errno)")
        }
        guard let received else { return nil }
        let message: ServiceMessage
        do throws(WireError) { message = try ServiceMessage(received.bytes) } catch { throw Self.malformed }
        return Answer(message, received.intoDescriptors())
    }

    // MARK: Talking

    private func request(_ record: [UInt8]) throws(EngineError) {
        try send(record)
        switch try answer().message {
        case .done: return
        case .refused(let errno): throw Self.refusal("ask init", errno)
        default: throw Self.malformed
        }
    }

    private func send(_ record: [UInt8], _ descriptors: [Int32] = []) throws(EngineError) {
        do throws(SystemError) { try sendRecord(socket, record, descriptors: descriptors) } catch {
            if error.errno == .brokenPipe || error.errno == .connectionReset { throw Self.gone }
            throw EngineError(error)
        }
    }

    /// The next record, which must come in time.
    func answer() throws(EngineError) -> Answer {
        let raw = socket.rawValue
        let ready = try launching { () throws(SystemError) in
            try poll([(raw, .readable)], milliseconds: Self.patience)
        }
        guard !ready[0].isEmpty else {
            throw EngineError(
                .initFailed, "init does not answer",
                hint: "a paused sandbox answers when it is resumed; martinet kill NAME ends it in any case")
        }
        guard let answer = try next() else { throw Self.gone }
        return answer
    }

    static let gone = EngineError(.unavailable, "the sandbox has ended meanwhile")
    private static let malformed = EngineError(.initFailed, "init sent a record that makes no sense")

    static func refusal(_ what: String, _ errno: Int32) -> EngineError {
        EngineError(.unavailable, "\(what): \(Errno(rawValue: errno))")
    }
}
