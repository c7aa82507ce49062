// SPDX-License-Identifier: Apache-2.0
import CLinux
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

extension LaunchPreparation {
    private static let devices = ["null", "zero", "full", "random", "urandom", "tty"]

    /// The root file system's layers or trees.
    static func openRoot(
        _ spec: SandboxSpec, _ trees: inout HostTrees, idMap: Int32?, overlay: borrowing OverlayStore?
    ) throws(EngineError) -> RootInput {
        switch spec.rootfs {
        case .host:
            var inputs: [TreeInput] = []
            var links: [SymlinkInput] = []
            for entry in try storing({ () throws(StorageError) in try HostRootfs.entries() }) {
                switch entry {
                case .tree(let path, let target, let isDirectory):
                    guard let source = try trees.openIfThere(path, attributes: [.readOnly, .noSetuid, .noDevices])
                    else { continue }
                    inputs.append(TreeInput(source: source, target: "/\(target)", isDirectory: isDirectory))
                case .symlink(let path, let target): links.append(SymlinkInput(path: "/\(path)", target: target))
                }
            }
            return .host(trees: inputs, symlinks: links)
        case .directory(let path):
            let lower = try trees.open(path, attributes: [.readOnly, .noSetuid, .noDevices], idMap: idMap)
            guard lower.status.kind == .directory else {
                throw EngineError(
                    .invalidSpec, "rootfs: \(path) is not a directory",
                    hint: "martinet rootfs build \(path) makes a root file system")
            }
            return .directory(
                lower: lower.source, upper: try openUpper(spec, &trees, idMap: idMap, overlay: overlay))
        }
    }

    static func openDevices(_ trees: inout HostTrees) throws(EngineError) -> [TreeInput] {
        var inputs: [TreeInput] = []
        for name in devices {
            guard let source = try trees.openIfThere("/dev/\(name)", attributes: [.noSetuid, .noExecute])
            else {
                throw EngineError(.unavailable, "show /dev/\(name): this machine has none")
            }
            inputs.append(TreeInput(source: source, target: "/dev/\(name)", isDirectory: false, readOnly: false))
        }
        return inputs
    }

    /// Binds: what belongs to the owner of the file or directory on the host belongs to the agent inside.
    static func openBinds(
        _ spec: SandboxSpec, _ trees: inout HostTrees, identity: AgentIdentity, mapping: borrowing IdentityMapping
    ) throws(EngineError) -> [TreeInput] {
        var inputs: [TreeInput] = []
        for (index, bind) in spec.binds.enumerated() {
            let opened = try openOwned(
                bind.source, &trees, identity: identity, mapping: mapping, field: "bind[\(index)]",
                readOnly: bind.readOnly)
            inputs.append(
                TreeInput(
                    source: opened.source, target: bind.target.text, isDirectory: opened.status.kind == .directory,
                    readOnly: bind.readOnly))
        }
        return inputs
    }

    /// Opens a path of the user's, id-mapped from its owner to the agent where that takes a map.
    static func openOwned(
        _ path: String, _ trees: inout HostTrees, identity: AgentIdentity, mapping: borrowing IdentityMapping,
        field: String, readOnly: Bool
    ) throws(EngineError) -> (source: TreeSource, status: FileStatus) {
        let handle = try openHandle(path, field: field)
        let found = try launching { () throws(SystemError) in try status(of: handle) }
        let attributes: MountAttributes = readOnly ? [.readOnly, .noSetuid, .noDevices] : [.noSetuid, .noDevices]
        guard let uid = mapping.hostUID(of: identity.uid), let gid = mapping.hostUID(of: identity.gid) else {
            return try trees.tree(handle, path: path, attributes: attributes)
        }
        let map = try MapNamespace(uid: (found.uid, uid), gid: (found.gid, gid))
        do throws(EngineError) {
            return try trees.tree(
                handle, path: path, attributes: attributes, idMap: map.descriptor.rawValue)
        } catch {
            // Without the map the agent is nobody to these files: less, not more, than was asked for.
            if readOnly { return try trees.tree(handle, path: path, attributes: attributes) }
            throw EngineError(error.code, "\(field): \(error.message)", hint: error.hint)
        }
    }

