// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram

/// A sandbox in the foreground: passes signals and, with a terminal, every key to the agent, and waits for its end.
public struct ForegroundRun {
    private let launcher: Launcher
    private let spec: SandboxSpec
    private var streams: StandardStreams

    public init(_ launcher: Launcher, _ spec: SandboxSpec, streams: StandardStreams = StandardStreams()) {
        self.launcher = launcher
        self.spec = spec
        self.streams = streams
        self.streams.arePumped = true
    }

    /// Signals that are the agent's rather than ours. SIGCONT and SIGTSTP make job control in the caller's shell work.
    private static let forwarded: [Int32] = [
        SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH,
    ]

    /// Runs to the end. Blocks the calling thread; signals sent to this process meanwhile are the agent's.
    public func run() throws(EngineError) -> Verdict {
        try StreamPlan.requireOpen(streams, spec)
        let old = setSignalMask(SignalSet(Self.forwarded + [SIGPIPE]))
        defer { setSignalMask(old) }
        let signals = try launching { () throws(SystemError) in try makeSignalDescriptor(SignalSet(Self.forwarded)) }
        var sandbox = try launcher.start(spec, streams: streams, terminalSize: terminalSize(streams.input))
        let session = sandbox.terminal.asRaw == nil ? nil : TerminalSession(streams)
        session?.begin()
        defer { session?.end() }
        if let terminal = sandbox.terminal.asRaw {
            sandbox.pumps = try session?.pumps(terminal, meter: sandbox.meter) ?? []
        }
        var isStopping = false
        while !sandbox.hasExited {
            guard try turn(&sandbox, signals, &isStopping) else { break }
        }
        let raw = signals.rawValue
        return try sandbox.finish { interests in
            // The agent is gone: whoever sends a signal now means this process, which waits for a reader of the output.
            guard let ready = try? poll(interests + [(raw, .readable)]) else { return false }
            guard ready.last?.isEmpty == false else { return true }
            return (try? readSignal(signals)).map { $0 == SIGWINCH || $0 == SIGCONT } ?? false
        }
    }

    /// Waits for one thing to happen and does what it asks for; false when init is gone.
    ///
    /// - Parameter isStopping: whether this process was told to stop and has passed that on.
    private func turn(
        _ sandbox: inout RunningSandbox, _ signals: borrowing Descriptor, _ isStopping: inout Bool
    ) throws(EngineError) -> Bool {
        let turn = try sandbox.turn(watching: signals.rawValue)
        if turn.callerIsReady {
            let signal = try launching { () throws(SystemError) in try readSignal(signals) }
            if signal == SIGTSTP || signal == SIGCONT { isStopping = signal == SIGTSTP }
            forward(signal, &sandbox)
        }
        switch turn.event {
        case .failed(let index, let errno): throw sandbox.setupError(index, errno)
        // Only with the agent that was told to, as after Ctrl-Z: one that stops by itself must not stop us.
        case .stopped where isStopping:
            isStopping = false
            stopSelf(&sandbox)
        case .stopped, .started, .descriptor, .exited, nil: break
        }
        return !turn.isOver
    }

    private func forward(_ signal: Int32, _ sandbox: inout RunningSandbox) {
        switch signal {
        case SIGWINCH:
            if let size = terminalSize(streams.input), sandbox.terminal.asRaw != nil { sandbox.resize(size) }
        // What a terminal sends goes to the whole group, as a terminal would.
        // The agent leads a session of its own, where the kernel passes over a stop that can be ignored. setpgid(2)
        case SIGTSTP where sandbox.terminal.asRaw == nil: sandbox.signal(SIGSTOP, scope: .agentGroup)
        case SIGINT, SIGQUIT, SIGTSTP, SIGCONT: sandbox.signal(signal, scope: .agentGroup)
        default: sandbox.signal(signal, scope: .agent)
        }
    }

    /// The agent stopped, as after Ctrl-Z: so does this process, that the caller's shell takes over; and goes on with it.
    private func stopSelf(_ sandbox: inout RunningSandbox) {
        guard sandbox.terminal.asRaw == nil else { return }  // a shell of its own may continue it
        _ = kill(getpid(), SIGSTOP)
        sandbox.signal(SIGCONT, scope: .agentGroup)
    }
}
