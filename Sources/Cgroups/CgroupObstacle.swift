// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension CgroupLayout {
    /// What keeps this process from making a cgroup with a controller; `nil` where nothing seems to. Nothing is made or
    /// written: permissions are looked at, and the kernel may still refuse.
    ///
    /// A controller that v2 works without (`CgroupController.nameInV2`) takes a cgroup alone; device rules on v2 take
    /// CAP_BPF and CAP_NET_ADMIN besides, which is not looked at.
    public func obstacle(to controller: CgroupController) -> CgroupError? {
        guard let hierarchy = hierarchy(for: controller) else { return .missing(controller, in: self) }
        do throws(CgroupError) {
            try checkAccess(to: CgroupPlan.Part(hierarchy: hierarchy, controllers: [controller], settings: []))
            return nil
        } catch {
            return error
        }
    }
}

private func checkAccess(to part: CgroupPlan.Part) throws(CgroupError) {
    let driver = part.hierarchy.version.driver
    let mount = try openMount(of: part.hierarchy)
    let base = try driver.base(of: part, mount: mount)
    // An earlier sandbox's cgroup may be there, and be writable where the one above is not.
    let parent = base.isEmpty ? parentName : "\(base)/\(parentName)"
    let isWritable = [base.isEmpty ? "." : base, parent].contains { path in
        mayAccess(path, [.write, .execute], at: .descriptor(mount.rawValue))
    }
    if isWritable { return }
    throw driver.creationError(
        "\(part.hierarchy.mountPoint)/\(parent)", SystemError("mkdir", .permissionDenied, parent))
}