    private static func openHandle(_ path: String, field: String) throws(EngineError) -> Descriptor {
        do throws(SystemError) {
            return try open(path, .pathOnly, at: .workingDirectory, resolving: .noMagicLinks)
        } catch {
            throw EngineError(.invalidSpec, "\(field): \(error)")
        }
    }

    /// The agent's environment: a small fixed one, then what was asked for, then secrets.
    static func environment(
        _ spec: SandboxSpec, identity: AgentIdentity, secrets: [SecretInput], callerTerminal: String?,
        temporary: String? = nil
    ) -> (lines: [String], secretNames: Set<String>) {
        var values: [(name: String, value: String)] = [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", identity.home),
            ("USER", identity.name),
            ("LANG", "C.UTF-8"),
            ("container", "martinet"),
        ]
        if let temporary { values.append(("TMPDIR", temporary)) }
        if spec.terminal { values.append(("TERM", callerTerminal ?? "xterm")) }
        func set(_ name: String, _ value: String) {
            if let index = values.firstIndex(where: { $0.name == name }) {
                values[index].value = value
            } else {
                values.append((name, value))
            }
        }
        for variable in spec.environment { set(variable.name, variable.value) }
        var names: Set<String> = []
        for secret in secrets where !secret.asFile {
            set(secret.name, String(decoding: secret.value, as: UTF8.self))
            names.insert(secret.name)
        }
        return (values.map { "\($0.name)=\($0.value)" }, names)
    }

    /// Reads the secrets' values, which are nowhere else but in the program that goes to init.
    static func readSecrets(
        _ spec: SandboxSpec, callerEnvironment: [String: String]
    ) throws(EngineError) -> [SecretInput] {
        var inputs: [SecretInput] = []
        for secret in spec.secrets {
            var value: [UInt8]
            switch secret.source {
            case .environment(let variable):
                guard let text = callerEnvironment[variable] else {
                    throw EngineError(
                        .invalidSpec, "secret.\(secret.name): \(variable) is not set in the caller's environment",
                        hint: "write \(secret.name)=@FILE, or set the variable")
                }
                value = Array(text.utf8)
            case .file(let path):
                do throws(SystemError) {
                    let file = try open(path, [.nonBlocking, .noControllingTerminal])
                    // Opening a fifo without a writer must not wait; reading one that is being written, as <(command), must.
                    try setNonBlocking(file.rawValue, false)
                    value = try readAll(file, limit: 1 << 20)
                } catch {
                    throw EngineError(.invalidSpec, "secret.\(secret.name): \(error)")
                }
                if value.last == UInt8(ascii: "\n") { value.removeLast() }
            }
            if secret.delivery == .environment, value.contains(0) {
                throw EngineError(
                    .invalidSpec, "secret.\(secret.name): it holds a NUL byte, which no variable can",
                    hint: "deliver it as a file: secret-file")
            }
            inputs.append(SecretInput(name: secret.name, value: value, asFile: secret.delivery == .file))
        }
        return inputs
    }

    /// The files of /etc that are written for every sandbox; a root file system of its own keeps its users.
    static func generatedFiles(_ spec: SandboxSpec, identity: AgentIdentity) throws(EngineError) -> [FileInput] {
        let resolver: GeneratedFiles.Resolver =
            spec.network == .host
            ? .host(configuration: try storing { () throws(StorageError) in try hostResolverConfiguration() }) : .none
        let files = try storing { () throws(StorageError) in
            try GeneratedFiles(
                hostname: spec.effectiveHostname, uid: identity.uid, gid: identity.gid, groups: identity.groups,
                resolver: resolver)
        }
        let own: Set<String> = ["etc/hostname", "etc/hosts", "etc/resolv.conf"]
        return files.files.compactMap { file in
            let path = file.path.hasPrefix("/") ? String(file.path.dropFirst()) : file.path
            guard spec.rootfs == .host || own.contains(path) else { return nil }
            return FileInput(path: "/\(path)", contents: file.contents)
        }
    }

    /// The bit set of the capabilities to keep.
    static func capabilities(_ spec: SandboxSpec, probe: HostProbe) throws(EngineError) -> CapabilitySet {
        var set: CapabilitySet = []
        for capability in spec.capabilities {
            guard UInt32(capability.number) <= probe.lastCapability else {
                throw EngineError(.unavailable, "cap: this kernel does not know \(capability)")
            }
            set.insert(CapabilitySet(rawValue: 1 << UInt64(capability.number)))
        }
        return set
    }
}
