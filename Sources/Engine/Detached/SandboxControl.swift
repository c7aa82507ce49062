// SPDX-License-Identifier: Apache-2.0
import CLinux
import Cgroups
import LinuxKernel
import SandboxSpec
import SetupProgram

/// What is done to a sandbox that runs, by whichever process of its user.
extension StoredSandbox {
    /// Looks at it, and throws unless it is in one of these states.
    func require(_ states: [SandboxState], to what: String) throws(EngineError) -> SandboxStatus {
        guard let entry = try look() else { throw isGone() }
        guard let status = entry.status else { throw isUnreadable() }
        guard states.contains(entry.state) else {
            let hint: String? =
                switch entry.state {
                case .paused: "martinet resume \(entry.displayName)"
                case .created, .exited, .dead, .gone: "martinet start \(entry.displayName)"
                case .starting, .running: nil
                }
            throw EngineError(
                .wrongState, "\(what) sandbox \(entry.displayName): it is \(entry.state.rawValue)", hint: hint)
        }
        return status
    }

    func client() throws(EngineError) -> InitClient {
        let directory = try openDirectory()
        return try InitClient(directory)
    }

    // MARK: Exec

    /// Starts another process in it, under the confinement of the first, and waits for its end.
    ///
    /// - Returns: `nil` where the process goes on without the caller.
    /// - Throws: `.wrongState` unless it is running.
    public func exec(
        _ request: ExecRequest, streams: StandardStreams = StandardStreams(), callerTerminal: String? = nil
    ) throws(EngineError) -> ExecVerdict? {
        try connect().exec(request, streams: streams, callerTerminal: callerTerminal)
    }

    /// Process ids inside.
    public func processes() throws(EngineError) -> [UInt32] {
        _ = try require([.running], to: "list the processes of")
        return try client().processes()
    }

    // MARK: Pause

    /// Stops every process where it stands.
    public func pause() throws(EngineError) {
        let lock = try lock()
        let status = try require([.running], to: "pause")
        let cgroup = try freezer(status)
        do throws(CgroupError) { try cgroup.freeze() } catch { throw EngineError(error) }
        try? lock.sandbox.store.announce(SandboxEvent(.paused, status))
    }

    /// Lets them go on.
    public func resume() throws(EngineError) {
        let lock = try lock()
        let status = try require([.paused], to: "resume")
        let cgroup = try freezer(status)
        do throws(CgroupError) { try cgroup.thaw() } catch { throw EngineError(error) }
        try? lock.sandbox.store.announce(SandboxEvent(.resumed, status))
    }

    private func freezer(_ status: SandboxStatus) throws(EngineError) -> SandboxCgroup {
        let cgroup: SandboxCgroup
        do throws(CgroupError) {
            cgroup = try status.openCgroups()
        } catch { throw EngineError(error) }
        if cgroup.canFreeze { return cgroup }
        throw EngineError(
            .unavailable, "freeze sandbox \(status.displayName): it has no cgroup that can be frozen",
            hint: "as a user: systemd-run --user --scope -p Delegate=yes martinet run -d …")
    }

    private func thaw(_ status: SandboxStatus) {
        guard let cgroup = try? freezer(status) else { return }
        _ = try? cgroup.thaw()
    }

    // MARK: Ending

    /// Signals the agent. One that ends it by force ends a paused sandbox, too.
    public func signal(_ number: Int32) throws(EngineError) {
        guard number == SIGKILL else {
            _ = try require([.running], to: "signal")
            return try client().signal(number, scope: .agent)
        }
        let status = try require([.running, .paused], to: "kill")
        // Before it is let go of: nothing that it runs next is its own.
        endRestarts(status)
        signalAgent(SIGKILL, status)
        thaw(status)
        liftCPULimit(status)
        try? store.announce(SandboxEvent(.killed, status))
        guard try !waitForEnd(status, within: .seconds(10)) else { return settle() }
        try SandboxEnding.kill(status)
        settle()
    }

