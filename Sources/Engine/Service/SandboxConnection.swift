// SPDX-License-Identifier: Apache-2.0
import Cgroups
import LinuxKernel
import SandboxSpec

/// A connection to the init of a running sandbox that is kept: what has to be known to start a process in it is asked for
/// once. One process at a time; who wants more opens more, of which init holds 32.
///
/// It is not to be used by two threads at once.
public final class SandboxConnection {
    private let store: SandboxStore
    private let status: SandboxStatus
    private let spec: SandboxSpec
    private let client: InitClient
    private let groups: IDMapTable
    private let cgroup: SandboxCgroup?

    init(_ sandbox: StoredSandbox) throws(EngineError) {
        status = try sandbox.require([.running], to: "exec in")
        guard let process = status.initProcess else { throw sandbox.isUnreadable() }
        store = sandbox.store
        spec = try sandbox.spec()
        client = try sandbox.client()
        let pid = process.pid
        groups = IDMapTable(try launching { () throws(SystemError) in try readText("/proc/\(pid)/gid_map") ?? "" })
        cgroup = try? status.openCgroups()
    }

    /// Starts a process under the confinement of the sandbox's first, and waits for its end.
    ///
    /// - Returns: `nil` where the process goes on without the caller.
    /// - Throws: `.wrongState` where the sandbox is paused; `.unavailable` where it has ended; what an agent's start throws.
    public func exec(
        _ request: ExecRequest, streams: StandardStreams = StandardStreams(), callerTerminal: String? = nil
    ) throws(EngineError) -> ExecVerdict? {
        if isPaused {
            throw EngineError(
                .wrongState, "exec in sandbox \(status.displayName): it is paused",
                hint: "martinet resume \(status.displayName)")
        }
        let run = ExecRun(
            client, spec: spec, groups: groups, request, streams: streams, callerTerminal: callerTerminal)
        // While it runs already.
        return try run.run {
            try? store.announce(
                SandboxEvent(.exec, status, attributes: ["command": request.command.joined(separator: " ")]))
        }
    }

    private var isPaused: Bool {
        switch cgroup {
        case .some(let cgroup): (try? cgroup.isFrozen) == true
        case nil: false
        }
    }
}

extension StoredSandbox {
    /// Connects to its init, for process after process.
    ///
    /// - Throws: `.wrongState` unless it is running.
    public func connect() throws(EngineError) -> SandboxConnection { try SandboxConnection(self) }
}
