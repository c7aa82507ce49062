// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Removes what sandboxes that ended badly left behind: empty cgroups below `martinet`.
public enum CgroupSweep {
    /// Removes cgroups below `martinet` that hold no process and have been there for `age` at least.
    ///
    /// A young one may belong to a sandbox that is just starting, whose first process is not in it yet. The kernel refuses
    /// to remove a cgroup that holds a process or another cgroup, so nothing alive can be hit. What cannot be read or
    /// removed stays, for the next sweep.
    ///
    /// - Parameter age: by the directory's modification time. The kernel may set that anew, so that an old cgroup looks
    ///   young and waits for a later sweep; a young one never looks old.
    /// - Returns: the paths removed.
    @discardableResult
    public static func run(layout: CgroupLayout, olderThan age: Duration = .seconds(60)) -> [String] {
        layout.hierarchies.flatMap { hierarchy in
            bases(of: hierarchy).flatMap { sweep($0, type: hierarchy.version.driver.fileSystemType, age) }
        }
    }

    /// Where `martinet` may be: at the top, and on v2 beside any cgroup from here upwards.
    private static func bases(of hierarchy: CgroupHierarchy) -> [String] {
        guard hierarchy.version == .v2, let own = hierarchy.ownDirectory else { return [hierarchy.mountPoint] }
        return Delegation.ancestors(of: own).map {
            $0.isEmpty ? hierarchy.mountPoint : "\(hierarchy.mountPoint)/\($0)"
        }
    }

    private static func sweep(_ basePath: String, type: Int, _ age: Duration) -> [String] {
        var removed: [String] = []
        do throws(SystemError) {
            guard try status(of: "\(basePath)/\(parentName)") != nil else { return [] }
            let base = try openCgroup(basePath, type: type)
            let parent = try open(parentName, [.directory, .noFollow], at: .descriptor(base.rawValue))
            let newest = realTimeSeconds() - age.components.seconds
            for entry in try entries(of: parent) where entry.kind == .directory {
                guard let found = try status(of: entry.name, at: .descriptor(parent.rawValue)),
                    found.modified <= newest, removeIfEmpty(entry.name, at: parent)
                else { continue }
                removed.append("\(basePath)/\(parentName)/\(entry.name)")
            }
            removeIfEmpty(parentName, at: base)
        } catch {}
        return removed
    }
}
