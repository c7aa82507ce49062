// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Where the cgroups of sandboxes are on this host: for the tests that look for what is left.
public enum SandboxCgroups {
    /// The directories `martinet` that there are: of every v1 hierarchy, at the top of the v2 one, where root's are, and
    /// below each cgroup above this process's own, where a delegated subtree begins.
    public static func parents() -> [String] {
        let root = "/sys/fs/cgroup"
        let own = ((try? readText("/proc/self/cgroup")) ?? nil ?? "").split(separator: "\n").first {
            $0.hasPrefix("0::/")
        }
        let parts = (own?.dropFirst(4) ?? "").split(separator: "/")
        let above = (1..<parts.count + 1).map { "\(root)/" + parts.prefix($0).joined(separator: "/") }
        let hierarchies = directories(in: root).map { "\(root)/\($0)" }
        return Set([root] + hierarchies + above).map { "\($0)/martinet" }.sorted().filter {
            ((try? status(of: $0)) ?? nil)?.kind == .directory
        }
    }

    /// The cgroups of sandboxes that are there now.
    public static func all() -> [String] {
        parents().flatMap { parent in directories(in: parent).map { "\(parent)/\($0)" } }.sorted()
    }

    private static func directories(in path: String) -> [String] {
        guard let directory = try? open(path, .directory), let found = try? entries(of: directory) else { return [] }
        return found.filter { $0.kind == .directory }.map(\.name)
    }
}
