// SPDX-License-Identifier: Apache-2.0

/// CPU time: a quota (`cpu.max`; v1 `cpu.cfs_quota_us` with `cpu.cfs_period_us`) and a weight (`cpu.weight`; v1
/// `cpu.shares`).
enum CPUController: LimitController {
    static let controller = CgroupController.cpu

    static func isNeeded(for limits: CgroupLimits) -> Bool {
        limits.millicpus != nil || limits.cpuPeriodMicroseconds != nil || limits.cpuWeight != nil
    }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting] {
        var settings: [ControlSetting] = []
        if let (quota, period) = try quota(of: limits) {
            switch version {
            case .v1:
                // The period first: the kernel checks each write against the other's present value.
                settings.append(ControlSetting(file: "cpu.cfs_period_us", value: "\(period)"))
                settings.append(ControlSetting(file: "cpu.cfs_quota_us", value: "\(quota)"))
            case .v2: settings.append(ControlSetting(file: "cpu.max", value: "\(quota) \(period)"))
            }
        }
        if let weight = limits.cpuWeight {
            guard (1...10_000).contains(weight) else {
                throw CgroupError(
                    .invalidLimit, "cpu-weight", reason: "\(weight) is out of range",
                    hint: "give 1 to 10000, where 100 is what everything else has")
            }
            settings.append(
                version == .v1
                    ? ControlSetting(file: "cpu.shares", value: "\(shares(forWeight: weight))")
                    : ControlSetting(file: "cpu.weight", value: "\(weight)"))
        }
        return settings
    }

    /// What lifts a quota.
    static func unlimited(_ version: CgroupVersion) -> ControlSetting {
        version == .v1
            ? ControlSetting(file: "cpu.cfs_quota_us", value: "-1") : ControlSetting(file: "cpu.max", value: "max")
    }

    /// v1's shares for a v2 weight: 1024 for 100, and in proportion.
    ///
    /// The kernel's own conversion: a v2 weight and these shares are the same load weight to its scheduler, so the parts of
    /// a CPU that two sandboxes get are the same on both versions. OCI runtimes map the whole range of shares onto the range
    /// of weights instead, which keeps neither the default nor the proportions.
    /// kernel/sched/sched.h, sched_weight_from_cgroup
    static func shares(forWeight weight: UInt64) -> UInt64 { (weight * 1024 + 50) / 100 }

    /// Quota and period in microseconds; `nil` where CPU time is not limited.
    private static func quota(of limits: CgroupLimits) throws(CgroupError) -> (quota: UInt64, period: UInt64)? {
        guard let millicpus = limits.millicpus else {
            guard limits.cpuPeriodMicroseconds != nil else { return nil }
            throw CgroupError(
                .invalidLimit, "cpu-period", reason: "a period without a number of CPUs limits nothing",
                hint: "give cpus as well")
        }
        if millicpus == 0 || millicpus > 1_000_000_000 {
            throw CgroupError(
                .invalidLimit, "cpus", reason: "\(millicpus) thousandths of a CPU is out of range",
                hint: "give between 0.001 and 1000000 CPUs")
        }
        // The kernel takes no quota below 1 ms: below a hundredth of a CPU the period grows from 100 ms to its maximum, 1 s.
        let period = limits.cpuPeriodMicroseconds ?? (millicpus < 10 ? 1_000_000 : 100_000)
        guard (1_000...1_000_000).contains(period) else {
            throw CgroupError(
                .invalidLimit, "cpu-period", reason: "\(period) microseconds is out of range",
                hint: "give between 1000 (1 ms) and 1000000 (1 s)")
        }
        let quota = millicpus * period / 1000
        guard quota >= 1_000 else {
            throw CgroupError(
                .invalidLimit, "cpu-period",
                reason: "\(quota) of \(period) microseconds is below the kernel's least quota, 1000",
                hint: "give a period of at least \((1_000_000 + millicpus - 1) / millicpus) microseconds")
        }
        return (quota, period)
    }

    /// CPU time that limits took away. v1 counts nanoseconds, v2 microseconds.
    static func throttling(
        _ files: ControlFiles, _ version: CgroupVersion
    ) throws(CgroupError) -> (time: Duration?, periods: UInt64?) {
        guard let stat = try files.keyed("cpu.stat") else { return (nil, nil) }
        let time =
            version == .v1
            ? stat["throttled_time"].map { Duration.nanoseconds(Int64(clamping: $0)) }
            : stat["throttled_usec"].map { Duration.microseconds(Int64(clamping: $0)) }
        return (time, stat["nr_throttled"])
    }
}
