// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// What this machine's cgroups can do for this process's user, controller by controller: what `martinet doctor` prints.
public struct CgroupSupport: Sendable, Equatable {
    public struct Row: Sendable, Equatable {
        public var controller: CgroupController
        /// `nil` where no hierarchy carries the controller.
        public var version: CgroupVersion?
        /// The cgroup under which sandboxes' own would be made, absolute; `nil` where they cannot be.
        public var place: String?
        /// Why it cannot be used, and what helps; `nil` where it can.
        public var obstacle: CgroupError?
        /// What part of it is missing here, with the cure.
        public var notes: [String] = []

        public var isUsable: Bool { obstacle == nil }
    }

    public var kind: CgroupLayout.Kind
    /// Every controller, in the order of `CgroupController`.
    public var rows: [Row]

    /// Looks at each hierarchy. Nothing is made or changed, except that the kernel is asked to check a device program.
    public init(layout: CgroupLayout) {
        kind = layout.kind
        rows = CgroupController.allCases.map { Row($0, layout) }
    }

    public subscript(_ controller: CgroupController) -> Row? { rows.first { $0.controller == controller } }
}

extension CgroupSupport: CustomStringConvertible {
    /// A table, and under a row its notes, reasons and cures.
    public var description: String {
        var lines: [String] = []
        switch kind {
        case .v2: lines.append("cgroups: v2")
        case .v1: lines.append("cgroups: v1")
        case .hybrid: lines.append("cgroups: hybrid, v1 hierarchies and a v2 one beside them")
        case .none: lines.append("cgroups: none mounted")
        }
        for row in rows {
            let name = row.controller.rawValue
            let padding = String(repeating: " ", count: 9 - name.utf8.count)
            let version = row.version.map { "v\($0.rawValue)" } ?? "- "
            lines.append("  \(name)\(padding)\(version)  \(row.place ?? "not usable")")
            let details = row.obstacle.map { ["\($0)"] } ?? row.notes
            for line in details.flatMap({ $0.split(separator: "\n") }) { lines.append("             \(line)") }
        }
        return lines.joined(separator: "\n")
    }
}

extension CgroupSupport.Row {
    fileprivate init(_ controller: CgroupController, _ layout: CgroupLayout) {
        self.controller = controller
        guard let hierarchy = layout.hierarchy(for: controller) else {
            obstacle = .missing(controller, in: layout)
            return
        }
        version = hierarchy.version
        do throws(CgroupError) {
            place = try Self.place(for: controller, in: hierarchy)
            if controller == .devices, hierarchy.version == .v2 { try DeviceController.checkPermission() }
            notes = Self.notes(on: controller, hierarchy)
        } catch {
            place = nil
            obstacle = error
        }
    }

    /// Where `martinet` is, or would be made.
    private static func place(
        for controller: CgroupController, in hierarchy: CgroupHierarchy
    ) throws(CgroupError) -> String {
        let driver = hierarchy.version.driver
        let part = CgroupPlan.Part(hierarchy: hierarchy, controllers: [controller], settings: [])
        let mount = try openMount(of: hierarchy)
        let base = try driver.base(of: part, mount: mount)
        let prefix = base.isEmpty ? "" : base + "/"
        let parent = prefix + parentName
        let path = "\(hierarchy.mountPoint)/\(parent)"
        // What is there is asked; else what it would be made in.
        let known = mayAccess(parent, [], at: .descriptor(mount.rawValue)) ? parent : prefix + "."
        guard mayAccess(known, [.write, .execute], at: .descriptor(mount.rawValue)) else {
            throw driver.creationError(path, SystemError("access", .permissionDenied, path))
        }
        return path
    }

    private static func notes(on controller: CgroupController, _ hierarchy: CgroupHierarchy) -> [String] {
        switch controller {
        case .memory:
            guard hierarchy.version == .v1 else { return [] }
            let countsSwap = mayAccess("\(hierarchy.mountPoint)/memory.memsw.limit_in_bytes", [])
            return ["memory-high: needs cgroup v2"]
                + (countsSwap ? [] : ["swap: this kernel does not account it; boot with swapaccount=1"])
        case .io:
            let disks = (try? IOWeight.disksWithBFQ()) ?? []
            if !disks.isEmpty { return ["io-weight: holds on \(disks.joined(separator: ", "))"] }
            if hierarchy.version == .v2,
                let costs = try? readText("\(hierarchy.mountPoint)/io.cost.qos"), IOWeight.costModelIsOn(in: costs)
            {
                return []
            }
            return ["io-weight: no disk is divided by weights; \(IOWeight.cure)"]
        case .hugetlb:
            let sizes = (try? HugeTLBController.pageSizes()) ?? []
            return ["page sizes: \(sizes.map(HugePageLimit.name).joined(separator: ", "))"]
        default: return []
        }
    }
}
