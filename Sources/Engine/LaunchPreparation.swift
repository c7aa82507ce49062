// SPDX-License-Identifier: Apache-2.0
import CLinux
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

/// Looks up and opens what the compiler needs for one launch. Leaves nothing but open descriptors.
enum LaunchPreparation {
    /// The last of the 65,536 ids that a sandbox has.
    private static let lastID: UInt32 = 65535

    /// Who the agent is.
    ///
    /// - Parameter overlayUpper: the overlay's upper directory, borrowed, where it is open already.
    static func identity(_ spec: SandboxSpec, overlayUpper: Int32? = nil) throws(EngineError) -> AgentIdentity {
        switch spec.rootfs {
        case .host: return try hostIdentity(spec)
        case .directory(let path): return try directoryIdentity(spec, path, overlayUpper)
        }
    }

    /// Without a rootfs of its own the sandbox's users are ours: root, agent, nobody.
    private static func hostIdentity(_ spec: SandboxSpec) throws(EngineError) -> AgentIdentity {
        let known: [String: UInt32] = ["root": 0, "agent": GeneratedFiles.agentID, "nobody": 65534, "nogroup": 65534]
        func number(_ identifier: UserReference.Identifier, _ kind: String) throws(EngineError) -> UInt32 {
            switch identifier {
            case .number(let number): return number
            case .name(let name):
                guard let number = known[name] else {
                    throw EngineError(
                        .invalidSpec, "user: no \(kind) \"\(name)\" in this sandbox",
                        hint: "--rootfs host knows root, agent and nobody; write a number for any other")
                }
                return number
            }
        }
        let uid =
            try spec.user.map { user throws(EngineError) in try number(user.user, "user") } ?? GeneratedFiles.agentID
        let gid = try spec.user?.group.map { group throws(EngineError) in try number(group, "group") } ?? uid
        let name = known.first { $0.value == uid && $0.key != "nogroup" }?.key ?? "u\(uid)"
        return AgentIdentity(uid: uid, gid: gid, groups: spec.groups, name: name, home: GeneratedFiles.agentHome)
    }

    private static func directoryIdentity(
        _ spec: SandboxSpec, _ path: String, _ overlayUpper: Int32?
    ) throws(EngineError) -> AgentIdentity {
        let root = try launching(hint: "--rootfs takes host, or a directory with a root file system") {
            () throws(SystemError) in
            try open(path, [.pathOnly, .directory])
        }
        // The overlay's own passwd counts once there is one.
        var upper: Descriptor?
        if overlayUpper == nil, let overlay = spec.overlay { upper = try? open("\(overlay)/upper", [.directory]) }
        let upperRaw = overlayUpper ?? upper.asRaw
        let reference = spec.user ?? UserReference(user: .number(GeneratedFiles.agentID))
        return try storing { () throws(StorageError) in
            let found: ResolvedUser?
            let uid: UInt32
            var name = "agent"
            switch reference.user {
            case .number(let number):
                uid = number
                found = try UserLookup.describe(uid: number, inRootfs: root, overlayUpper: upperRaw)
                name = "u\(number)"
            case .name(let text):
                let user = try UserLookup.resolve(name: text, inRootfs: root, overlayUpper: upperRaw)
                uid = user.uid
                found = user
                name = text
            }
            let gid: UInt32
            switch reference.group {
            case .number(let number): gid = number
            case .name(let text): gid = try UserLookup.resolve(group: text, inRootfs: root, overlayUpper: upperRaw)
            case nil: gid = found?.gid ?? uid
            }
            let groups = (found?.supplementaryGroups ?? []) + spec.groups
            for id in [uid, gid] + groups where id > Self.lastID {
                throw StorageError(
                    .malformed, "look up user", name,
                    "\(id) is beyond the ids of a sandbox, which end at \(Self.lastID)",
                    hint: "give a number: --user UID:GID")
            }
            let home = found?.home ?? ""
            return AgentIdentity(
                uid: uid, gid: gid, groups: groups, name: name,
                home: home.isEmpty ? "/" : home)
        }
    }
}

extension Optional<Descriptor> {
    /// The number, borrowed.
    var asRaw: Int32? {
        borrowing get {
            switch self {
            case .some(let descriptor): descriptor.rawValue
            case .none: nil
            }
        }
    }
}
