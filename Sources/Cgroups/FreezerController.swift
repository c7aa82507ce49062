// SPDX-License-Identifier: Apache-2.0

/// Stopping all of a sandbox at once: `freezer.state` on v1, and on v2 the `cgroup.freeze` that every cgroup has (Linux 5.2),
/// without a controller. Nothing is set when the cgroup is made.
enum FreezerController: LimitController {
    static let controller = CgroupController.freezer

    static func isNeeded(for limits: CgroupLimits) -> Bool { limits.freezes }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) -> [ControlSetting] { [] }

    /// What is written where, to freeze or to thaw.
    static func request(frozen: Bool, _ version: CgroupVersion) -> ControlSetting {
        switch version {
        case .v1: ControlSetting(file: "freezer.state", value: frozen ? "FROZEN" : "THAWED")
        case .v2: ControlSetting(file: "cgroup.freeze", value: frozen ? "1" : "0")
        }
    }

    /// Whether every process there stands still. v1 says FREEZING until then, and v2 `frozen 0`.
    static func isFrozen(_ files: ControlFiles, _ version: CgroupVersion) throws(CgroupError) -> Bool? {
        switch version {
        case .v1: try files.text("freezer.state").map { $0.hasPrefix("FROZEN") }
        case .v2: try files.number("frozen", in: "cgroup.events").map { $0 == 1 }
        }
    }
}
