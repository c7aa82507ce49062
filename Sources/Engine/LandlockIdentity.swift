// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

/// Who an agent without a user namespace is: a user of the host, and never its root.
struct LandlockIdentity: ~Copyable {
    var identity: AgentIdentity
    /// Whether init is to become this user; an ordinary user's agent is that user already.
    let changesIdentity: Bool
    /// Keeps an id of the agent's own its own, as long as it is open.
    let lock: Descriptor?

    /// The one to make things over to; `nil` where that is the launcher itself.
    var owner: (uid: UInt32, gid: UInt32)? { changesIdentity ? (identity.uid, identity.gid) : nil }

    /// Chooses: for an ordinary user itself; for root the user that was asked for, or the workspace's owner, or an id that
    /// nobody else has.
    ///
    /// - Parameters:
    ///   - workspace: the status of the workspace's directory.
    ///   - pool: the directory in which ids are kept.
    /// - Throws: `.invalidSpec` for what nobody may be, `.unavailable` for what this caller may not.
    init(
        _ spec: SandboxSpec, probe: HostProbe, workspace: FileStatus?, pool: String
    ) throws(EngineError) {
        var identity: AgentIdentity
        var lock: Descriptor?
        if probe.uid != 0 {
            try Self.requireSelf(spec, probe)
            identity = try Self.user(probe.uid, gid: probe.gid)
        } else if let user = spec.user {
            identity = try Self.named(user)
        } else if let owner = workspace, owner.uid != 0 {
            identity = try Self.user(owner.uid, gid: owner.gid == 0 ? nil : owner.gid)
        } else {
            if let workspace, workspace.permissions & 0o002 == 0 {
                throw EngineError(
                    .unavailable, "workspace: it belongs to root, whom no agent may be without a user namespace",
                    hint: "chown it to another user, or name one who may write to it with --user")
            }
            let range = try storing { () throws(StorageError) in try IdentityPool(directory: pool).allocate() }
            let id = range.base + GeneratedFiles.agentID
            identity = AgentIdentity(uid: id, gid: id, name: "agent", home: "")
            lock = .some(range.intoLock())
        }
        guard identity.uid != 0, identity.gid != 0 else {
            throw EngineError(
                .invalidSpec, "user: without a user namespace root is the machine's root, whom no agent may be",
                hint: "write another --user UID:GID, or leave it out")
        }
        if probe.uid == 0 {
            for (id, map) in [(identity.uid, "uid_map"), (identity.gid, "gid_map")] {
                if try Self.isMapped(id, map) { continue }
                throw EngineError(
                    .unavailable, "user: this user namespace has no id \(id)",
                    hint: "name a user that it has with --user UID:GID: /proc/self/\(map)")
            }
        }
        guard !spec.groups.contains(0) else {
            throw EngineError(.invalidSpec, "group: without a user namespace 0 is the machine's root")
        }
        identity.groups = spec.groups
        self.identity = identity
        changesIdentity = probe.uid == 0
        self.lock = lock
    }

    /// Whether this process's own user namespace, as a container's, has an id. user_namespaces(7)
    private static func isMapped(_ id: UInt32, _ map: String) throws(EngineError) -> Bool {
        let text = try launching { () throws(SystemError) in try readText("/proc/self/\(map)") } ?? ""
        return IDMapTable(text).outer(of: id) != nil
    }

    private static func requireSelf(_ spec: SandboxSpec, _ probe: HostProbe) throws(EngineError) {
        if let user = spec.user {
            let wanted = try named(user)
            guard wanted.uid == probe.uid, user.group == nil || wanted.gid == probe.gid else {
                throw EngineError(
                    .unavailable, "user: without a user namespace the agent of an ordinary user is that user",
                    hint: "leave --user out, or start it as root")
            }
        }
        guard spec.groups.isEmpty else {
            throw EngineError(
                .unavailable, "group: without a user namespace an ordinary user cannot give groups",
                hint: "leave --group out, or start it as root")
        }
    }

    /// A user by what was written: numbers are the host's, names those of its /etc/passwd and /etc/group.
    private static func named(_ reference: UserReference) throws(EngineError) -> AgentIdentity {
        let host = try launching { () throws(SystemError) in try open("/", [.pathOnly, .directory]) }
        let (uid, gid) = try storing { () throws(StorageError) in
            var uid: UInt32
            var found: ResolvedUser?
            switch reference.user {
            case .number(let number):
                uid = number
                found = try UserLookup.describe(uid: number, inRootfs: host)
            case .name(let name):
                let user = try UserLookup.resolve(name: name, inRootfs: host)
                uid = user.uid
                found = user
            }
            let gid: UInt32
            switch reference.group {
            case .number(let number): gid = number
            case .name(let name): gid = try UserLookup.resolve(group: name, inRootfs: host)
            case nil: gid = found?.gid ?? uid
            }
            return (uid, gid)
        }
        return try user(uid, gid: gid)
    }

    /// - Parameter gid: `nil` asks for the user's own, or the same number.
    private static func user(_ uid: UInt32, gid: UInt32?) throws(EngineError) -> AgentIdentity {
        let text = try launching { () throws(SystemError) in try readText("/etc/passwd") } ?? ""
        let record = PasswdFile(text: text).user(withID: uid)
        return AgentIdentity(
            uid: uid, gid: gid ?? record?.gid ?? uid, name: record?.name ?? "u\(uid)", home: "")
    }

    /// Whether nobody else has this id.
    var hasOwnID: Bool {
        switch lock {
        case .some: true
        case .none: false
        }
    }

    consuming func intoLock() -> Descriptor? { lock }
}
