// SPDX-License-Identifier: Apache-2.0

/// CPU time: `cpu.max`, and `cpu.cfs_quota_us` with `cpu.cfs_period_us` on v1.
enum CPUController: LimitController {
    static let controller = CgroupController.cpu

    static func isNeeded(for limits: CgroupLimits) -> Bool { limits.millicpus != nil }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting] {
        guard let millicpus = limits.millicpus else { return [] }
        if millicpus == 0 || millicpus > 1_000_000_000 {
            throw CgroupError(
                .invalidLimit, "cpus", reason: "\(millicpus) thousandths of a CPU is out of range",
                hint: "give between 0.001 and 1000000 CPUs")
        }
        // The kernel takes no quota below 1 ms: below a hundredth of a CPU the period grows from 100 ms to its maximum, 1 s.
        let periodMicroseconds: UInt64 = millicpus < 10 ? 1_000_000 : 100_000
        let quotaMicroseconds = millicpus * (periodMicroseconds / 1000)
        return switch version {
        case .v1:
            // The period first: the kernel checks each write against the other's present value.
            [
                ControlSetting(file: "cpu.cfs_period_us", value: "\(periodMicroseconds)"),
                ControlSetting(file: "cpu.cfs_quota_us", value: "\(quotaMicroseconds)"),
            ]
        case .v2: [ControlSetting(file: "cpu.max", value: "\(quotaMicroseconds) \(periodMicroseconds)")]
        }
    }

    /// CPU time used. v1: `cpuacct.usage`, which is here only where cpu and cpuacct are mounted together.
    static func timeUsed(_ files: ControlFiles, _ version: CgroupVersion) throws(CgroupError) -> Duration? {
        switch version {
        case .v1: try files.number("cpuacct.usage").map { .nanoseconds(Int64(clamping: $0)) }
        case .v2: try files.number("usage_usec", in: "cpu.stat").map { .microseconds(Int64(clamping: $0)) }
        }
    }
}
