// SPDX-License-Identifier: Apache-2.0
import CLinux

/// How a process ended. wait(2)
public enum ExitStatus: Sendable, Equatable {
    case exited(Int32)
    case signaled(Int32)

    public init(waitStatus status: Int32) {
        self = mt_wifsignaled(status) != 0 ? .signaled(mt_wtermsig(status)) : .exited(mt_wexitstatus(status))
    }

    /// As shells and Docker report it: the code, or 128 and the signal.
    public var shellCode: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}

/// A signal's name, as `SIGKILL`; real-time ones as `SIGRTMIN+3`. signal(7)
public func signalName(_ signal: Int32) -> String {
    if let name = mt_signal_name(signal) { return "SIG" + String(cString: name) }
    return (34...64).contains(signal) ? "SIGRTMIN+\(signal - 34)" : "signal \(signal)"
}

/// A descriptor for a process, which cannot be mistaken for a later one of the same number. pidfd_open(2), Linux 5.3
public func openProcess(_ pid: Int32) throws(SystemError) -> Descriptor {
    Descriptor(owning: Int32(try kernel("pidfd_open", "pid \(pid)", Int(SYS_pidfd_open), Int(pid), 0)))
}

/// Sends a signal through a process descriptor; false where the process has ended. pidfd_send_signal(2), Linux 5.1
@discardableResult
public func sendSignal(_ signal: Int32, to process: borrowing Descriptor) throws(SystemError) -> Bool {
    do throws(SystemError) {
        try kernel(
            "pidfd_send_signal", "signal \(signal)", Int(SYS_pidfd_send_signal), Int(process.rawValue), Int(signal), 0,
            0)
        return true
    } catch where error.errno == .noProcess {
        return false
    } catch {
        throw error
    }
}

/// Waits for a child to end and reaps it. wait4(2)
public func reap(_ pid: Int32) throws(SystemError) -> ExitStatus {
    var status: Int32 = 0
    try withAddress(&status) { status throws(SystemError) in
        _ = try kernel("wait4", "pid \(pid)", Int(SYS_wait4), Int(pid), status, 0x4000_0000 /* __WALL */, 0)
    }
    return ExitStatus(waitStatus: status)
}

/// How many processors this process may run on; 1 where that cannot be told. sched_getaffinity(2)
public func onlineProcessors() -> UInt32 {
    var mask = [UInt64](repeating: 0, count: 128)
    let size = mask.count * 8
    let written = mask.withUnsafeMutableBytes { buffer in
        mt_syscall(Int(SYS_sched_getaffinity), 0, size, Int(bitPattern: buffer.baseAddress), 0, 0, 0)
    }
    guard written > 0 else { return 1 }
    return UInt32(max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount }))
}

public func processID() -> Int32 { Int32(mt_syscall(Int(SYS_getpid), 0, 0, 0, 0, 0, 0)) }
public func effectiveUID() -> UInt32 { UInt32(mt_syscall(Int(SYS_geteuid), 0, 0, 0, 0, 0, 0)) }
public func effectiveGID() -> UInt32 { UInt32(mt_syscall(Int(SYS_getegid), 0, 0, 0, 0, 0, 0)) }

/// A number that nobody can guess. getrandom(2)
public func randomNumber() throws(SystemError) -> UInt64 {
    var number: UInt64 = 0
    try withAddress(&number) { number throws(SystemError) in
        _ = try kernel("getrandom", nil, Int(SYS_getrandom), number, 8, 0)
    }
    return number
}

/// The effective capabilities of this process, bit by bit. capget(2)
public func effectiveCapabilities() throws(SystemError) -> UInt64 {
    var header = __user_cap_header_struct(version: 0x2008_0522 /* _LINUX_CAPABILITY_VERSION_3 */, pid: 0)
    var data = (__user_cap_data_struct(), __user_cap_data_struct())
    try withAddress(&header) { header throws(SystemError) in
        try withAddress(&data) { data throws(SystemError) in
            _ = try kernel("capget", nil, Int(SYS_capget), header, data)
        }
    }
    return UInt64(data.0.effective) | UInt64(data.1.effective) << 32
}
