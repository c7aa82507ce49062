// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// The cgroups of one sandbox: one directory in each hierarchy that its limits need.
///
/// Dropping the value closes descriptors and leaves the directories: a sandbox outlives its launcher. Whoever ends the
/// sandbox calls `remove`, or `CgroupRemoval.remove` with the `paths` kept on disk. What nobody removes, `CgroupSweep` finds
/// when the value is gone and the last process with it.
public struct SandboxCgroup: ~Copyable, Sendable {
    /// Where one of the directories is, and what it does.
    struct Place: Sendable {
        var version: CgroupVersion
        var controllers: [CgroupController]
        var path: String
    }

    private(set) var places: [Place] = []
    /// One open directory a place, in the same order.
    private var directories = DescriptorTable()

    init() {}

    /// Takes a directory that is there over, as one more place.
    mutating func append(_ place: Place, _ directory: consuming Descriptor) {
        places.append(place)
        directories.append(directory)
    }

    /// The directories, absolute, in the order they were made. Empty where no limit was asked for.
    public var paths: [String] { places.map(\.path) }

    /// Makes the cgroups and applies the limits; on failure nothing that was made is left.
    ///
    /// - Parameter name: unique among this machine's sandboxes; see `CgroupName`.
    /// - Throws: `.invalidName`, `.invalidLimit`, `.controllerUnavailable`, `.delegationUnavailable`,
    ///   `.swapUncontrolled`, `.exists`, `.creationFailed`, `.limitRefused`.
    public static func create(
        name: String, limits: CgroupLimits, layout: CgroupLayout
    ) throws(CgroupError) -> SandboxCgroup {
        try create(name: CgroupName(name), plan: CgroupPlan(limits: limits, layout: layout))
    }

    /// Makes the cgroups of a plan made before.
    ///
    /// - Parameter announce: is told each directory's path before the directory is made, so that someone else can remove
    ///   it if this process dies.
    public static func create(
        name: CgroupName, plan: CgroupPlan, announce: (String) -> Void = { _ in }
    ) throws(CgroupError) -> SandboxCgroup {
        var cgroup = SandboxCgroup()
        do throws(CgroupError) {
            for part in plan.parts { try cgroup.make(part, name: name, announce) }
        } catch {
            // The first failure is the one to report.
            do throws(CgroupError) { try CgroupRemoval.remove(paths: cgroup.paths) } catch {}
            throw error
        }
        return cgroup
    }

    /// Moves a process, and so all it will start, into the sandbox's cgroups.
    ///
    /// - Parameter startedInside: the process was made with `CLONE_INTO_CGROUP` and `cloneDescriptor`: only v1 cgroups are
    ///   joined.
    /// - Throws: `.attachFailed`; unprivileged, the process must be in a cgroup of the same delegated subtree.
    public func attach(_ pid: Int32, startedInside: Bool = false) throws(CgroupError) {
        for index in places.indices where !(startedInside && places[index].version == .v2) {
            do throws(SystemError) {
                try files(index).write("\(pid)", to: "cgroup.procs")
            } catch {
                throw CgroupError(.attachFailed, places[index].path, cause: error)
            }
        }
    }

    /// The open files with which a process joins: one of one thread that writes "0" to each has joined. On v1 these are
    /// `tasks`, which does without the lock on all forks and exits that moving another process takes (10 ms where nobody has
    /// taken it for a while). The kernel asks for the opener's permission, not the writer's.
    /// cgroups(7); kernel/cgroup/cgroup.c
    ///
    /// A v2 cgroup is among them only where the process was not cloned into it: its `cgroup.procs`, which takes the lock.
    ///
    /// - Parameter startedInside: as for `attach`.
    public func joinDescriptors(startedInside: Bool) throws(CgroupError) -> DescriptorTable {
        var table = DescriptorTable()
        for index in places.indices where !(startedInside && places[index].version == .v2) {
            do throws(SystemError) {
                let file = places[index].version == .v1 ? "tasks" : "cgroup.procs"
                table.append(try open(file, .writeOnly, at: .descriptor(directories.rawValues[index])))
            } catch {
                throw CgroupError(.attachFailed, places[index].path, cause: error)
            }
        }
        return table
    }

