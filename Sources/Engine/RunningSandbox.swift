// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram

/// A sandbox that this process started and whose end it waits for.
///
/// Owns everything that must not outlive it: init (and with it every process inside), cgroups, placeholders. `wait` or
/// `abandon` ends it; so does letting go of it.
public struct RunningSandbox: ~Copyable {
    var process: InitProcess
    let spec: SandboxSpec
    var belongings: Belongings
    var program: SetupProgram?
    /// The host's side of the agent's terminal.
    public private(set) var terminal: Descriptor?
    var pumps: [Pump] = []
    /// The agent's process id inside.
    public private(set) var agentPID: UInt32 = 0
    private var exit: ExitRecord?
    private var hasEnded = false

    init(process: consuming InitProcess, belongings: consuming Belongings, spec: SandboxSpec) {
        self.process = process
        self.belongings = belongings
        self.belongings.watch(self.process.process.rawValue, lingers: spec.linger)
        self.spec = spec
    }

    // MARK: Starting

    /// Init's user namespace, whose maps layers are shown through.
    func userNamespace() throws(EngineError) -> Descriptor {
        let pid = process.pid
        return try launching { () throws(SystemError) in try open("/proc/\(pid)/ns/user") }
    }

    /// Sends the program with its descriptors, in as many records as it takes.
    mutating func send(_ program: SetupProgram, descriptors: borrowing DescriptorTable) throws(EngineError) {
        self.program = program
        let bytes: [UInt8]
        do throws(WireError) {
            bytes = try program.encoded(
                launcherMountNamespace: try Self.namespace("mnt"), launcherUserNamespace: try Self.namespace("user"))
        } catch {
            throw EngineError(
                .invalidSpec, "encode the set-up program: \(error)",
                hint: "arguments and environment together may fill 8 MiB, and hold no NUL byte")
        }
        let all = descriptors.rawValues
        let room = RecordLayout.largest - RecordLayout.headerSize - 4
        // As many records as bytes or descriptors take, both spread over all of them: init is done with the last byte.
        let count = max(
            (bytes.count + room - 1) / room,
            (all.count + RecordLayout.mostDescriptors - 1) / RecordLayout.mostDescriptors)
        for index in 0..<count {
            let part = bytes[index * bytes.count / count..<(index + 1) * bytes.count / count]
            let some = all[index * all.count / count..<(index + 1) * all.count / count]
            try sendOrExplain(ControlMessage.program(part, total: index == 0 ? UInt32(bytes.count) : nil), Array(some))
        }
    }

    /// Init may have ended already: then what it said counts, not that it does not listen.
    private mutating func sendOrExplain(_ record: [UInt8], _ descriptors: [Int32]) throws(EngineError) {
        do throws(SystemError) {
            try sendRecord(process.socket, record, descriptors: descriptors)
        } catch where error.errno == .brokenPipe || error.errno == .connectionReset {
            try awaitStart()
        } catch { throw EngineError(error) }
    }

    private static func namespace(_ name: String) throws(WireError) -> NamespaceIdentity {
        guard let found = try? status(of: "/proc/self/ns/\(name)", followingSymlinks: true) else { throw .badValue }
        return NamespaceIdentity(device: found.device, inode: found.inode)
    }

    /// Waits until the agent's program runs; what init says instead becomes the error.
    mutating func awaitStart() throws(EngineError) {
        while agentPID == 0 {
            guard let event = try nextEvent() else {
                throw process.childError ?? EngineError(.initFailed, "init ended before the agent started")
            }
            if case .failed(let index, let errno) = event { throw failure(index, errno) }
        }
    }

    // MARK: Running

    /// What init said.
    enum Event {
        case started, descriptor, stopped(Int32), exited
        case failed(UInt32, Int32)
    }

    /// The next record from init; `nil` when it is gone.
    mutating func nextEvent() throws(EngineError) -> Event? {
        let received: Record?
        do throws(SystemError) { received = try receiveRecord(process.socket, limit: 512, descriptorLimit: 1) } catch {
            throw EngineError(.initFailed, "hear from init: \(error.errno)")
        }
        guard let received else { return nil }
        do throws(WireError) { return try handle(received) } catch {
            throw EngineError(.initFailed, "init sent a malformed record (\(error))")
        }
    }

    private mutating func handle(_ record: consuming Record) throws(WireError) -> Event {
        let message = try ControlMessage(record.bytes)
        switch message {
        case .failed(let index, let errno): return .failed(index, errno)
        case .started(let pid):
            agentPID = pid
            return .started
        case .stopped(let signal): return .stopped(signal)
        case .exited(let exit):
            guard self.exit == nil else { throw .badOrder }
            self.exit = exit
            return .exited
        case .terminal:
            var table = record.intoDescriptors()
            guard terminal.asRaw == nil, table.count == 1 else { throw .badOrder }
            terminal = table.removeLast()
            return .descriptor
        }
    }

    var hasExited: Bool { exit != nil }

    /// Sends a signal to the agent, or to its process group as a terminal would.
    public mutating func signal(_ number: Int32, scope: SignalScope) {
        let record = ControlMessage.signal(number, scope: scope)
        // Init that is gone needs no signal: its end is on its way.
        _ = try? sendRecord(process.socket, record)
    }

    // MARK: Ending

    /// Waits for the end and removes everything.
    public consuming func wait() throws(EngineError) -> Verdict {
        while exit == nil, let event = try? nextEvent() {
            if case .failed(let index, let errno) = event {
                let error = failure(index, errno)
                abandon()
                throw error
            }
        }
        return try finish()
    }

    /// Reaps init, reads what the cgroup knows, and removes everything.
    mutating func finish() throws(EngineError) -> Verdict {
        hasEnded = true
        // Also after its last word: init has nothing left to do, and one that does not go would be waited for without end.
        _ = try? sendSignal(SIGKILL, to: process.process)
        let status = try process.reap()
        let kills = spec.limits.memory?.value == nil ? 0 : belongings.memoryKills()
        let removal = belongings.remove()
        let verdict = Verdict(exit: exit, initStatus: status, memoryKills: kills)
        if let removal { throw removal }
        guard let verdict else {
            throw EngineError(.initFailed, "init ended (\(status)) without saying how the agent did")
        }
        return verdict
    }

    /// Kills everything and removes it, whatever state it is in.
    public mutating func abandon() {
        guard !hasEnded else { return }
        hasEnded = true
        _ = try? sendSignal(SIGKILL, to: process.process)
        _ = try? process.reap()
        _ = belongings.remove()
    }

    deinit {
        guard !hasEnded else { return }
        _ = try? sendSignal(SIGKILL, to: process.process)
        // Its cgroups, which go with `belongings`, are busy until then.
        _ = try? poll([(process.process.rawValue, .readable)])
    }

    // MARK: Words

    /// A failure that init reports after the start: the sandbox is over.
    mutating func setupError(_ index: UInt32, _ errno: Int32) -> EngineError {
        abandon()
        return failure(index, errno)
    }

    /// Gives the agent's terminal a new size.
    mutating func resize(_ size: TerminalSize) {
        switch terminal {
        case .some(let descriptor): _ = try? setTerminalSize(descriptor, size)
        case .none: break
        }
    }

    private func failure(_ index: UInt32, _ errno: Int32) -> EngineError {
        SetupFailure(program: program, index: index, errno: Errno(rawValue: errno)).error(spec)
    }
}
