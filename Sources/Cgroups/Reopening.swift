// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension SandboxCgroup {
    /// Opens cgroups that another process made, to read what they count and to freeze them, from their paths kept on disk.
    ///
    /// They stay the maker's: nothing is locked, and `CgroupSweep` removes them when maker and processes are gone.
    ///
    /// - Parameter paths: absolute, as `paths` gave them; nothing but a child of `martinet` is accepted.
    /// - Throws: `.invalidPath`; `.readFailed` where one of them is gone, with the cause `ENOENT`, or is in no hierarchy.
    public static func reopen(paths: [String], layout: CgroupLayout) throws(CgroupError) -> SandboxCgroup {
        try reopen(paths, layout) { _ in true }
    }

    /// Whether every process of a sandbox stands still; looks at the one cgroup that says so. `nil` where none does.
    ///
    /// - Throws: `.readFailed`
    public static func isFrozen(paths: [String], layout: CgroupLayout) throws(CgroupError) -> Bool? {
        let cgroup = try reopen(paths, layout) { $0.version == .v2 || $0.controllers.contains(.freezer) }
        return cgroup.canFreeze ? try cgroup.isFrozen : nil
    }

    private static func reopen(
        _ paths: [String], _ layout: CgroupLayout, where isWanted: (CgroupHierarchy) -> Bool
    ) throws(CgroupError) -> SandboxCgroup {
        var cgroup = SandboxCgroup()
        for path in paths {
            _ = try CgroupRemoval.Target(path)
            let around = layout.hierarchies.filter { path.hasPrefix($0.mountPoint + "/") }
            guard let hierarchy = around.max(by: { $0.mountPoint.utf8.count < $1.mountPoint.utf8.count }) else {
                throw CgroupError(.readFailed, path, reason: "it is in no cgroup hierarchy that is mounted")
            }
            guard isWanted(hierarchy) else { continue }
            do throws(SystemError) {
                let directory = try openCgroup(
                    path, [.directory], type: hierarchy.version.driver.fileSystemType)
                var controllers = hierarchy.controllers
                if hierarchy.version == .v2 {
                    let listed = try readText("cgroup.controllers", at: .descriptor(directory.rawValue)) ?? ""
                    // What every v2 cgroup does without a controller.
                    controllers = controllersNamed(in: listed) + [.cpuacct, .freezer]
                }
                cgroup.append(Place(version: hierarchy.version, controllers: controllers, path: path), directory)
            } catch {
                throw CgroupError(.readFailed, path, cause: error)
            }
        }
        return cgroup
    }
}
