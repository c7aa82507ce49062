// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// The name of the cgroup that holds all sandboxes' cgroups, one a hierarchy.
let parentName = "martinet"

/// What differs between the cgroup versions beyond the spelling of limits. Both are empty values.
protocol CgroupDriver: Sendable {
    /// What statfs(2) says of a file in such a hierarchy.
    var fileSystemType: Int { get }

    /// The cgroup under which `martinet` is made, as a path below the mount point; empty for the topmost.
    func base(
        of part: CgroupPlan.Part, mount: borrowing Descriptor
    ) throws(CgroupError) -> String

    /// Makes `martinet`, where it is missing, in a base that passes the controllers on.
    func makeParent(
        _ path: String, of part: CgroupPlan.Part, mount: borrowing Descriptor
    ) throws(SystemError)

    /// Has `martinet` pass the controllers on. Called when it holds the new cgroup, which keeps it from being removed and
    /// made anew, without controllers, by sandboxes that end and start meanwhile.
    func passControllersOn(
        in path: String, of part: CgroupPlan.Part, mount: borrowing Descriptor
    ) throws(SystemError)

    /// Has a cgroup that is to go lose its processes: kills them all, where the version can (v2); lets those go on that were
    /// frozen and are killed already, where the version would hold them back (v1).
    func release(_ files: ControlFiles)

    /// Turns the kernel's refusal to make a cgroup into an error with its cure.
    func creationError(_ path: String, _ cause: SystemError) -> CgroupError
}

extension CgroupVersion {
    var driver: any CgroupDriver {
        switch self {
        case .v1: CgroupV1()
        case .v2: CgroupV2()
        }
    }
}

/// Makes a directory, or finds it made. A new one can be passed through by everybody, whatever the umask: who mounts
/// cgroup2 in a namespace of its own is somebody else.
func ensureDirectory(_ path: String, at base: borrowing Descriptor) throws(SystemError) {
    do throws(SystemError) {
        try makeDirectory(path, at: .descriptor(base.rawValue))
    } catch where error.errno == .exists {
        return
    } catch {
        throw error
    }
    try changeMode(open(path, [.directory, .noFollow], at: .descriptor(base.rawValue)), 0o755)
}

/// Opens a cgroup directory by its absolute path, following no symlink, and checks that it is in a cgroup file system: a
/// mount on top of it would otherwise take our writes.
func openCgroup(
    _ path: String, _ flags: OpenFlags = [.pathOnly, .directory], type: Int
) throws(SystemError) -> Descriptor {
    let directory = try open(path, flags, at: .workingDirectory, resolving: [.noSymlinks, .noMagicLinks])
    if try fileSystemType(directory) != type { throw SystemError("statfs", .notSupported, path) }
    return directory
}

/// Opens a hierarchy's mount point.
func openMount(of hierarchy: CgroupHierarchy) throws(CgroupError) -> Descriptor {
    do throws(SystemError) {
        return try openCgroup(hierarchy.mountPoint, type: hierarchy.version.driver.fileSystemType)
    } catch {
        throw CgroupError(.creationFailed, hierarchy.mountPoint, cause: error, hint: "something else is mounted there")
    }
}
