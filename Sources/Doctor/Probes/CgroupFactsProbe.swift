// SPDX-License-Identifier: Apache-2.0
import Cgroups
import LinuxKernel

/// Looks at the cgroup hierarchies. Nothing is made or written.
enum CgroupFactsProbe {
    /// - Parameter resolves: whether openat2(2) can be called at all, which permissions are looked at with.
    static func facts(resolves: Bool) -> CgroupFacts {
        var facts = CgroupFacts()
        // A heading, and a line a device. proc(5), /proc/swaps
        facts.hasSwap = (CallerProbe.text("/proc/swaps") ?? "").split(separator: "\n").count > 1
        facts.countsPressure = mayAccess("/proc/pressure/memory", .read)
        guard let layout = try? CgroupLayout.probe() else { return facts }
        facts.layout = layout
        if resolves {
            for row in CgroupSupport(layout: layout).rows {
                facts.obstacles[row.controller] = row.obstacle
                facts.notes[row.controller] = row.notes
            }
        }
        facts.files = controlFiles(layout)
        return facts
    }

    /// Files that some cgroup below the topmost has, or would have if this kernel knew them.
    private static func controlFiles(_ layout: CgroupLayout) -> [String: Bool] {
        var found: [String: Bool] = [:]
        if let memory = layout.hierarchy(for: .memory), memory.version == .v1 {
            let file = "memory.memsw.limit_in_bytes"
            found[file] = mayAccess("\(memory.mountPoint)/\(file)", [])
        }
        guard let unified = layout.unified else { return found }
        for directory in cgroups(unified) {
            let controllers = CallerProbe.text(directory + "/cgroup.controllers")?.split(whereSeparator: \.isWhitespace)
            let files = [
                ("cgroup.kill", nil), ("memory.peak", "memory"), ("memory.swap.max", "memory"), ("pids.peak", "pids"),
            ]
            for (file, controller) in files {
                if let controller, !(controllers ?? []).contains(where: { $0 == controller }) { continue }
                found[file] = (found[file] ?? false) || mayAccess("\(directory)/\(file)", [])
            }
        }
        return found
    }

    /// This process's cgroup and those around it, and the topmost one's children: the topmost itself has no limits.
    private static func cgroups(_ hierarchy: CgroupHierarchy) -> [String] {
        var found: [String] = []
        var path = hierarchy.ownDirectory ?? ""
        while !path.isEmpty {
            found.append("\(hierarchy.mountPoint)/\(path)")
            path = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        }
        if let top = try? open(hierarchy.mountPoint, .directory), let names = try? entries(of: top) {
            found += names.filter { $0.kind == .directory }.prefix(16).map { "\(hierarchy.mountPoint)/\($0.name)" }
        }
        return found
    }

    /// A child born in this process's own cgroup, where it would be anyway.
    static func cloneIntoOwn(_ layout: CgroupLayout?) -> Attempt {
        guard let unified = layout?.unified, let own = unified.ownDirectory else {
            return .untried("this process is in no cgroup v2 that it can see")
        }
        do throws(SystemError) {
            let directory = try open("\(unified.mountPoint)/\(own)", .directory)
            return NamespaceProbe.start(ProbeChild.Request(cgroup: directory.rawValue))
        } catch { return .untried(error.description) }
    }
}
