// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// cgroup v1: a hierarchy a controller, or a few mounted together; root only.
struct CgroupV1: CgroupDriver {
    var fileSystemType: Int { 0x27_e0eb }  // CGROUP_SUPER_MAGIC

    func base(of part: CgroupPlan.Part, mount: borrowing Descriptor) -> String { "" }

    func makeParent(
        _ path: String, of part: CgroupPlan.Part, mount: borrowing Descriptor
    ) throws(SystemError) {
        try ensureDirectory(path, at: mount)
        if part.hierarchy.controllers.contains(.cpuset) {
            try CPUSetController.fillV1(path, from: String(path.dropLast(parentName.utf8.count)), at: mount)
        }
    }

    func passControllersOn(in path: String, of part: CgroupPlan.Part, mount: borrowing Descriptor) {}

    /// A v1 freezer keeps what is killed until it is thawed. Only a freezer has the file.
    func release(_ files: ControlFiles) {
        let thaw = FreezerController.request(frozen: false, .v1)
        do throws(SystemError) { try files.write(thaw.value, to: thaw.file) } catch {}
    }

    func creationError(_ path: String, _ cause: SystemError) -> CgroupError {
        switch cause.errno {
        case .permissionDenied, .notPermitted:
            CgroupError(
                .delegationUnavailable, path, cause: cause,
                hint:
                    "cgroup v1 gives limits to root alone: run as root, or boot with systemd.unified_cgroup_hierarchy=1"
            )
        case .readOnlyFileSystem:
            CgroupError(
                .creationFailed, path, cause: cause, hint: "in a container, mount /sys/fs/cgroup writable")
        default: CgroupError(.creationFailed, path, cause: cause)
        }
    }
}