    /// Asks the agent to end, and ends it by force when it has not after a while.
    ///
    /// - Returns: whether it took force.
    @discardableResult
    public func stop(grace: Duration = .seconds(10), signal: Int32 = SIGTERM) throws(EngineError) -> Bool {
        guard let entry = try look() else { throw isGone() }
        guard let status = entry.status else { throw isUnreadable() }
        guard entry.state == .running || entry.state == .paused else {
            if entry.state == .starting {
                throw EngineError(.wrongState, "stop sandbox \(entry.displayName): it is starting")
            }
            return false
        }
        endRestarts(status)
        signalAgent(signal, status)
        if entry.state == .paused { thaw(status) }
        if try waitForEnd(status, within: grace) {
            settle()
            return false
        }
        liftCPULimit(status)
        signalAgent(SIGKILL, status)
        if try !waitForEnd(status, within: .seconds(10)) { try SandboxEnding.kill(status) }
        settle()
        return true
    }

    /// One that is frozen hears of it before anything else when it is let go of.
    private func endRestarts(_ status: SandboxStatus) {
        guard status.restart != .no, let client = try? client() else { return }
        _ = try? client.endRestarts()
    }

    /// Over init where it answers; where it is frozen, to the process itself: init's first child.
    private func signalAgent(_ number: Int32, _ status: SandboxStatus) {
        guard let process = status.initProcess, (try? process.open()) != nil else { return }
        let list = (try? readText("/proc/\(process.pid)/task/\(process.pid)/children")) ?? nil
        for pid in (list ?? "").split(separator: " ").compactMap({ Int32($0) }) {
            // The number may have become another's: its descriptor first, then whether it is the agent.
            guard let child = try? openProcess(pid), Self.innerPID(pid) == status.agentPID else { continue }
            _ = try? sendSignal(number, to: child)
            return
        }
        // A kernel without `children` (CONFIG_PROC_CHILDREN), or an agent that is another's child now.
        if let client = try? client() { try? client.signal(number, scope: .agent) }
    }

    /// The last number of `NSpid`: the one in the innermost namespace. proc_pid_status(5)
    private static func innerPID(_ pid: Int32) -> UInt32? {
        guard let text = (try? readText("/proc/\(pid)/status")) ?? nil else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("NSpid:") }
        return line?.split(whereSeparator: { $0 == "\t" || $0 == " " }).last.flatMap { UInt32($0) }
    }

    private func liftCPULimit(_ status: SandboxStatus) {
        guard let cgroup = try? status.openCgroups() else { return }
        cgroup.liftCPULimit()
    }

    /// Whether init has ended by then.
    func waitForEnd(_ status: SandboxStatus, within patience: Duration?) throws(EngineError) -> Bool {
        guard let process = status.initProcess else { return true }
        let running = try launching { () throws(SystemError) in try process.open() }
        guard let running else { return true }
        let raw = running.rawValue
        let milliseconds = patience.map { Int32(clamping: Int64($0 / .milliseconds(1))) } ?? -1
        let ready = try launching { () throws(SystemError) in try poll([(raw, .readable)], milliseconds: milliseconds) }
        return !ready[0].isEmpty
    }

    /// Does what an end asks for; whoever looks next does where this cannot.
    private func settle() { _ = try? look() }

    /// Waits for its end, and says how it ended.
    ///
    /// - Returns: what is written down; of a sandbox that removed itself, what was.
    public func wait() throws(EngineError) -> SandboxStatus {
        let status = try require([.running, .paused, .starting, .exited, .dead, .gone], to: "wait for")
        guard status.phase == .running else { return status }
        // Open before the end: whoever settles a sandbox that removes itself may be another.
        let directory = try open()
        let file = try keeping("open the verdict of \(id.short)") { () throws(SystemError) in
            try directory.openFile(VerdictFile.name)
        }
        _ = try waitForEnd(status, within: nil)
        if let ended = try? look()?.status, ended.phase == .exited { return ended }
        var last = status
        last.phase = .exited
        let bytes = try keeping("read the verdict of \(id.short)") { () throws(SystemError) in
            try LinuxKernel.readAll(file, limit: 4096)
        }
        let record = VerdictFile(bytes)
        last.ended = record?.ended
        if record != nil, let verdict = Verdict(RunFacts(exit: record?.exit, initStatus: .signaled(SIGKILL))) {
            last.verdict = VerdictReport(verdict, name: status.name?.text).node
        } else {
            last.loss = .killed
        }
        return last
    }
}

extension SandboxStatus {
    /// The sandbox's cgroups, which its starter made.
    func openCgroups() throws(CgroupError) -> SandboxCgroup {
        try SandboxCgroup.reopen(paths: cgroups, layout: try CgroupLayout.probe())
    }
}
