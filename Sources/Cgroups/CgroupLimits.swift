// SPDX-License-Identifier: Apache-2.0

/// How much swap a sandbox may use on top of its memory.
public enum SwapLimit: Sendable, Equatable {
    case bytes(UInt64)
    case unlimited
}

/// What a cgroup is to be held to. `nil` was not asked for, and needs no controller.
public struct CgroupLimits: Sendable, Equatable {
    /// Bytes of memory, page cache, tmpfs and kernel objects included. Beyond it the kernel kills (v2: all at once).
    public var memory: UInt64?
    /// Swap on top of `memory`.
    ///
    /// `nil` with a memory limit means none: a limit that swap stretches is no limit. Where the kernel does not account
    /// swap that is an error on a machine that has swap, unless `.unlimited` is asked for by name. A number asked for by
    /// name is always an error there.
    public var swap: SwapLimit?
    /// Thousandths of a CPU's time: 500 is half of one CPU.
    public var millicpus: UInt64?
    /// Processes and threads alive at once.
    public var pids: UInt64?

    public init(memory: UInt64? = nil, swap: SwapLimit? = nil, millicpus: UInt64? = nil, pids: UInt64? = nil) {
        self.memory = memory
        self.swap = swap
        self.millicpus = millicpus
        self.pids = pids
    }
}
