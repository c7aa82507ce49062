// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Removes what sandboxes that ended badly left behind: cgroups below `martinet` that belong to nobody.
///
/// A sandbox's cgroup belongs to the `SandboxCgroup` that made it, which keeps a lock (flock(2)) on its directory, and to the
/// processes in it. One without both was left: by a launcher that was killed together with its janitor, or by a sandbox that
/// outlived its launcher and has ended since. The lock goes with its last holder, so there is nothing to keep on disk, and
/// no process number that could mean another process by now.
public enum CgroupSweep {
    /// Removes cgroups below `martinet` that nobody holds, with what is below them.
    ///
    /// What cannot be read or removed stays, for the next sweep. Root finds what root's sandboxes left, on v2 at the top; a
    /// user what was left around this process's cgroup. Two sweeps at once do no harm.
    ///
    /// - Parameter age: passes over cgroups that are younger, by the directory's modification time: between making a
    ///   directory and locking it, which takes microseconds unless the maker was stopped in between, a cgroup looks like
    ///   nobody's. The kernel may set that time anew; then an old one waits for a later sweep.
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
                if removeAbandoned(entry.name, in: parent, newest: newest) {
                    removed.append("\(basePath)/\(parentName)/\(entry.name)")
                }
            }
            removeIfEmpty(parentName, at: base)
        } catch {}
        return removed
    }

    /// Removes one cgroup if it is nobody's; true where that was done.
    private static func removeAbandoned(_ name: String, in parent: borrowing Descriptor, newest: Int64) -> Bool {
        do throws(SystemError) {
            let directory = try open(name, [.directory, .noFollow], at: .descriptor(parent.rawValue))
            guard try status(of: directory).modified <= newest, try tryLock(directory),
                try !holdsProcesses(directory)
            else { return false }
            try removeCgroups(below: directory)
            return removeIfEmpty(name, at: parent)
        } catch {
            return false
        }
    }
}
