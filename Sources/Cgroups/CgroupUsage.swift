// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// What a sandbox has used, and what its limits did to it. `nil` is what this kernel, or the cgroups made, do not count:
/// never zero.
public struct CgroupUsage: Sendable, Equatable {
    /// CPU time of all processes, ended ones included.
    public var cpuTime: Duration?
    /// The part of it that programs used, and the part the kernel used for them.
    public var userTime: Duration?
    public var systemTime: Duration?
    /// How long processes had to wait for the next period of their CPU limit, and in how many periods.
    public var throttledTime: Duration?
    public var throttledPeriods: UInt64?

    /// Bytes in use now, and the most in use at once (v2: Linux 5.19).
    public var memoryCurrent: UInt64?
    public var memoryPeak: UInt64?
    /// Bytes of swap. The peak: v2 alone, Linux 6.5.
    public var swapCurrent: UInt64?
    public var swapPeak: UInt64?
    public var memoryEvents = MemoryEvents()

    /// Processes and threads alive now, and the most alive at once (Linux 6.1).
    public var pidsCurrent: UInt64?
    public var pidsPeak: UInt64?
    /// How often a fork was refused at the pids limit.
    public var pidsRefusals: UInt64?

    /// Disks that were used. On v1, of those that a limit is set for somewhere on the machine: the kernel counts no others.
    public var io: [IOUsage]?

    /// Stalls; v2 alone.
    public var cpuPressure: PressureStall?
    public var memoryPressure: PressureStall?
    public var ioPressure: PressureStall?

    /// Processes taken by the OOM killer.
    public var oomKills: UInt64? { memoryEvents.oomKills }

    public init() {}
}

/// How often memory ran short, in the sandbox and in cgroups made inside it.
/// Documentation/admin-guide/cgroup-v2.rst, `memory.events`
public struct MemoryEvents: Sendable, Equatable {
    /// Memory under protection was reclaimed. v2
    public var low: UInt64?
    /// `CgroupLimits.memoryHigh` was passed. v2
    public var high: UInt64?
    /// The limit was reached, and reclaim began. v2
    public var max: UInt64?
    /// Reclaim did not help. v2
    public var oom: UInt64?
    /// Processes that the OOM killer took, because of any limit. v1: Linux 4.13
    public var oomKills: UInt64?
    /// How often it took everything at once. v2, Linux 5.17
    public var groupKills: UInt64?

    public init() {}
}

extension SandboxCgroup {
    /// Reads what has been used so far, whatever it was limited for; to be called before `remove`.
    ///
    /// - Throws: `.readFailed`, also where a cgroup has been removed.
    public func usage() throws(CgroupError) -> CgroupUsage {
        var usage = CgroupUsage()
        // A removed cgroup has no files, which is not the same as a kernel without them.
        for index in places.indices where !files(index).has("cgroup.procs") {
            throw CgroupError(.readFailed, places[index].path, cause: SystemError("access", .noEntry, "cgroup.procs"))
        }
        if let index = cpuAccountingIndex {
            (usage.cpuTime, usage.userTime, usage.systemTime) =
                try CPUAccounting.times(files(index), places[index].version)
        }
        let countedByV1 = places.filter { $0.version == .v1 }.flatMap(\.controllers)
        for (index, place) in places.enumerated() {
            let files = files(index)
            // A v2 cgroup has the files of whatever has been passed on for other sandboxes, too.
            let counted = [CgroupController.cpu, .memory, .pids, .io].filter { controller in
                place.version == .v1 ? place.controllers.contains(controller) : !countedByV1.contains(controller)
            }
            for controller in counted {
                switch controller {
                case .cpu:
                    (usage.throttledTime, usage.throttledPeriods) =
                        try CPUController.throttling(files, place.version)
                case .memory: try MemoryController.read(into: &usage, files, place.version)
                case .pids: try PidsController.read(into: &usage, files)
                case .io: usage.io = try IOController.usage(files, place.version)
                default: break
                }
            }
            if place.version == .v2 {
                usage.cpuPressure = try files.pressure("cpu.pressure")
                usage.memoryPressure = try files.pressure("memory.pressure")
                usage.ioPressure = try files.pressure("io.pressure")
            }
        }
        return usage
    }

