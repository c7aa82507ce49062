// SPDX-License-Identifier: Apache-2.0

/// One value to write to one control file of a new cgroup.
public struct ControlSetting: Sendable, Equatable {
    /// Whether a kernel without the file is an error.
    public enum Necessity: Sendable {
        case always
        /// Only where the machine has swap.
        case withSwap
    }

    public var file: String
    public var value: String
    public var necessity: Necessity = .always
}

/// Which hierarchies a sandbox's limits need a cgroup in, and what is written there, in order. Pure.
public struct CgroupPlan: Sendable, Equatable {
    public struct Part: Sendable, Equatable {
        public var hierarchy: CgroupHierarchy
        public var controllers: [CgroupController]
        public var settings: [ControlSetting]
    }

    /// One a hierarchy, however many controllers are mounted together there. Empty where no limit was asked for.
    public internal(set) var parts: [Part] = []

    /// A plan for nothing: no cgroup is made.
    public static let none = CgroupPlan()

    private init() {}

    /// - Throws: `.controllerUnavailable` naming the first controller that is on no hierarchy; `.invalidLimit`.
    public init(limits: CgroupLimits, layout: CgroupLayout) throws(CgroupError) {
        // A new controller is a file of its own and an entry here.
        let drivers: [any LimitController.Type] = [MemoryController.self, CPUController.self, PidsController.self]
        for driver in drivers where driver.isNeeded(for: limits) {
            let controller = driver.controller
            guard let hierarchy = layout.hierarchy(for: controller) else { throw .missing(controller, in: layout) }
            let settings = try driver.settings(for: limits, version: hierarchy.version)
            if let index = parts.firstIndex(where: { $0.hierarchy == hierarchy }) {
                parts[index].controllers.append(controller)
                parts[index].settings += settings
            } else {
                parts.append(Part(hierarchy: hierarchy, controllers: [controller], settings: settings))
            }
        }
    }
}

/// What one controller knows: when it is needed, and how each cgroup version spells its limits.
protocol LimitController {
    static var controller: CgroupController { get }
    static func isNeeded(for limits: CgroupLimits) -> Bool
    /// What to write, in order.
    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting]
}

extension CgroupError {
    static func missing(_ controller: CgroupController, in layout: CgroupLayout) -> CgroupError {
        let reason: String
        let hint: String
        switch layout.kind {
        case .none:
            reason = "no cgroup file system is mounted"
            hint = "mount -t cgroup2 cgroup2 /sys/fs/cgroup"
        case .v2:
            reason = "the kernel, or the container around this process, does not offer it"
            hint =
                "check cgroup_disable= on the kernel command line (some boards need cgroup_enable=\(controller.rawValue))"
        case .v1, .hybrid:
            reason = "it is mounted nowhere"
            hint = "mount its cgroup v1 hierarchy, or boot with systemd.unified_cgroup_hierarchy=1"
        }
        return CgroupError(.controllerUnavailable, controller.rawValue, reason: reason, hint: hint)
    }
}
