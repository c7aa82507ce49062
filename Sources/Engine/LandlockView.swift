// SPDX-License-Identifier: Apache-2.0
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

/// What an agent without a root of its own may reach of the host's files: rules about open descriptors, so that no other
/// file can take the place of the one that was looked at.
struct LandlockView: ~Copyable {
    private let policy: LandlockPolicy
    private(set) var rules: [LandlockInputs.DescriptorRule] = []
    /// Directories of the workspace in which nothing can be made or removed, since something guarded is in them.
    private(set) var closed: [String] = []
    /// Where the workspace really is.
    private(set) var workspace: String?
    private var grants: [Grant] = []

    private struct Grant {
        var path: String
        var mayChange: Bool
        /// How messages call it.
        var name: String
    }

    init(_ policy: LandlockPolicy) { self.policy = policy }

    private mutating func allow(
        _ descriptor: consuming Descriptor, _ access: LandlockFileAccess, _ name: String, _ trees: inout HostTrees
    ) {
        guard !access.isEmpty else { return }
        let slot = trees.pass(descriptor, name: name)
        rules.append(LandlockInputs.DescriptorRule(slot, access: access.rawValue))
    }

    // MARK: The host's

    /// Programs, libraries, /proc, devices.
    mutating func addHost(usesNetwork: Bool, _ trees: inout HostTrees) throws(EngineError) {
        for shown in try storing({ () throws(StorageError) in try HostPaths.shown(usesNetwork: usesNetwork) }) {
            guard let handle = try openIfThere(shown.path) else { continue }
            let isDirectory = try launching { () throws(SystemError) in try status(of: handle).kind == .directory }
            let access: LandlockFileAccess =
                switch shown.use {
                case .run: policy.rights(.read, isDirectory: isDirectory)
                case .look: policy.rights(.look, isDirectory: isDirectory)
                case .device: policy.rights(.control, isDirectory: false).union(.readFile)
                }
            grants.append(Grant(path: try realPath(handle), mayChange: false, name: shown.path))
            allow(handle, access, shown.path, &trees)
        }
    }

    /// A directory below /sys/fs/cgroup that is the sandbox's: runtimes size themselves by its limits.
    mutating func addCgroup(_ path: String, _ trees: inout HostTrees) throws(EngineError) {
        guard let handle = try openIfThere(path) else { return }
        allow(handle, policy.rights(.look), path, &trees)
    }

    private func openIfThere(_ path: String) throws(EngineError) -> Descriptor? {
        do throws(SystemError) { return try open(path, .pathOnly) } catch
            where error.errno == .noEntry || error.errno == .notDirectory
        {
            return nil
        } catch { throw EngineError(error) }
    }

    private func realPath(_ descriptor: borrowing Descriptor) throws(EngineError) -> String {
        let raw = descriptor.rawValue
        return try launching { () throws(SystemError) in try readSymlink("/proc/self/fd/\(raw)") }
    }

    // MARK: The user's

    /// Files and directories that were asked for, each where it is.
    mutating func addBinds(_ binds: [BindMount], _ trees: inout HostTrees) throws(EngineError) {
        for (index, bind) in binds.enumerated() {
            let field = "bind[\(index)]"
            let handle = try Self.handle(bind, field)
            let found = try launching { () throws(SystemError) in try status(of: handle) }
            let there = try launching { () throws(SystemError) in
                try status(of: bind.target.text, followingSymlinks: true)
            }
            guard there?.device == found.device, there?.inode == found.inode else {
                throw EngineError(
                    .unavailable, "\(field): without mounts \(bind.source) is shown where it is, not at \(bind.target)",
                    hint: "write \(bind.source):\(bind.source)\(bind.readOnly ? ":ro" : "")")
            }
            grants.append(Grant(path: try realPath(handle), mayChange: !bind.readOnly, name: field))
            allow(handle, try rights(found, readOnly: bind.readOnly, field), bind.source, &trees)
        }
    }

    private static func handle(_ bind: BindMount, _ field: String) throws(EngineError) -> Descriptor {
        do throws(SystemError) {
            return try open(bind.source, .pathOnly, at: .workingDirectory, resolving: .noMagicLinks)
        } catch { throw EngineError(.invalidSpec, "\(field): \(error)") }
    }

