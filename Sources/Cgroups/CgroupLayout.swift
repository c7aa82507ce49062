// SPDX-License-Identifier: Apache-2.0

/// One mounted hierarchy, as this process sees it.
public struct CgroupHierarchy: Sendable, Equatable {
    public var version: CgroupVersion
    /// The controllers it carries, of those this module knows. On v2: what its topmost visible cgroup offers.
    public var controllers: [CgroupController]
    /// Where it is mounted.
    public var mountPoint: String
    /// Which of its cgroups the mount point shows: `/` unless it is a bind mount, as in containers.
    public var mountRoot: String
    /// This process's cgroup, as `/proc/self/cgroup` has it; `nil` where that cgroup has been removed.
    public var ownPath: String?

    /// This process's cgroup below the mount point, without a leading slash; `nil` where the mount does not show it.
    public var ownDirectory: String? {
        guard let ownPath, !ownPath.utf8.split(separator: 0x2f).contains(where: { $0.elementsEqual("..".utf8) }) else {
            return nil
        }
        if mountRoot == "/" { return String(ownPath.dropFirst()) }
        guard ownPath.hasPrefix(mountRoot) else { return nil }
        let rest = ownPath.dropFirst(mountRoot.count)
        guard rest.isEmpty || rest.first == "/" else { return nil }
        return String(rest.dropFirst())
    }
}

/// Which cgroup hierarchies this machine has, where, and which controllers each one carries.
///
/// A controller is on exactly one hierarchy; on a hybrid machine most are on v1 ones, and the v2 one carries few or none.
public struct CgroupLayout: Sendable, Equatable {
    public enum Kind: String, Sendable {
        /// Every controller is on the one v2 hierarchy.
        case v2
        /// v1 hierarchies only.
        case v1
        /// v1 hierarchies with controllers, and a v2 one beside them.
        case hybrid
        /// No cgroup file system is mounted.
        case none
    }

    public var hierarchies: [CgroupHierarchy]

    public init(hierarchies: [CgroupHierarchy]) { self.hierarchies = hierarchies }

    public var kind: Kind {
        let hasV1 = hierarchies.contains { $0.version == .v1 }
        return unified == nil ? (hasV1 ? .v1 : .none) : (hasV1 ? .hybrid : .v2)
    }

    /// The v2 hierarchy, if one is mounted.
    public var unified: CgroupHierarchy? { hierarchies.first { $0.version == .v2 } }

    /// The hierarchy that does a controller's work; `nil` where none does.
    public func hierarchy(for controller: CgroupController) -> CgroupHierarchy? {
        if let carrier = hierarchies.first(where: { $0.controllers.contains(controller) }) { return carrier }
        return controller.nameInV2 == nil ? unified : nil
    }

    /// Records what the v2 hierarchy's `cgroup.controllers` says. Controllers this module does not know are left out.
    mutating func setUnifiedControllers(_ text: String) {
        guard let index = hierarchies.firstIndex(where: { $0.version == .v2 }) else { return }
        hierarchies[index].controllers = controllersNamed(in: text)
    }
}

/// The controllers in a list such as `cpuset cpu io memory`, of those this module knows.
func controllersNamed(in text: String) -> [CgroupController] {
    text.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.compactMap { name in
        CgroupController(rawValue: String(Substring(name))).flatMap { $0.nameInV2 == nil ? nil : $0 }
    }
}
