// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

extension StoredSandbox {
    /// Everything that is known about the sandbox now: its state, status, spec, program, processes, cgroups, namespaces, verdict.
    /// `nil` where it is gone.
    public func inspection() throws(EngineError) -> SpecNode? {
        guard let entry = try look() else { return nil }
        let status = entry.status
        let process = entry.state.isAlive ? status?.initProcess : nil
        let spec = (try? self.spec())?.node
        return SpecNode([
            "id": SpecNode(id.text), "name": SpecNode(entry.displayName), "state": SpecNode(entry.state.rawValue),
            "problem": SpecNode(entry.problem), "directory": SpecNode(path),
            "status": status?.node ?? SpecNode(.null), "spec": spec ?? SpecNode(.null),
            "program": ((try? program()) ?? nil).map { SpecNode($0) } ?? SpecNode(.null),
            "pids": SpecNode(.list(process.map { Self.pids($0, status?.cgroups ?? []) } ?? [])),
            "cgroups": SpecNode(status?.cgroups ?? []), "namespaces": Self.namespaces(process),
            "verdict": status?.verdict ?? SpecNode(.null),
        ])
    }

    /// The host's numbers of the sandbox's processes: init first, then those in its cgroups, where it has one.
    private static func pids(_ process: ProcessIdentity, _ cgroups: [String]) -> [SpecNode] {
        let text = cgroups.first.flatMap { (try? readText("\($0)/cgroup.procs")) ?? nil } ?? ""
        let others = text.split(separator: "\n").compactMap { Int32($0) }.filter { $0 > 0 && $0 != process.pid }
        return ([process.pid] + others.sorted()).map { SpecNode($0) }
    }

    /// Init's namespaces, as `pid:[4026532201]`. namespaces(7)
    private static func namespaces(_ process: ProcessIdentity?) -> SpecNode {
        let names = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"]
        return SpecNode(
            .map(
                names.map { name in
                    let target = process.flatMap { try? readSymlink("/proc/\($0.pid)/ns/\(name)") }
                    return SpecNode.Entry(key: name, value: SpecNode(target))
                }))
    }
}
