// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A step that failed: an errno for the host to put into words.
struct StepError: Error {
    let errno: Int32
    init(_ errno: Int32) { self.errno = errno }
}

/// One system call; retries EINTR.
@discardableResult @inline(__always)
func sys(
    _ number: Int, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0, _ e: Int = 0
) throws(StepError) -> Int {
    while true {
        let result = mt_syscall(number, a, b, c, d, e, 0)
        if result >= 0 { return result }
        if result != -Int(EINTR) { throw StepError(Int32(truncatingIfNeeded: -result)) }
    }
}

@inline(__always) func word(_ pointer: UnsafeRawPointer) -> Int { Int(bitPattern: pointer) }
@inline(__always) func literal(_ text: StaticString) -> Int { Int(bitPattern: text.utf8Start) }

/// Calls `body` with the address of a value, which the kernel may read and write until `body` returns.
@discardableResult @inline(__always)
func withWord<Value, Result>(_ value: inout Value, _ body: (Int) throws(StepError) -> Result) throws(StepError)
    -> Result
{
    try withUnsafeMutablePointer(to: &value) { pointer throws(StepError) in try body(Int(bitPattern: pointer)) }
}

/// Reads an option of a socket's own level; false where it has none. getsockopt(2)
func readSocketOption<Value>(_ option: Int, of socket: Int, into value: inout Value) -> Bool {
    var length = UInt32(MemoryLayout<Value>.size)
    return withUnsafeMutablePointer(to: &value) { value in
        withUnsafeMutablePointer(to: &length) { length in
            mt_syscall(
                Int(SYS_getsockopt), socket, Int(SOL_SOCKET), option, Int(bitPattern: value), Int(bitPattern: length), 0
            )
        }
    } == 0
}

func close(_ descriptor: Int) { _ = mt_syscall(Int(SYS_close), descriptor, 0, 0, 0, 0, 0) }

func fileStatus(_ descriptor: Int) throws(StepError) -> stat {
    var result = stat()
    try withWord(&result) { result throws(StepError) in try sys(Int(SYS_fstat), descriptor, result) }
    return result
}

/// Writes to the caller's standard error: only for refusals before any sandbox exists.
func complain(_ text: StaticString) {
    _ = mt_syscall(Int(SYS_write), 2, literal(text), text.utf8CodeUnitCount, 0, 0, 0)
}

func exitNow(_ code: Int32) -> Never {
    while true { _ = mt_syscall(Int(SYS_exit_group), Int(code), 0, 0, 0, 0, 0) }
}

/// CLOCK_MONOTONIC in nanoseconds.
func monotonicTime() -> UInt64 {
    var time = timespec()
    withUnsafeMutablePointer(to: &time) { time in
        _ = mt_syscall(Int(SYS_clock_gettime), Int(CLOCK_MONOTONIC), Int(bitPattern: time), 0, 0, 0, 0)
    }
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// CLOCK_REALTIME in nanoseconds since 1970.
func realTime() -> UInt64 {
    var time = timespec()
    withUnsafeMutablePointer(to: &time) { time in
        _ = mt_syscall(Int(SYS_clock_gettime), Int(CLOCK_REALTIME), Int(bitPattern: time), 0, 0, 0, 0)
    }
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// CPU time that init itself has used, in microseconds.
func ownCPUTime() -> UInt64 {
    let own = resourceUsage(Int32(RUSAGE_SELF.rawValue))
    return UInt64(own.ru_utime.tv_sec + own.ru_stime.tv_sec) * 1_000_000
        + UInt64(own.ru_utime.tv_usec + own.ru_stime.tv_usec)
}

func resourceUsage(_ whose: Int32) -> rusage {
    var usage = rusage()
    withUnsafeMutablePointer(to: &usage) { usage in
        _ = mt_syscall(Int(SYS_getrusage), Int(whose), Int(bitPattern: usage), 0, 0, 0, 0)
    }
    return usage
}
