// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram

/// Another process in a running sandbox: under the confinement of the first, in its cgroup.
public struct ExecRequest: Sendable {
    public var command: [String]
    /// `nil`: as the first process.
    public var user: UserReference?
    public var workdir: String?
    public var environment: [EnvironmentVariable] = []
    public var terminal = false
    /// Whether it may read the caller's standard input.
    public var takesInput = false
    /// Whether it goes on without the caller; what it writes goes nowhere.
    public var isDetached = false

    public init(command: [String]) { self.command = command }
}

/// How such a process ended.
public struct ExecVerdict: Sendable {
    public let status: ExitStatus
    public let wallTime: Duration
    public let userTime: Duration
    public let systemTime: Duration
    /// Bytes, the largest process's resident peak.
    public let peakResident: UInt64

    public var exitStatus: Int32 { status.shellCode }

    /// As `--report json` has it, on one line.
    public var reportLine: String { VerdictReport(self).line }

    init(_ record: ExecExitRecord) {
        status = ExitStatus(waitStatus: Int32(bitPattern: record.waitStatus))
        wallTime = .nanoseconds(record.wallNanoseconds)
        userTime = .microseconds(record.userMicroseconds)
        systemTime = .microseconds(record.systemMicroseconds)
        peakResident = record.peakResidentKiB.multipliedReportingOverflow(by: 1024).partialValue
    }
}

/// Starts the process over init's socket, moves its streams, and waits for its end.
struct ExecRun {
    private let client: InitClient
    private let spec: SandboxSpec
    private let groups: IDMapTable
    private let request: ExecRequest
    private let streams: StandardStreams
    private let callerTerminal: String?

    /// - Parameters:
    ///   - spec: the sandbox's own.
    ///   - groups: which say who the agent is on the host.
    init(
        _ client: InitClient, spec: SandboxSpec, groups: IDMapTable, _ request: ExecRequest,
        streams: StandardStreams = StandardStreams(), callerTerminal: String? = nil
    ) {
        self.client = client
        self.spec = spec
        self.groups = groups
        self.request = request
        self.streams = streams
        self.callerTerminal = callerTerminal
    }