    /// A directory descriptor for clone3(2) with `CLONE_INTO_CGROUP` (Linux 5.7), owned by this value; `nil` without a v2
    /// cgroup.
    public var cloneDescriptor: Int32? {
        places.firstIndex { $0.version == .v2 }.map { directories.rawValues[$0] }
    }

    /// Lifts the limit of CPU time, for processes that are to end: each of a thousand threads needs the processor to die, and
    /// the process that counts the time that is left needs it as well.
    public func liftCPULimit() {
        for index in places.indices where places[index].controllers.contains(.cpu) {
            let setting = CPUController.unlimited(places[index].version)
            // Without a limit there may be no such file; what is left undone takes longer, and that is all.
            try? files(index).write(setting.value, to: setting.file)
        }
    }

    /// Removes the cgroups; v2 ones are killed first, v1 ones must be without processes.
    ///
    /// - Parameter patience: how long dying processes may keep a cgroup busy.
    /// - Throws: `.removalFailed`, after everything else has been removed.
    public consuming func remove(patience: Duration = .seconds(2)) throws(CgroupError) {
        try CgroupRemoval.remove(paths: paths, patience: patience)
    }

    /// The control files of a place, for as long as this value lives.
    func files(_ index: Int) -> ControlFiles {
        ControlFiles(descriptor: directories.rawValues[index], path: places[index].path)
    }

    /// Makes one directory and sets its limits. It counts as made, and is removed on failure, from its mkdir on.
    private mutating func make(
        _ part: CgroupPlan.Part, name: CgroupName, _ announce: (String) -> Void
    ) throws(CgroupError) {
        let driver = part.hierarchy.version.driver
        let mount = try openMount(of: part.hierarchy)
        let base = try driver.base(of: part, mount: mount)
        let parent = base.isEmpty ? parentName : "\(base)/\(parentName)"
        let below = "\(parent)/\(name)"
        let path = "\(part.hierarchy.mountPoint)/\(below)"
        announce(path)

        do throws(SystemError) {
            try makeCgroup(below, parent: parent, part, driver, mount: mount)
            places.append(Place(version: part.hierarchy.version, controllers: part.controllers, path: path))
            try driver.passControllersOn(in: parent, of: part, mount: mount)
            let directory = try open(below, [.directory, .noFollow], at: .descriptor(mount.rawValue))
            try changeMode(directory, 0o755)  // whatever the umask is, as of its parent
            // Held as long as this value lives: `CgroupSweep` leaves alone what is locked.
            if try !tryLock(directory) { throw SystemError("flock", .again, path) }
            directories.append(directory)
        } catch where error.errno == .exists {
            throw CgroupError(.exists, path, cause: error, hint: "a sandbox of this name is there already")
        } catch {
            if places.last?.path != path { removeIfEmpty(parent, at: mount) }
            throw driver.creationError(path, error)
        }
        let files = files(places.count - 1)
        for setting in part.settings { try setting.apply(to: files, part.hierarchy.version) }
        if let rules = part.devices { try DeviceController.guardDevices(of: files, with: rules) }
    }
}

/// Makes a cgroup, and its parent where that is missing: the end of the last other sandbox may remove the parent at any
/// moment, so this begins again until both are there.
private func makeCgroup(
    _ path: String, parent: String, _ part: CgroupPlan.Part, _ driver: any CgroupDriver, mount: borrowing Descriptor
) throws(SystemError) {
    var attempt = 0
    while true {
        do throws(SystemError) {
            try driver.makeParent(parent, of: part, mount: mount)
            return try makeDirectory(path, at: .descriptor(mount.rawValue))
        } catch where attempt < 256 && (error.errno == .noEntry || error.errno == .noDevice) {
            attempt += 1
        } catch {
            throw error
        }
    }
}
