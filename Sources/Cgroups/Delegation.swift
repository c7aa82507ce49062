// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Finds the cgroup v2 subtree that this user may make cgroups in.
///
/// The user's service manager is given one (`user@UID.service`), and gives each program a cgroup in it. This process's own
/// cgroup cannot hold a sandbox: a cgroup that passes controllers on must hold no processes, and processes that Martinet did
/// not start, the caller's shell among them, are never moved. So the nearest ancestor without processes is used; it must
/// belong to the user, because moving a process needs write access to the common ancestor.
/// Documentation/admin-guide/cgroup-v2.rst, "Delegation"
enum Delegation {
    /// Where this user has no cgroup to make another in.
    static let cure = "start it in a cgroup of your own: systemd-run --user --scope -p Delegate=yes martinet run …"

    /// The nearest usable ancestor of this process's cgroup, as a path below the mount point.
    ///
    /// - Throws: `.delegationUnavailable` where none is this user's; `.controllerUnavailable` where one is, but lacks a
    ///   controller.
    static func base(
        in hierarchy: CgroupHierarchy, for controllers: [CgroupController], mount: borrowing Descriptor
    ) throws(CgroupError) -> String {
        guard let own = hierarchy.ownDirectory else {
            throw CgroupError(
                .delegationUnavailable, hierarchy.mountPoint, reason: "this process's cgroup is not visible there",
                hint: cure)
        }
        var lacking: CgroupController?
        var owned = false
        for candidate in ancestors(of: own) where isWritable(candidate, at: mount) {
            let prefix = candidate.isEmpty ? "" : candidate + "/"
            let offered = try controllersListed(prefix + "cgroup.controllers", hierarchy, at: mount)
            if let missing = controllers.first(where: { !offered.contains($0) }) {
                lacking = lacking ?? missing
                continue
            }
            owned = true
            let passedOn = try controllersListed(prefix + "cgroup.subtree_control", hierarchy, at: mount)
            if controllers.allSatisfy(passedOn.contains) { return candidate }
            if try isEmpty(prefix + "cgroup.procs", hierarchy, at: mount) { return candidate }
        }
        if !owned, let lacking {
            throw CgroupError(
                .controllerUnavailable, lacking.rawValue, reason: "it is not delegated to this user",
                hint: cure(forLacking: lacking))
        }
        throw CgroupError(
            .delegationUnavailable, hierarchy.mountPoint + "/" + own,
            reason: owned ? "every cgroup that is this user's holds processes" : "no cgroup around it is this user's",
            hint: cure)
    }

    /// How a user is given a controller: systemd passes on memory and pids, and lately cpu, unless told more; and huge pages
    /// never. systemd.resource-control(5), `Delegate=`
    static func cure(forLacking controller: CgroupController) -> String {
        guard systemdDelegates.contains(controller) else {
            return "systemd passes \(controller.rawValue) on to no user: run as root"
        }
        let names = systemdDelegates.map(\.rawValue).joined(separator: " ")
        return """
            as root: mkdir -p /etc/systemd/system/user@.service.d && \
            printf '[Service]\\nDelegate=\(names)\\n' > /etc/systemd/system/user@.service.d/delegate.conf && \
            systemctl daemon-reload; then log out everywhere, and in again
            """
    }

    private static let systemdDelegates: [CgroupController] = [.cpu, .cpuset, .io, .memory, .pids]

    /// A cgroup path and those above it, nearest first; the last is empty, the topmost.
    static func ancestors(of path: String) -> [String] {
        var found = [path]
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            found.append(String(rest))
        }
        if !path.isEmpty { found.append("") }
        return found
    }

    /// Whether this process may make cgroups there, move processes through it, and pass controllers on.
    static func isWritable(_ path: String, at mount: borrowing Descriptor) -> Bool {
        let place = PathBase.descriptor(mount.rawValue)
        let prefix = path.isEmpty ? "" : path + "/"
        return mayAccess(path.isEmpty ? "." : path, [.write, .execute], at: place)
            && mayAccess(prefix + "cgroup.procs", .write, at: place)
            && mayAccess(prefix + "cgroup.subtree_control", .write, at: place)
    }

    private static func controllersListed(
        _ file: String, _ hierarchy: CgroupHierarchy, at mount: borrowing Descriptor
    ) throws(CgroupError) -> [CgroupController] {
        controllersNamed(in: try text(file, hierarchy, at: mount))
    }

    private static func isEmpty(
        _ file: String, _ hierarchy: CgroupHierarchy, at mount: borrowing Descriptor
    ) throws(CgroupError) -> Bool {
        try text(file, hierarchy, at: mount).isEmpty
    }

    private static func text(
        _ file: String, _ hierarchy: CgroupHierarchy, at mount: borrowing Descriptor
    ) throws(CgroupError) -> String {
        do throws(SystemError) {
            return try readText(file, at: .descriptor(mount.rawValue)) ?? ""
        } catch {
            throw CgroupError(.readFailed, "\(hierarchy.mountPoint)/\(file)", cause: error)
        }
    }
}
