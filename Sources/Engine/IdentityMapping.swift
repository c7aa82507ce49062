// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Storage

extension Optional<IdentityRange> {
    /// The first id, borrowed.
    var base: UInt32? {
        borrowing get {
            switch self {
            case .some(let range): range.base
            case .none: nil
            }
        }
    }
}

/// Which host ids a sandbox's ids are.
struct IdentityMapping: ~Copyable {
    enum Kind: Sendable, Equatable {
        /// Root's: ids 0 to 65,535 are a range of the sandbox's own.
        case ownRange(base: UInt32)
        /// A user's: the agent is the user, all others are subordinate ids. subuid(5)
        case subordinate(uids: [IDMapLine], gids: [IDMapLine])
        /// A user's without subordinate ids: the agent is the user, and nobody else exists.
        case single
        /// A joined user namespace has its maps.
        case joined
        /// Without a user namespace ids are the host's: the agent's own, or the caller's.
        case host(uid: UInt32)
    }

    let kind: Kind
    /// Keeps the range ours; init holds a duplicate, so that it stays ours as long as init lives.
    let lock: Descriptor?

    var mapsRange: Bool {
        switch kind {
        case .ownRange, .subordinate, .joined: true
        case .single, .host: false
        }
    }

    /// The host's id of an id inside, where it is known.
    func hostUID(of uid: UInt32) -> UInt32? {
        guard case .ownRange(let base) = kind else { return nil }
        return base + uid
    }

    /// Whose ids these are, in words.
    func words(agent: UInt32, caller: UInt32) -> String {
        switch kind {
        case .ownRange(let base): "own range \(base)-\(base + 65535), agent \(base + agent)"
        case .subordinate: "subordinate ids of uid \(caller), agent \(caller)"
        case .single: "uid \(caller) alone"
        case .joined: "those of the joined user namespace"
        case .host(let uid): uid == caller ? "uid \(uid), the caller's own" : "uid \(uid) of the host"
        }
    }

    /// Writes the maps of a process that waits for them. user_namespaces(7)
    func write(for pid: Int32, agentUID: UInt32, agentGID: UInt32, probe: HostProbe) throws(EngineError) {
        switch kind {
        case .joined, .host: return
        case .ownRange(let base):
            try writeMap("uid_map", pid, "0 \(base) 65536")
            try writeMap("gid_map", pid, "0 \(base) 65536")
        case .single:
            // Without this, a group whose members are denied something could leave it. user_namespaces(7)
            try writeMap("setgroups", pid, "deny")
            try writeMap("uid_map", pid, "\(agentUID) \(probe.uid) 1")
            try writeMap("gid_map", pid, "\(agentGID) \(probe.gid) 1")
        case .subordinate(let uids, let gids):
            try runMapTool("newuidmap", pid, uids)
            try runMapTool("newgidmap", pid, gids)
        }
    }

    private func writeMap(_ file: String, _ pid: Int32, _ text: String) throws(EngineError) {
        try launching(hint: "user namespaces are forbidden here, or the launcher lacks CAP_SETUID and CAP_SETGID") {
            () throws(SystemError) in
            try writeText(text, to: "/proc/\(pid)/\(file)")
        }
    }

    /// Runs newuidmap(1) or newgidmap(1), which are allowed to map what /etc/subuid gives the user.
    private func runMapTool(_ name: String, _ pid: Int32, _ lines: [IDMapLine]) throws(EngineError) {
        guard let path = MapTools.path(of: name) else {
            throw EngineError(.unavailable, "find \(name)", hint: "apt-get install uidmap")
        }
        let messages = try launching { () throws(SystemError) in try Pipe() }
        let null = try launching { () throws(SystemError) in try open("/dev/null", .readWrite) }
        let arguments = [name, "\(pid)"] + lines.flatMap { ["\($0.inside)", "\($0.outside)", "\($0.count)"] }
        let tool = try launching { () throws(SystemError) in
            try spawn(
                SpawnRequest(
                    path: path, arguments: arguments, environment: ["PATH=/usr/bin:/bin"],
                    standardOutput: null.rawValue, standardError: messages.writer.rawValue))
        }
        let reader = messages.intoReader()
        let text = (try? readAll(reader, limit: 65536)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let status = try launching { () throws(SystemError) in try reap(tool) }
        guard status == .exited(0) else {
            throw EngineError(
                .unavailable, "map ids with \(name): \(text.split(separator: "\n").first ?? "it failed")",
                hint: "/etc/subuid and /etc/subgid must hold a line for this user: usermod --add-subuids 100000-165535 "
                    + "--add-subgids 100000-165535 USER")
        }
    }
}

/// One line of an id map.
struct IDMapLine: Sendable, Equatable {
    var inside: UInt32
    var outside: UInt32
    var count: UInt32

    /// The map of a user with a subordinate range: the agent's id is the user's own, so that what the agent writes into
    /// the workspace is the user's; everybody else is subordinate.
    static func map(agent: UInt32, own: UInt32, rangeStart: UInt32, rangeCount: UInt32) -> [IDMapLine] {
        var lines: [IDMapLine] = []
        let below = min(agent, rangeCount)
        if below > 0 { lines.append(IDMapLine(inside: 0, outside: rangeStart, count: below)) }
        lines.append(IDMapLine(inside: agent, outside: own, count: 1))
        let above = min(rangeCount - below, 65535 - agent)
        if below == agent, above > 0 {
            lines.append(IDMapLine(inside: agent + 1, outside: rangeStart + below, count: above))
        }
        return lines
    }
}

/// newuidmap and newgidmap, where distributions put them.
public enum MapTools {
    public static func path(of name: String) -> String? {
        ["/usr/bin", "/bin", "/usr/local/bin"].map { "\($0)/\(name)" }.first { mayAccess($0, .execute) }
    }
}

/// A user namespace whose only use is its id maps, which id-mapped mounts take.
struct MapNamespace: ~Copyable {
    let descriptor: Descriptor

    /// Makes one that shows files of one owner as another's, and all others' as nobody's.
    init(uid: (disk: UInt32, shown: UInt32), gid: (disk: UInt32, shown: UInt32)) throws(EngineError) {
        let stackSize = 16384
        let stack = try SharedMapping.allocate(stackSize)
        let pipe = try launching { () throws(SystemError) in try Pipe() }
        let old = setSignalMask(.all)
        let result = mt_user_namespace_start(pipe.reader.rawValue, stack, stackSize)
        setSignalMask(old)
        guard result > 0 else {
            SharedMapping.free(stack, stackSize)
            throw EngineError(SystemError("clone3", Errno(rawValue: Int32(-result)), "a user namespace for id maps"))
        }
        let pid = Int32(result)
        let outcome: Result<Int32, SystemError>
        do throws(SystemError) {
            try writeText("\(uid.disk) \(uid.shown) 1", to: "/proc/\(pid)/uid_map")
            try writeText("\(gid.disk) \(gid.shown) 1", to: "/proc/\(pid)/gid_map")
            outcome = .success(try open("/proc/\(pid)/ns/user").release())
        } catch { outcome = .failure(error) }
        // The end of its pipe, or a signal: it ends either way.
        _ = pipe.intoReader()
        _ = mt_syscall(Int(SYS_kill), Int(pid), Int(SIGKILL), 0, 0, 0, 0)
        _ = try? reap(pid)
        SharedMapping.free(stack, stackSize)
        descriptor = Descriptor(owning: try launching { () throws(SystemError) in try outcome.get() })
    }
}
