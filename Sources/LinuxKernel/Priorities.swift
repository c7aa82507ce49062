// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The nice value of a process, 0 for the calling thread. getpriority(2)
public func niceValue(of pid: Int32 = 0) throws(SystemError) -> Int32 {
    // The kernel's own answer is 1 to 40, so that none of them is an errno. getpriority(2), "C library/kernel differences"
    20 - Int32(try kernel("getpriority", "pid \(pid)", Int(SYS_getpriority), Int(PRIO_PROCESS.rawValue), Int(pid)))
}

/// Sets it. Lowering it takes CAP_SYS_NICE in the initial user namespace, or room in RLIMIT_NICE. setpriority(2)
public func setNiceValue(of pid: Int32, _ value: Int32) throws(SystemError) {
    try kernel("setpriority", "pid \(pid)", Int(SYS_setpriority), Int(PRIO_PROCESS.rawValue), Int(pid), Int(value))
}

/// A soft and a hard limit; `UInt64.max` is none.
public struct ResourceLimits: Sendable, Equatable {
    public var soft: UInt64
    public var hard: UInt64
    public init(soft: UInt64, hard: UInt64) {
        self.soft = soft
        self.hard = hard
    }
}

/// The limits of a process, 0 for this one. prlimit(2)
///
/// - Parameter resource: the kernel's number, as `RLIMIT_CORE`.
public func resourceLimits(_ resource: UInt32, of pid: Int32 = 0) throws(SystemError) -> ResourceLimits {
    var limits = ResourceLimits(soft: 0, hard: 0)  // laid out as struct rlimit64
    try withAddress(&limits) { limits throws(SystemError) in
        _ = try kernel("prlimit", "pid \(pid)", Int(SYS_prlimit64), Int(pid), Int(resource), 0, limits)
    }
    return limits
}

/// Sets them. Raising a hard limit takes CAP_SYS_RESOURCE in the initial user namespace. prlimit(2)
public func setResourceLimits(_ resource: UInt32, of pid: Int32, _ new: ResourceLimits) throws(SystemError) {
    var new = new
    try withAddress(&new) { new throws(SystemError) in
        _ = try kernel("prlimit", "pid \(pid)", Int(SYS_prlimit64), Int(pid), Int(resource), new)
    }
}
