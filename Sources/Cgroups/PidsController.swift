// SPDX-License-Identifier: Apache-2.0

/// Processes and threads: `pids.max`, spelt alike on v1 and v2. Linux 4.3
enum PidsController: LimitController {
    static let controller = CgroupController.pids

    static func isNeeded(for limits: CgroupLimits) -> Bool { limits.pids != nil }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting] {
        guard let pids = limits.pids else { return [] }
        if pids == 0 {
            throw CgroupError(.invalidLimit, "pids", reason: "0 processes leaves no room for the first")
        }
        // The kernel refuses numbers above its own PID_MAX_LIMIT, 2^22, where `max` means the same.
        return [ControlSetting(file: "pids.max", value: pids > 4_194_304 ? "max" : "\(pids)")]
    }

    /// The most alive at once. Linux 6.1
    static func peak(_ files: ControlFiles) throws(CgroupError) -> UInt64? { try files.number("pids.peak") }

    /// How often a fork was refused because of a limit. Linux 4.8
    static func refusals(_ files: ControlFiles) throws(CgroupError) -> UInt64? {
        try files.number("max", in: "pids.events")
    }
}
