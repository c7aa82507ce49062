// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// cgroup v2: one hierarchy, whose controllers are passed down level by level, and parts of which users may be given.
struct CgroupV2: CgroupDriver {
    var fileSystemType: Int { 0x6367_7270 }  // CGROUP2_SUPER_MAGIC

    /// Root uses the topmost cgroup; a user the nearest one around this process that has been delegated.
    func base(
        of part: CgroupPlan.Part, mount: borrowing Descriptor
    ) throws(CgroupError) -> String {
        if effectiveUID() == 0, Delegation.isWritable("", at: mount) { return "" }
        return try Delegation.base(in: part.hierarchy, for: part.delegable, mount: mount)
    }

    func makeParent(
        _ path: String, of part: CgroupPlan.Part, mount: borrowing Descriptor
    ) throws(SystemError) {
        let prefix = String(path.dropLast(parentName.utf8.count))  // empty, or ends with a slash
        let file = prefix + "cgroup.subtree_control"
        guard let text = try readText(file, at: .descriptor(mount.rawValue)) else {
            throw SystemError("open", .noEntry, file)
        }
        // Written only where something is missing: a base that passes everything on may be writable by others alone.
        let present = controllersNamed(in: text)
        if !part.delegable.allSatisfy(present.contains) { try enable(part.delegable, in: prefix, mount: mount) }
        try ensureDirectory(path, at: mount)
    }

    func passControllersOn(
        in path: String, of part: CgroupPlan.Part, mount: borrowing Descriptor
    ) throws(SystemError) {
        // Written even where the file lists them all: the list is ahead of the control files while another sandbox's write
        // is under way, and a write waits for that one to end.
        try enable(part.delegable, in: path + "/", mount: mount)
    }

    /// Adds controllers to those a cgroup passes on. What is passed on stays so: taking it back would race with others.
    private func enable(
        _ controllers: [CgroupController], in prefix: String, mount: borrowing Descriptor
    ) throws(SystemError) {
        if controllers.isEmpty { return }
        let names = controllers.compactMap(\.nameInV2).map { "+\($0)" }.joined(separator: " ")
        try writeText(names, to: prefix + "cgroup.subtree_control", at: .descriptor(mount.rawValue))
    }

    /// `cgroup.kill`, Linux 5.14. A failure shows when the directory cannot be removed.
    func release(_ files: ControlFiles) {
        do throws(SystemError) { try files.write("1", to: "cgroup.kill") } catch {}
    }

    func creationError(_ path: String, _ cause: SystemError) -> CgroupError {
        switch cause.errno {
        case .permissionDenied, .notPermitted, .readOnlyFileSystem:
            CgroupError(.delegationUnavailable, path, cause: cause, hint: Delegation.cure)
        case .busy:
            // Only a cgroup without processes may pass controllers on, except the machine's topmost.
            CgroupError(
                .creationFailed, path, cause: cause,
                hint: "the cgroup above holds processes itself; \(Delegation.cure)")
        default: CgroupError(.creationFailed, path, cause: cause)
        }
    }
}
