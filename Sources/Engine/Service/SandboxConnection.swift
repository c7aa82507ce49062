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
        try requireUnpaused("exec in")
        let run = ExecRun(
            client, spec: spec, groups: groups, request, streams: streams, callerTerminal: callerTerminal)
        // While it runs already.
        return try run.run {
            try? store.announce(
                SandboxEvent(.exec, status, attributes: ["command": request.command.joined(separator: " ")]))
        }
    }

    /// Opens a file or a directory inside: what leads elsewhere leads there in the sandbox. Anything else, and what is in
    /// /proc and /sys, does not come out.
    ///
    /// - Parameters:
    ///   - path: from the sandbox's root on.
    ///   - flags: of those for access, `create`, `exclusive`, `truncate`, `append`, `directory`, `noFollow`.
    ///   - mode: permissions of what is made; init's umask takes nothing off them.
    ///   - user: to whom the permissions apply, and whose it is when it is made; `nil`: as the first process. Without further
    ///     groups.
    /// - Throws: `.wrongState` where the sandbox is paused; `.unavailable` with what the kernel says.
    /// - SeeAlso: openat2(2)
    public func open(
        _ path: String, _ flags: OpenFlags = .readOnly, mode: UInt32 = 0o666, as user: UserReference? = nil
    ) throws(EngineError) -> Descriptor {
        try requireUnpaused("open a file of")
        var (uid, gid) = try client.agentProgram().agent
        if let user {
            var asked = spec
            asked.user = user
            let identity = try LaunchPreparation.identity(asked)
            (uid, gid) = (identity.uid, identity.gid)
        }
        return try client.open(path, flags, mode: mode, uid: uid, gid: gid)
    }

    private func requireUnpaused(_ what: String) throws(EngineError) {
        guard isPaused else { return }
        throw EngineError(
            .wrongState, "\(what) sandbox \(status.displayName): it is paused",
            hint: "martinet resume \(status.displayName)")
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
