// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What poll(2) waits for, and found.
public struct PollEvents: OptionSet, Sendable {
    public let rawValue: Int16
    public init(rawValue: Int16) { self.rawValue = rawValue }
    public static let readable = PollEvents(rawValue: Int16(POLLIN))
    public static let writable = PollEvents(rawValue: Int16(POLLOUT))
    public static let hungUp = PollEvents(rawValue: Int16(POLLHUP))
    public static let failed = PollEvents(rawValue: Int16(POLLERR))
}

/// Waits until one of the descriptors is ready or `milliseconds` have passed (-1: forever), and returns what is ready, in
/// the order given. poll(2)
public func poll(_ interests: [(descriptor: Int32, events: PollEvents)], milliseconds: Int32 = -1) throws(SystemError)
    -> [PollEvents]
{
    var entries = interests.map { pollfd(fd: $0.descriptor, events: $0.events.rawValue, revents: 0) }
    var failure: SystemError?
    let count = entries.count
    entries.withUnsafeMutableBufferPointer { buffer in
        do throws(SystemError) {
            try kernelPoll(buffer.baseAddress, count, milliseconds)
        } catch { failure = error }
    }
    if let failure { throw failure }
    return entries.map { PollEvents(rawValue: $0.revents) }
}

private func kernelPoll(_ entries: UnsafeMutablePointer<pollfd>?, _ count: Int, _ milliseconds: Int32)
    throws(SystemError)
{
    // ppoll(2) rather than poll(2): aarch64 has only the former.
    var timeout = timespec(tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
    try withAddress(&timeout) { timeout throws(SystemError) in
        _ = try kernel(
            "poll", nil, Int(SYS_ppoll), Int(bitPattern: entries), count, milliseconds < 0 ? 0 : timeout, 0, 8)
    }
}

/// A set of signals, numbered from 1. sigset_t of the kernel: 64 bits.
public struct SignalSet: Sendable, Equatable {
    public var rawValue: UInt64
    public init(_ signals: [Int32]) { rawValue = signals.reduce(0) { $0 | 1 << UInt64($1 - 1) } }
    init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let all = SignalSet(rawValue: ~0)
}

/// Replaces the calling thread's signal mask and returns the old one. rt_sigprocmask(2)
@discardableResult
public func setSignalMask(_ set: SignalSet) -> SignalSet {
    var new = set.rawValue
    var old: UInt64 = 0
    withUnsafeMutablePointer(to: &new) { new in
        withUnsafeMutablePointer(to: &old) { old in
            _ = mt_syscall(
                Int(SYS_rt_sigprocmask), Int(SIG_SETMASK), Int(bitPattern: new), Int(bitPattern: old), 8, 0, 0)
        }
    }
    return SignalSet(rawValue: old)
}

/// A descriptor from which blocked signals are read. signalfd4(2)
public func makeSignalDescriptor(_ set: SignalSet) throws(SystemError) -> Descriptor {
    var mask = set.rawValue
    let raw = try withAddress(&mask) { mask throws(SystemError) in
        try kernel("signalfd", nil, Int(SYS_signalfd4), -1, mask, 8, Int(SFD_CLOEXEC))
    }
    return Descriptor(owning: Int32(raw))
}

/// The next signal from a signal descriptor. signalfd(2)
public func readSignal(_ descriptor: borrowing Descriptor) throws(SystemError) -> Int32 {
    var info = signalfd_siginfo()
    let raw = descriptor.rawValue
    try withAddress(&info) { info throws(SystemError) in
        _ = try kernel("read", "signalfd", Int(SYS_read), Int(raw), info, MemoryLayout<signalfd_siginfo>.size)
    }
    return Int32(info.ssi_signo)
}

/// A counter to be signalled through. eventfd2(2)
public func makeEventDescriptor() throws(SystemError) -> Descriptor {
    Descriptor(owning: Int32(try kernel("eventfd", nil, Int(SYS_eventfd2), 0, Int(EFD_CLOEXEC))))
}

/// The monotonic clock. clock_gettime(2)
public func monotonicNow() -> Duration {
    var now = timespec()
    withUnsafeMutablePointer(to: &now) { now in
        _ = mt_syscall(Int(SYS_clock_gettime), Int(CLOCK_MONOTONIC), Int(bitPattern: now), 0, 0, 0, 0)
    }
    return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec)
}

/// Runs `body` without the signals that a write raises in its own thread: SIGPIPE where nobody reads any more, SIGXFSZ
/// beyond the caller's limit of file sizes. The error says the same. signal(7), setrlimit(2)
public func withoutSignalsOfWriting<Value>(_ body: () -> Value) -> Value {
    var set = SignalSet([SIGPIPE, SIGXFSZ]).rawValue
    var old: UInt64 = 0
    return withUnsafeMutablePointer(to: &set) { set in
        withUnsafeMutablePointer(to: &old) { old in
            let (set, old) = (Int(bitPattern: set), Int(bitPattern: old))
            _ = mt_syscall(Int(SYS_rt_sigprocmask), Int(SIG_BLOCK), set, old, 8, 0, 0)
            let result = body()
            // One that waits would be delivered as soon as it may be: taken off first. sigtimedwait(2)
            var now = timespec(tv_sec: 0, tv_nsec: 0)
            withUnsafeMutablePointer(to: &now) { now in
                while mt_syscall(Int(SYS_rt_sigtimedwait), set, 0, Int(bitPattern: now), 8, 0, 0) > 0 {}
            }
            _ = mt_syscall(Int(SYS_rt_sigprocmask), Int(SIG_SETMASK), old, 0, 8, 0, 0)
            return result
        }
    }
}
