// SPDX-License-Identifier: Apache-2.0

/// Which hierarchies a sandbox's limits need a cgroup in, and what is written there, in order. Pure.
public struct CgroupPlan: Sendable, Equatable {
    public struct Part: Sendable, Equatable {
        public var hierarchy: CgroupHierarchy
        public var controllers: [CgroupController]
        public var settings: [ControlSetting]
        /// The devices to allow by a program (v2); v1's lists are among the settings.
        public var devices: [DeviceRule]?

        /// Those of the controllers that v2 has, and passes on, by that name.
        var delegable: [CgroupController] { controllers.filter { $0.nameInV2 != nil } }
    }

    /// One a hierarchy, however many controllers are mounted together there. Empty where no limit was asked for.
    public internal(set) var parts: [Part] = []

    /// A plan for nothing: no cgroup is made.
    public static let none = CgroupPlan()

    private init() {}

    /// - Throws: `.controllerUnavailable` naming the first controller that is on no hierarchy; `.invalidLimit`.
    public init(limits: CgroupLimits, layout: CgroupLayout) throws(CgroupError) {
        for driver in limitControllers where driver.isNeeded(for: limits) {
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
        for index in parts.indices {
            let part = parts[index]
            if part.hierarchy.version == .v2, part.controllers.contains(.devices) {
                parts[index].devices = limits.devices
            }
            // A v1 hierarchy that cpuset shares takes no process into a cgroup without CPUs, whatever the cgroup is for.
            if part.hierarchy.version == .v1, part.hierarchy.controllers.contains(.cpuset),
                !part.controllers.contains(.cpuset)
            {
                parts[index].settings.insert(
                    contentsOf: try CPUSetController.settings(for: CgroupLimits(), version: .v1), at: 0)
            }
        }
    }
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
