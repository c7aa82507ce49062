// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Memory and swap: `memory.max` and its kin, and `memory.limit_in_bytes` on v1.
///
/// v2 counts swap apart (`memory.swap.max`) and kills a cgroup as a whole (`memory.oom.group`, Linux 4.19). v1 counts memory
/// and swap together (`memory.memsw.limit_in_bytes`) and kills one process: whoever runs the sandbox waits for
/// `makeOOMEvent` and kills the rest.
enum MemoryController: LimitController {
    static let controller = CgroupController.memory

    static func isNeeded(for limits: CgroupLimits) -> Bool {
        if limits.memory != nil { return true }
        if case .bytes = limits.swap { return true }
        return false
    }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting] {
        if limits.memory == 0 {
            throw CgroupError(.invalidLimit, "memory", reason: "0 bytes leaves no room to start in")
        }
        return switch version {
        case .v1: try settingsV1(limits)
        case .v2: settingsV2(limits)
        }
    }

    private static func settingsV1(_ limits: CgroupLimits) throws(CgroupError) -> [ControlSetting] {
        guard let memory = limits.memory else {
            throw CgroupError(
                .invalidLimit, "swap", reason: "cgroup v1 counts memory and swap together",
                hint: "limit memory as well")
        }
        var settings = [ControlSetting(file: "memory.limit_in_bytes", value: "\(memory)")]
        // After the memory limit, because the sum may never be below it.
        switch limits.swap {
        case .unlimited: break
        case .bytes(let swap):
            let (sum, overflow) = memory.addingReportingOverflow(swap)
            let value = overflow ? "-1" : "\(sum)"
            settings.append(ControlSetting(file: "memory.memsw.limit_in_bytes", value: value))
        case nil:
            settings.append(
                ControlSetting(file: "memory.memsw.limit_in_bytes", value: "\(memory)", necessity: .withSwap))
        }
        return settings
    }

    private static func settingsV2(_ limits: CgroupLimits) -> [ControlSetting] {
        var settings: [ControlSetting] = []
        if let memory = limits.memory {
            settings.append(ControlSetting(file: "memory.max", value: "\(memory)"))
            settings.append(ControlSetting(file: "memory.oom.group", value: "1"))
        }
        switch limits.swap {
        case .unlimited: break
        case .bytes(let swap): settings.append(ControlSetting(file: "memory.swap.max", value: "\(swap)"))
        case nil: settings.append(ControlSetting(file: "memory.swap.max", value: "0", necessity: .withSwap))
        }
        return settings
    }

    /// The most memory in use at once, in bytes. v2: `memory.peak`, Linux 5.19
    static func peak(_ files: ControlFiles, _ version: CgroupVersion) throws(CgroupError) -> UInt64? {
        try files.number(version == .v1 ? "memory.max_usage_in_bytes" : "memory.peak")
    }

    /// Processes that the OOM killer took, because of any limit. v1: Linux 4.13
    static func oomKills(_ files: ControlFiles, _ version: CgroupVersion) throws(CgroupError) -> UInt64? {
        try files.number("oom_kill", in: version == .v1 ? "memory.oom_control" : "memory.events")
    }

    /// An event descriptor that becomes readable when a v1 cgroup runs out of memory, and once more when it is removed.
    /// Documentation/admin-guide/cgroup-v1/memory.rst, section 10
    static func makeOOMEvent(_ files: ControlFiles) throws(SystemError) -> Descriptor {
        let event = try makeEventDescriptor()
        let control = try open("memory.oom_control", at: .descriptor(files.descriptor))
        try files.write("\(event.rawValue) \(control.rawValue)", to: "cgroup.event_control")
        return event
    }
}
