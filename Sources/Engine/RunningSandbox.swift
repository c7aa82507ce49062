// SPDX-License-Identifier: Apache-2.0
import CLinux
import Confinement
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
    /// What is looked through again at the end.
    var workspace: GuardedWorkspace?
    /// The host's side of the agent's terminal.
    public private(set) var terminal: Descriptor?
    var pumps: [Pump] = [] {
        didSet { hasPumps = hasPumps || pumps.contains { !$0.isInput } }
    }
    private var hasPumps = false
    /// What the agent has written.
    let meter: OutputMeter
    /// What init copies by path, open until it has.
    var heldHandles = DescriptorTable()
    /// Whether everything that was used is to be known.
    var accounts = false
    /// Who answers for the agent's filter, where it asks.
    var supervisor: Supervisor?
    /// How much of Landlock is around the agent.
    public internal(set) var landlockLevel = LandlockLevel.none(.off)
    /// What holds the agent, for the verdict.
    var confinement = ConfinementLevel()
    private var startedAt = monotonicNow()
    /// Whether init was told to end everything because of the output.
    private var endsForOutput = false
    /// The agent, where CPU time is limited. Init shares the limit with all that the agent leaves busy, and may be long in
    /// hearing of its end; this process does not.
    private var agentProcess: Descriptor?
    /// Whether the limit of CPU time is lifted, for the end.
    private var cpuLimitIsLifted = false
    private var outputFailure: SystemError?
    /// The agent's process id inside.
    public private(set) var agentPID: UInt32 = 0
    private var exit: ExitRecord?
    private var hasEnded = false

    init(process: consuming InitProcess, belongings: consuming Belongings, spec: SandboxSpec) {
        self.process = process
        self.belongings = belongings
        self.belongings.watch(
            self.process.process.rawValue,
            end: spec.linger ? .leave : spec.isolation == .landlock ? .letFinish : .kill)
        self.spec = spec
        meter = OutputMeter(limit: spec.limits.output?.bytes)
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
        let (mounts, users) = (try Self.namespace("mnt"), try Self.namespace("user"))
        let bytes: [UInt8]
        do throws(WireError) {
            bytes = try program.encoded(launcherMountNamespace: mounts, launcherUserNamespace: users)
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

    private static func namespace(_ name: String) throws(EngineError) -> NamespaceIdentity {
        let path = "/proc/self/ns/\(name)"
        let facts: FileStatus? = try launching { () throws(SystemError) in
            try status(of: path, followingSymlinks: true)
        }
        guard let found = facts else { throw EngineError(.launchFailed, "look at \(path): there is none") }
        return NamespaceIdentity(device: found.device, inode: found.inode)
    }

    /// Waits until the agent's program runs; what init says instead becomes the error.
    mutating func awaitStart() throws(EngineError) {
        while agentPID == 0 {
            if supervisor?.isListening == true, try !awaitRecord() { continue }
            guard let event = try nextEvent() else {
                throw process.childError ?? EngineError(.initFailed, "init ended before the agent started")
            }
            if case .failed(let index, let errno) = event { throw failure(index, errno) }
        }
        heldHandles = DescriptorTable()
    }

    /// Waits for a record of init's, and answers calls of the agent's meanwhile: executing the program is one.
    ///
    /// - Returns: false where a call was answered instead.
    private mutating func awaitRecord() throws(EngineError) -> Bool {
        guard let supervisor, let listener = supervisor.raw else { return true }
        let socket = process.socket.rawValue
        let ready = try launching { () throws(SystemError) in
            try poll([(socket, .readable), (listener, .readable)])
        }
        try supervisor.answer(ready[1])
        return !ready[0].isEmpty
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
            startedAt = monotonicNow()
            if spec.limits.cpus?.value != nil { agentProcess = openAgent() }
            return .started
        case .stopped(let signal): return .stopped(signal)
        case .exited(let exit):
            guard self.exit == nil else { throw .badOrder }
            self.exit = exit
            return .exited
        case .descriptor(let purpose):
            var table = record.intoDescriptors()
            guard table.count == 1 else { throw .badOrder }
            switch purpose {
            case .terminal:
                guard terminal.asRaw == nil else { throw .badOrder }
                terminal = table.removeLast()
            case .listener:
                guard let supervisor, !supervisor.hasListened else { throw .badOrder }
                supervisor.listen(on: table.removeLast())
            case .input, .file: throw .badOrder
            }
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

    /// What `turn` found.
    struct Turn {
        var event: Event?
        /// Whether the caller's own descriptor is readable.
        var callerIsReady = false
        /// Whether init is gone.
        var isOver = false
    }

    /// Waits for one thing to happen and does what is the sandbox's own business: moves output, ends a run that wrote too
    /// much.
    ///
    /// - Parameter own: a descriptor of the caller's to wait for as well.
    mutating func turn(watching own: Int32? = nil) throws(EngineError) -> Turn {
        var interests = [(descriptor: process.socket.rawValue, events: PollEvents.readable)]
        if let own { interests.append((own, .readable)) }
        var end: Int?
        if !cpuLimitIsLifted, let agent = agentProcess.asRaw {
            end = interests.count
            interests.append((agent, .readable))
        }
        let listener = supervisor?.raw
        if let listener { interests.append((listener, .readable)) }
        let first = interests.count
        var owners: [Pump] = []
        for pump in pumps {
            for interest in pump.interests {
                interests.append(interest)
                owners.append(pump)
            }
        }
        let rest = timeToLift()
        let ready = try launching { () throws(SystemError) in try poll(interests, milliseconds: rest) }
        if let end, !ready[end].isEmpty { liftCPULimit() }
        var turn = Turn()
        for (index, pump) in owners.enumerated() where !ready[first + index].isEmpty { pump.turn() }
        if listener != nil { try supervisor?.answer(ready[first - 1]) }
        dropPumps()
        if meter.isExceeded { endForOutput() }
        turn.callerIsReady = own != nil && !ready[1].isEmpty
        guard !ready[0].isEmpty else { return turn }
        turn.event = try nextEvent()
        turn.isOver = turn.event == nil
        return turn
    }

    /// Milliseconds until the wall time is over where CPU time is limited, at most an hour; -1 where there is nothing to do.
    ///
    /// Init, which ends the run then, and everything that is to die share the limit: with a twentieth of a processor a
    /// thousand busy threads take 20 seconds more. So it is lifted then.
    private mutating func timeToLift() -> Int32 {
        guard !cpuLimitIsLifted, let timeout = spec.limits.timeout, spec.limits.cpus?.value != nil else { return -1 }
        let rest = startedAt + timeout - monotonicNow()
        if rest > .zero { return Int32(min(rest / .milliseconds(1), 3_600_000)) + 1 }
        liftCPULimit()
        return -1
    }

    /// The agent as init's first child; `nil` where the kernel does not tell, or it has gone already. proc_pid_task(5),
    /// `children`; CONFIG_PROC_CHILDREN
    private func openAgent() -> Descriptor? {
        let list = (try? readText("/proc/\(process.pid)/task/\(process.pid)/children")) ?? nil
        guard let pid = list?.split(separator: " ").first.flatMap({ Int32($0) }) else { return nil }
        return try? openProcess(pid)
    }

    private mutating func liftCPULimit() {
        cpuLimitIsLifted = true
        if spec.limits.cpus?.value != nil { belongings.liftCPULimit() }
    }

    private mutating func dropPumps() {
        for pump in pumps where pump.isDone { outputFailure = outputFailure ?? pump.failure }
        pumps.removeAll { $0.isDone }
    }

    /// Init ends the run, as at any limit; what is left of the output goes nowhere.
    private mutating func endForOutput() {
        guard !endsForOutput else { return }
        endsForOutput = true
        liftCPULimit()
        _ = try? sendRecord(process.socket, ControlMessage.terminate)
    }

    // MARK: Letting go

    /// What must be known of a sandbox that goes on by itself, to find it again and to clear up after it.
    var traces: SandboxTraces {
        SandboxTraces(
            initPID: process.pid, agentPID: agentPID, cgroups: belongings.cgroupPaths,
            placeholders: belongings.keptPlaceholders, confinement: confinement, program: program?.text ?? "")
    }

    /// Lets the sandbox go on when this process ends. Its traces must have been written down.
    mutating func letGo() {
        hasEnded = true
        process.letGo()
        belongings.letGo()
    }

    // MARK: Ending

    /// Waits for the end and removes everything.
    public consuming func wait() throws(EngineError) -> Verdict {
        while exit == nil {
            let turn: Turn
            // What makes no sense is judged by the end it comes to.
            do throws(EngineError) { turn = try self.turn() } catch { break }
            if case .failed(let index, let errno) = turn.event {
                let error = failure(index, errno)
                abandon()
                throw error
            }
            if turn.isOver { break }
        }
        return try finish { (try? poll($0)) != nil }
    }

    /// Reaps init, reads what the cgroups know, removes everything, and passes on what the agent wrote last.
    ///
    /// - Parameter goesOn: asked between waits for a reader of the output; false gives up the rest. Takes the descriptors to
    ///   wait for, and waits for one of them.
    mutating func finish(
        waiting goesOn: ([(descriptor: Int32, events: PollEvents)]) -> Bool
    ) throws(EngineError) -> Verdict {
        hasEnded = true
        liftCPULimit()
        // Also after its last word: init has nothing left to do, and one that does not go would be waited for without end.
        process.end()
        let status = try process.reap()
        var facts = RunFacts(exit: exit, initStatus: status)
        facts.measuredWallTime = monotonicNow() - startedAt
        // Reading a dozen files takes as long as starting a program: only for whoever wants to know.
        let limits = spec.limits
        if accounts || limits.memory?.value != nil || limits.pids?.value != nil || limits.cpuTime != nil {
            facts.usage = belongings.usage()
        }
        let hadCgroup = belongings.hasCgroup
        if exit == nil, spec.isolation == .landlock { belongings.killStragglers() }
        let removal = belongings.remove()
        drain(goesOn)
        facts.outputBytes = hasPumps ? meter.written : nil
        facts.outputFailure = outputFailure
        facts.outputIsExceeded = meter.isExceeded
        facts.confinement = confinement
        facts.denials = spec.audit ? supervisor?.report : nil
        facts.learnedProfile = try supervisor?.learnedProfile()
        let verdict = Verdict(facts)
        if let removal { throw removal }
        if exit == nil, spec.isolation == .landlock, !hadCgroup {
            throw EngineError(
                .initFailed, "init was killed; what the agent started may still run",
                hint: "with a cgroup it would not: systemd-run --user --scope -p Delegate=yes martinet run …")
        }
        guard var verdict else {
            throw EngineError(.initFailed, "init ended (\(status)) without saying how the agent did")
        }
        if let review = workspace?.review() { (verdict.appeared, verdict.reviewFailure) = review }
        return verdict
    }

    /// What the agent wrote before its end still goes out; what was typed ahead goes nowhere.
    ///
    /// All of it is in the pipes by now. Their end is not waited for: whom the agent passed a descriptor to may keep them
    /// open, and a terminal has none while this process holds its other side.
    private mutating func drain(_ goesOn: ([(descriptor: Int32, events: PollEvents)]) -> Bool) {
        pumps.removeAll { $0.isInput }
        while true {
            for pump in pumps { if meter.isExceeded { pump.closeSource() } else { pump.closeEmptySource() } }
            dropPumps()
            guard !pumps.isEmpty, goesOn(pumps.flatMap(\.interests)) else { return }
            for pump in pumps { pump.turnIfReady() }
        }
    }

    /// Kills everything and removes it, whatever state it is in.
    public mutating func abandon() {
        guard !hasEnded else { return }
        hasEnded = true
        liftCPULimit()
        process.end()
        _ = try? process.reap()
        if spec.isolation == .landlock { belongings.killStragglers() }
        _ = belongings.remove()
    }

    deinit {
        guard !hasEnded else { return }
        belongings.liftCPULimit()
        process.end()
        // Its cgroups, which go with `belongings`, are busy until then.
        _ = try? poll([(process.process.rawValue, .readable)])
    }

    /// Takes the host's side of a terminal that the host made itself.
    mutating func adopt(terminal: consuming Descriptor) { self.terminal = .some(terminal) }

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

/// What a sandbox that nobody waits for has on the machine.
struct SandboxTraces: Sendable {
    var initPID: Int32
    /// Inside.
    var agentPID: UInt32
    var cgroups: [String]
    var placeholders: KeptPlaceholders?
    var confinement: ConfinementLevel
    /// What init was told to do, an instruction a line.
    var program: String
}
