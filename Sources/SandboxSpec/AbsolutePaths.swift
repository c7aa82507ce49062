// SPDX-License-Identifier: Apache-2.0

extension SandboxSpec {
    /// The same spec wherever it is used: paths of the host that are relative begin at this directory.
    ///
    /// - Parameter directory: absolute.
    public func withAbsolutePaths(from directory: String) -> SandboxSpec {
        func absolute(_ path: String) -> String {
            if path.utf8.first == 0x2f { return path }
            let base = directory.utf8.last == 0x2f ? String(Substring(directory.utf8.dropLast())) : directory
            return "\(base)/\(path)"
        }
        var spec = self
        if case .directory(let path) = rootfs { spec.rootfs = .directory(absolute(path)) }
        spec.overlay = overlay.map(absolute)
        spec.workspace = workspace.map(absolute)
        spec.binds = binds.map { BindMount(source: absolute($0.source), target: $0.target, readOnly: $0.readOnly) }
        if case .file(let path) = seccomp { spec.seccomp = .file(absolute(path)) }
        for index in spec.secrets.indices {
            if case .file(let path) = spec.secrets[index].source { spec.secrets[index].source = .file(absolute(path)) }
        }
        for index in spec.join.indices { spec.join[index].path = absolute(spec.join[index].path) }
        return spec
    }
}