    /// How many processes the OOM killer has taken here; `nil` where memory is not limited or the kernel does not count.
    ///
    /// - Throws: `.readFailed`
    public func oomKills() throws(CgroupError) -> UInt64? {
        guard let index = memoryIndex else { return nil }
        return try MemoryController.events(files(index), places[index].version).oomKills
    }

    /// A descriptor that becomes readable when memory runs out; `nil` on v2, where the kernel kills the whole cgroup
    /// itself, and where memory is not limited. v1's kernel kills one process: whoever waits for this, as init does, kills
    /// the rest.
    ///
    /// It also becomes readable when the cgroup is removed, and stays silent about kills before this call: `oomKills` tells.
    ///
    /// - Throws: `.readFailed`
    public func memoryEventDescriptor() throws(CgroupError) -> Descriptor? {
        guard let index = memoryIndex, places[index].version == .v1 else { return nil }
        let files = files(index)
        do throws(SystemError) {
            return try MemoryController.makeOOMEvent(files)
        } catch {
            throw CgroupError(.readFailed, "\(files.path)/cgroup.event_control", cause: error)
        }
    }

    private var memoryIndex: Int? { places.firstIndex { $0.controllers.contains(.memory) } }
}

extension MemoryController {
    static func read(
        into usage: inout CgroupUsage, _ files: ControlFiles, _ version: CgroupVersion
    ) throws(CgroupError) {
        usage.memoryEvents = try events(files, version)
        switch version {
        case .v1:
            usage.memoryCurrent = try files.number("memory.usage_in_bytes")
            usage.memoryPeak = try files.number("memory.max_usage_in_bytes")
            // memory.memsw.max_usage_in_bytes is the peak of a sum, from which no peak of swap follows.
            usage.swapCurrent = try files.number("total_swap", in: "memory.stat")
        case .v2:
            usage.memoryCurrent = try files.number("memory.current")
            usage.memoryPeak = try files.number("memory.peak")
            usage.swapCurrent = try files.number("memory.swap.current")
            usage.swapPeak = try files.number("memory.swap.peak")
        }
    }

    static func events(_ files: ControlFiles, _ version: CgroupVersion) throws(CgroupError) -> MemoryEvents {
        var events = MemoryEvents()
        switch version {
        case .v1:
            // memory.failcnt is no `max`: it stays 0 on Linux 6.18, whatever happens.
            events.oomKills = try files.number("oom_kill", in: "memory.oom_control")
        case .v2:
            let numbers = try files.keyed("memory.events") ?? [:]
            events.low = numbers["low"]
            events.high = numbers["high"]
            events.max = numbers["max"]
            events.oom = numbers["oom"]
            events.oomKills = numbers["oom_kill"]
            events.groupKills = numbers["oom_group_kill"]
        }
        return events
    }
}

extension PidsController {
    static func read(into usage: inout CgroupUsage, _ files: ControlFiles) throws(CgroupError) {
        usage.pidsCurrent = try files.number("pids.current")
        usage.pidsPeak = try files.number("pids.peak")
        // Linux 4.8
        usage.pidsRefusals = try files.number("max", in: "pids.events")
    }
}

extension IOController {
    static func usage(_ files: ControlFiles, _ version: CgroupVersion) throws(CgroupError) -> [IOUsage]? {
        switch version {
        case .v1:
            // With cgroups made inside, which the plain files leave out. Linux 5.0
            guard let bytes = try files.text("blkio.throttle.io_service_bytes_recursive"),
                let operations = try files.text("blkio.throttle.io_serviced_recursive")
            else { return nil }
            return IOUsage.ofBlkio(bytes: bytes, operations: operations)
        case .v2: return try files.text("io.stat").map(IOUsage.ofStat)
        }
    }
}

extension ControlFiles {
    /// What a pressure file says; `nil` where the kernel has none, or does not measure (`psi=0`, or `cgroup.pressure` 0).
    fileprivate func pressure(_ file: String) throws(CgroupError) -> PressureStall? {
        do throws(SystemError) {
            return try readText(file, at: .descriptor(descriptor)).flatMap { PressureStall($0) }
        } catch where error.errno == .notSupported {
            return nil
        } catch {
            throw CgroupError(.readFailed, "\(path)/\(file)", cause: error)
        }
    }
}