    private func rights(
        _ found: FileStatus, readOnly: Bool, _ field: String
    ) throws(EngineError) -> LandlockFileAccess {
        guard found.kind != .socket else {
            guard policy.handledFiles.contains(.resolveUnix) else {
                throw EngineError(
                    .unavailable,
                    "\(field): a Unix socket cannot be reached, as this kernel's Landlock tells no two apart",
                    hint: "Linux 7.1 and later do; with namespaces every kernel does")
            }
            return .resolveUnix
        }
        let isDirectory = found.kind == .directory
        let read = policy.rights(.read, isDirectory: isDirectory)
        return readOnly ? read : read.union(policy.rights(.change, isDirectory: isDirectory))
    }

    /// The workspace, as a whole or as its guards leave it.
    mutating func addWorkspace(
        _ handle: borrowing Descriptor, plan: GuardPlan, _ trees: inout HostTrees
    ) throws(EngineError) {
        let path = try realPath(handle)
        workspace = path
        var pieces = try storing { () throws(StorageError) in try WorkspacePieces(handle, plan: plan) }
        closed = pieces.closed
        if !closed.isEmpty, let other = grants.first(where: { Self.is(path, atOrBelow: $0.path) }) {
            throw EngineError(
                .unavailable, "workspace: \(other.name) shows it as well, guarded files and all",
                hint: "choose another workspace, or --no-builtin-guards without --hide and --protect")
        }
        grants.append(Grant(path: path, mayChange: true, name: "workspace"))
        while let piece = pieces.removeLast() {
            let read = policy.rights(.read, isDirectory: piece.isDirectory)
            let access: LandlockFileAccess =
                switch piece.access {
                case .list: .readDirectory
                case .read: read
                case .change: read.union(policy.rights(.change, isDirectory: piece.isDirectory))
                }
            let name = piece.path.isEmpty ? path : "\(path)/\(piece.path)"
            allow(piece.intoDescriptor(), access, name, &trees)
        }
    }

    /// What is read-only must not lie in what may be changed: nothing can be taken out of a rule again.
    func requireDisjoint() throws(EngineError) {
        for shown in grants where !shown.mayChange && shown.name.hasPrefix("bind[") {
            guard let outer = grants.first(where: { $0.mayChange && Self.is(shown.path, atOrBelow: $0.path) }) else {
                continue
            }
            throw EngineError(
                .unavailable, "\(shown.name): \(shown.path) cannot be read-only in what \(outer.name) lets be changed",
                hint: "without mounts a directory is changed with all that is in it; leave one of the two out")
        }
    }

    private static func `is`(_ path: String, atOrBelow directory: String) -> Bool {
        path == directory || directory == "/" || PathBytes.isBelow(path, directory)
    }

    // MARK: The agent's own

    /// A directory that is the agent's alone.
    mutating func addOwn(_ path: String, _ trees: inout HostTrees) throws(EngineError) {
        if let outer = grants.first(where: { $0.mayChange && Self.is(path, atOrBelow: $0.path) }) {
            throw EngineError(
                .unavailable, "the agent's own directory would be in what \(outer.name) lets be changed: \(outer.path)",
                hint: "set TMPDIR to a directory outside of it, or leave that out")
        }
        let handle = try launching { () throws(SystemError) in try open(path, [.pathOnly, .directory, .noFollow]) }
        allow(handle, policy.rights(.read).union(policy.rights(.change)), path, &trees)
    }

    /// The agent's side of its terminal, by whatever name it opens it.
    mutating func addTerminal(_ slot: Slot) {
        let access = policy.rights(.control, isDirectory: false).union(.readFile)
        rules.append(LandlockInputs.DescriptorRule(slot, access: access.rawValue))
    }

    /// The masks and all rules for the compiler, besides those for standard descriptors.
    consuming func inputs(_ base: LandlockInputs) -> LandlockInputs {
        var inputs = base
        inputs.descriptors += rules
        return inputs
    }
}