    private static let forwarded: [Int32] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH]

    /// Runs to the end; `nil` where the process goes on without the caller.
    ///
    /// - Parameter started: called when the program runs.
    func run(started: () -> Void) throws(EngineError) -> ExecVerdict? {
        let program = try client.agentProgram()
        let inputs = try self.inputs()
        let exec: SetupProgram
        do throws(WireError) { exec = try program.exec(inputs) } catch {
            throw EngineError(
                .unavailable, "the sandbox's filter asks whoever started it about calls, and nobody else can answer",
                hint: "run it without --audit")
        }
        let meter = OutputMeter(limit: nil)
        if request.isDetached {
            let null = try launching { () throws(SystemError) in try open("/dev/null", .readWrite) }
            try client.start(
                exec, firstSlot: program.slotCount, descriptors: [null.rawValue, null.rawValue, null.rawValue])
            try awaitStart(exec)
            started()
            return nil
        }
        let plan = try request.terminal ? nil : streamPlan(inputs.identity?.gid ?? program.agent.gid, meter)
        let old = setSignalMask(SignalSet(Self.forwarded + [SIGPIPE]))
        defer { setSignalMask(old) }
        let signals = try launching { () throws(SystemError) in try makeSignalDescriptor(SignalSet(Self.forwarded)) }
        try client.start(exec, firstSlot: program.slotCount, descriptors: plan.agentRaws ?? [])
        let terminal = try awaitStart(exec)
        started()
        let session = terminal.asRaw == nil ? nil : TerminalSession(streams)
        session?.begin()
        defer { session?.end() }
        var pumps = plan.takePumps()
        if let raw = terminal.asRaw { pumps = try session?.pumps(raw, meter: meter) ?? [] }
        return try attend(signals, terminal.asRaw, &pumps)
    }

    private func inputs() throws(EngineError) -> ExecInputs {
        guard !request.command.isEmpty else { throw EngineError(.invalidSpec, "exec needs a command") }
        if request.isDetached, request.terminal {
            // Its terminal would end with this process, and the process with its terminal.
            throw EngineError(
                .invalidSpec, "exec with a terminal and detached: nobody would be at the terminal",
                hint: "leave -t out; what it writes goes nowhere")
        }
        var inputs = ExecInputs(arguments: request.command)
        if let user = request.user {
            var asked = spec
            asked.user = user
            inputs.identity = try LaunchPreparation.identity(asked)
        }
        inputs.workdir = request.workdir
        inputs.environment = request.environment.map { ($0.name, $0.value) }
        guard request.terminal else { return inputs }
        let size = terminalSize(streams.input)
        inputs.terminal = TerminalDimensions(rows: UInt32(size?.rows ?? 24), columns: UInt32(size?.columns ?? 80))
        if !inputs.environment.contains(where: { $0.name == "TERM" }) {
            inputs.environment.append(("TERM", callerTerminal ?? "xterm"))
        }
        return inputs
    }

    private func streamPlan(_ group: UInt32, _ meter: OutputMeter) throws(EngineError) -> StreamPlan {
        var pumped = streams
        pumped.arePumped = true
        var asked = spec
        asked.terminal = false
        asked.standardInput = request.takesInput ? .inherit : .none
        try StreamPlan.requireOpen(pumped, asked)
        return try StreamPlan(
            pumped, spec: asked, mapsOwnRange: effectiveUID() == 0 && groups.outer(of: 0) != nil,
            group: effectiveUID() == 0 ? groups.outer(of: group) : nil, meter: meter)
    }

    /// Waits until the program runs; a terminal comes before.
    @discardableResult
    private func awaitStart(_ program: SetupProgram) throws(EngineError) -> Descriptor? {
        var terminal: Descriptor?
        while true {
            let answer = try client.answer()
            let message = answer.message
            switch message {
            case .started: return terminal
            case .descriptor(.terminal):
                guard answer.hasDescriptor else { throw EngineError(.initFailed, "init sent no terminal") }
                terminal = .some(answer.intoDescriptor())
            case .failed(let index, let errno):
                throw SetupFailure(program: program, index: index, errno: Errno(rawValue: errno)).error(spec)
            case .refused(let errno): throw InitClient.refusal("start a process", errno)
            default: throw EngineError(.initFailed, "init sent a record that makes no sense")
            }
        }
    }

    private func attend(
        _ signals: borrowing Descriptor, _ terminal: Int32?, _ pumps: inout [Pump]
    ) throws(EngineError) -> ExecVerdict {
        while true {
            var interests = [(client.raw, PollEvents.readable), (signals.rawValue, .readable)]
            var owners: [Pump] = []
            for pump in pumps {
                for interest in pump.interests {
                    interests.append(interest)
                    owners.append(pump)
                }
            }
            let all = interests
            let ready = try launching { () throws(SystemError) in try poll(all) }
            for (index, pump) in owners.enumerated() where !ready[2 + index].isEmpty { pump.turn() }
            pumps.removeAll { $0.isDone }
            if !ready[1].isEmpty { try forward(signals, terminal) }
            guard !ready[0].isEmpty else { continue }
            guard let answer = try client.next() else { throw InitClient.gone }
            let message = answer.message
            switch message {
            case .exited(let record):
                Pump.drain(&pumps)
                return ExecVerdict(record)
            case .done, .refused: continue  // of a signal that came too late
            default: throw EngineError(.initFailed, "init sent a record that makes no sense")
            }
        }
    }

    private func forward(_ signals: borrowing Descriptor, _ terminal: Int32?) throws(EngineError) {
        let signal = try launching { () throws(SystemError) in try readSignal(signals) }
        if signal == SIGWINCH {
            if let terminal, let size = terminalSize(streams.input) { _ = try? setTerminalSize(raw: terminal, size) }
            return
        }
        try client.signalExec(signal, toGroup: signal == SIGINT || signal == SIGQUIT)
    }
}
