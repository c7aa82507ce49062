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
}
