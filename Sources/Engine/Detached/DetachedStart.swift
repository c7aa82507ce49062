// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram

/// Sandboxes that go on when whoever started them has gone.
extension StoredSandbox {
    /// Starts what was created, or has ended; its agent is running when this returns.
    ///
    /// Killed at any moment, the process that starts it leaves nothing running: until the record says `running` the janitor
    /// ends what there is, and afterwards the record tells where it is.
    /// - Throws: `.wrongState` where it runs; what `Launcher.start` throws, and then the record is as it was.
    @discardableResult
    public func start(
        _ launcher: Launcher, terminalSize: TerminalSize? = nil
    ) throws(EngineError) -> SandboxStatus {
        var launcher = launcher
        (launcher.options.accounts, launcher.options.freezes) = (true, true)
        let lock = try lock()
        let settlement = try Settlement.settle(lock)
        if let failure = settlement.failure { throw failure }
        guard let before = settlement.status else { throw isGone() }
        guard before.phase == .created || before.phase == .exited else {
            throw EngineError(.wrongState, "start sandbox \(before.displayName): it is running")
        }
        let spec = try spec()
        try Self.requireDetachable(spec)
        var status = before
        status.bootID = store.bootID
        (status.started, status.ended, status.verdict, status.loss) = (nil, nil, nil, nil)
        status.phase = .starting
        try lock.write(status)
        do throws(EngineError) {
            let place = DetachedPlace(
                try openDirectory(), keepsInput: spec.standardInput == .inherit, logCapacity: status.logCapacity,
                restarts: status.restart.most)
            var sandbox = try launcher.start(
                spec, streams: StandardStreams(), terminalSize: terminalSize, detached: place)
            do throws(EngineError) {
                let traces = sandbox.traces
                try status.take(traces)
                try lock.write(program: traces.program)
                try lock.write(status)
            } catch {
                sandbox.abandon()
                throw error
            }
            sandbox.letGo()
        } catch {
            try lock.write(before)
            throw error
        }
        // The sandbox runs: that nobody is told must not end it.
        try? store.announce(SandboxEvent(.started, status))
        return status
    }

    /// What takes a process that stays.
    public static func requireDetachable(_ spec: SandboxSpec) throws(EngineError) {
        if spec.isolation == .landlock {
            throw EngineError(
                .invalidSpec, "isolation landlock has no PID namespace that would end a sandbox whose starter has gone",
                hint: "leave -d out, or use namespaces")
        }
        if spec.audit {
            throw EngineError(
                .invalidSpec, "audit: the sandbox's filter asks whoever started it about calls, who must stay",
                hint: "leave -d or audit out")
        }
    }
}

extension SandboxStatus {
    /// Writes down what must be known of a sandbox that runs.
    fileprivate mutating func take(_ traces: SandboxTraces) throws(EngineError) {
        let pid = traces.initPID
        initProcess = try launching { () throws(SystemError) in try ProcessIdentity(of: pid) }
        guard initProcess != nil else { throw EngineError(.initFailed, "init ended before it could be written down") }
        agentPID = traces.agentPID
        cgroups = traces.cgroups
        placeholders = traces.placeholders
        confinement = traces.confinement
        phase = .running
        started = .now()
        isSettled = false
    }
}

extension RestartPolicy {
    /// How often at most; `UInt32.max` is without end.
    fileprivate var most: UInt32 {
        switch self {
        case .no: 0
        case .onFailure(let most): most ?? .max
        }
    }
}
