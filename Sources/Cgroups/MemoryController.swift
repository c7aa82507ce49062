// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Memory and swap: `memory.max`, `memory.high` and their kin, and `memory.limit_in_bytes` on v1.
///
/// v2 counts swap apart (`memory.swap.max`) and kills a cgroup as a whole (`memory.oom.group`, Linux 4.19). v1 counts memory
/// and swap together (`memory.memsw.limit_in_bytes`) and kills one process: whoever runs the sandbox waits for
/// `makeOOMEvent` and kills the rest.
enum MemoryController: LimitController {
    static let controller = CgroupController.memory

    static func isNeeded(for limits: CgroupLimits) -> Bool {
        if limits.memory != nil || limits.memoryHigh != nil || limits.accountsMemory { return true }
        if case .bytes = limits.swap { return true }
        return false
    }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting] {
        if limits.memory == 0 {
            throw CgroupError(.invalidLimit, "memory", reason: "0 bytes leaves no room to start in")
        }
        if let high = limits.memoryHigh { try check(high, limits, version) }
        if limits.memory == nil, limits.memoryHigh == nil, limits.swap == nil { return [] }
        return switch version {
        case .v1: try settingsV1(limits)
        case .v2: settingsV2(limits)
        }
    }

    private static func check(
        _ high: UInt64, _ limits: CgroupLimits, _ version: CgroupVersion
    ) throws(CgroupError) {
        if version == .v1 {
            throw CgroupError(
                .invalidLimit, "memory-high", reason: "cgroup v1 cannot slow down what uses too much memory",
                hint: "limit memory, or boot with systemd.unified_cgroup_hierarchy=1")
        }
        if high == 0 {
            throw CgroupError(.invalidLimit, "memory-high", reason: "0 bytes slows everything down from the start")
        }
        if let memory = limits.memory, high > memory {
            throw CgroupError(
                .invalidLimit, "memory-high", reason: "it is above the memory limit, and would never be reached",
                hint: "give less than \(memory) bytes")
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
        if let high = limits.memoryHigh { settings.append(ControlSetting(file: "memory.high", value: "\(high)")) }
        if let memory = limits.memory {
            settings.append(ControlSetting(file: "memory.max", value: "\(memory)"))
            settings.append(ControlSetting(file: "memory.oom.group", value: "1"))
        }
        switch limits.swap {
        case .unlimited: break
        case .bytes(let swap): settings.append(ControlSetting(file: "memory.swap.max", value: "\(swap)"))
        case nil where limits.memory != nil:
            settings.append(ControlSetting(file: "memory.swap.max", value: "0", necessity: .withSwap))
        case nil: break
        }
        return settings
    }

    static func apply(
        _ setting: ControlSetting, to files: ControlFiles, _ version: CgroupVersion
    ) throws(CgroupError) {
        if setting.necessity == .withSwap, !files.has(setting.file) {
            if try !machineHasSwap() { return }
            throw CgroupError(
                .swapUncontrolled, files.path, reason: "this kernel does not account swap, and the machine has some",
                hint: "boot with swapaccount=1, turn swap off, or accept it with a swap limit of max")
        }
        try write(setting, to: files)
    }

    static func cure(for refusal: SystemError, of setting: ControlSetting, in files: ControlFiles) -> String? {
        guard refusal.errno == .noEntry, setting.file.contains("sw") else { return nil }
        return "this kernel does not account swap: boot with swapaccount=1"
    }

    /// Whether a swap device is on now; one added later is the administrator's decision. proc(5), /proc/swaps
    private static func machineHasSwap() throws(CgroupError) -> Bool {
        do throws(SystemError) {
            // A heading, and a line a device; no file where the kernel has no swap at all.
            return try (readText("/proc/swaps") ?? "").split(separator: "\n").count > 1
        } catch {
            throw CgroupError(.readFailed, "/proc/swaps", cause: error)
        }
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
