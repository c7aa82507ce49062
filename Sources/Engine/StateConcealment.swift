// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

extension Launcher {
    /// Refuses to show an agent what is written down about sandboxes: through their sockets it could enter and end them.
    func requireStateUnseen(_ spec: SandboxSpec) throws(EngineError) {
        var shown = spec.binds.enumerated().map { ("bind[\($0.offset)]", $0.element.source) }
        if let workspace = spec.workspace { shown.append(("workspace", workspace)) }
        if case .directory(let path) = spec.rootfs { shown.append(("rootfs", path)) }
        if let overlay = spec.overlay { shown.append(("overlay", overlay)) }
        guard !shown.isEmpty, let state = try? SandboxStore.defaultPath(options.callerEnvironment),
            let root = Self.resolved(state)
        else { return }
        for (field, path) in shown {
            // What is not there is somebody else's error.
            guard let found = Self.resolved(path) else { continue }
            guard found == root || Self.contains(found, root) || Self.contains(root, found) else { continue }
            throw EngineError(
                .invalidSpec, "\(field): \(path) would show the agent \(state), from where it could control sandboxes",
                hint: "show a directory that does not contain it")
        }
    }

    private static func resolved(_ path: String) -> String? {
        guard let handle = try? open(path, .pathOnly) else { return nil }
        return try? readSymlink("/proc/self/fd/\(handle.rawValue)")
    }

    /// By bytes: two spellings of a letter are two names.
    private static func contains(_ outer: String, _ inner: String) -> Bool {
        let prefix = outer == "/" ? Array("/".utf8) : Array(outer.utf8) + [0x2f]
        return Array(inner.utf8).starts(with: prefix)
    }
}
