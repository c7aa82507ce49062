// SPDX-License-Identifier: Apache-2.0

/// How much swap a sandbox may use on top of its memory.
public enum SwapLimit: Sendable, Equatable {
    case bytes(UInt64)
    case unlimited
}

/// What a cgroup is to be held to, and what it is to count. `nil`, empty and `false` were not asked for, and need no
/// controller.
///
/// A limit that this machine's cgroups cannot hold is an error of `CgroupPlan` or of `SandboxCgroup.create`, never less than
/// what was asked for.
public struct CgroupLimits: Sendable, Equatable {
    /// Bytes of memory, page cache, tmpfs and kernel objects included. Beyond it the kernel kills (v2: all at once; v1: one
    /// process, and init, which `memoryEventDescriptor` wakes, kills the rest).
    public var memory: UInt64?
    /// Bytes beyond which the kernel slows processes down and reclaims, without ever killing: `memory.high`, v2 alone.
    ///
    /// v1's `memory.soft_limit_in_bytes` is no substitute: it acts only when the whole machine runs short.
    public var memoryHigh: UInt64?
    /// Swap on top of `memory`.
    ///
    /// `nil` with a memory limit means none: a limit that swap stretches is no limit. Where the kernel does not account
    /// swap that is an error on a machine that has swap, unless `.unlimited` is asked for by name. A number asked for by
    /// name is always an error there.
    public var swap: SwapLimit?
    /// Thousandths of a CPU's time: 500 is half of one CPU.
    public var millicpus: UInt64?
    /// Over how long the CPU time of `millicpus` is measured out: 1,000 to 1,000,000 microseconds. Short periods are
    /// smoother, long ones cost less and allow bursts. `nil`: 100 ms, and 1 s for less than a hundredth of a CPU.
    public var cpuPeriodMicroseconds: UInt64?
    /// This sandbox's part of busy CPUs, against 100 of everything beside it: 1 to 10,000, as v2's `cpu.weight`.
    public var cpuWeight: UInt64?
    /// The CPUs to run on, as the kernel lists them: `0-3,5`.
    public var cpuset: String?
    /// The memory nodes to allocate from, as the kernel lists them: `0`.
    public var memoryNodes: String?
    /// Processes and threads alive at once.
    public var pids: UInt64?
    /// Bytes and operations a second, one entry a disk.
    public var io: [IOLimit]
    /// This sandbox's part of busy disks, against 100 of everything beside it: 1 to 10,000, as v2's `io.weight`; BFQ knows
    /// weights up to 1,000.
    public var ioWeight: UInt64?
    /// Bytes of huge pages, one entry a page size.
    public var hugetlb: [HugePageLimit]
    /// The only devices that may be opened or made; `nil` leaves devices alone, and an empty list allows none.
    public var devices: [DeviceRule]?
    /// Makes a cgroup that counts CPU time, whatever else is limited: for `cpuUsageSource` and `CgroupUsage.cpuTime`.
    public var accountsCPU: Bool
    /// Makes a cgroup that counts memory, whatever is limited: for `CgroupUsage.memoryPeak`.
    public var accountsMemory: Bool
    /// Makes a cgroup that `SandboxCgroup.freeze` can stop.
    public var freezes: Bool

    public init(
        memory: UInt64? = nil, memoryHigh: UInt64? = nil, swap: SwapLimit? = nil, millicpus: UInt64? = nil,
        cpuPeriodMicroseconds: UInt64? = nil, cpuWeight: UInt64? = nil, cpuset: String? = nil,
        memoryNodes: String? = nil, pids: UInt64? = nil, io: [IOLimit] = [], ioWeight: UInt64? = nil,
        hugetlb: [HugePageLimit] = [], devices: [DeviceRule]? = nil, accountsCPU: Bool = false,
        accountsMemory: Bool = false,
        freezes: Bool = false
    ) {
        self.memory = memory
        self.memoryHigh = memoryHigh
        self.swap = swap
        self.millicpus = millicpus
        self.cpuPeriodMicroseconds = cpuPeriodMicroseconds
        self.cpuWeight = cpuWeight
        self.cpuset = cpuset
        self.memoryNodes = memoryNodes
        self.pids = pids
        self.io = io
        self.ioWeight = ioWeight
        self.hugetlb = hugetlb
        self.devices = devices
        self.accountsCPU = accountsCPU
        self.accountsMemory = accountsMemory
        self.freezes = freezes
    }
}
