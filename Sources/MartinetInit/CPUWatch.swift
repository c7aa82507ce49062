// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Holds all processes together to an amount of CPU time: reads the cgroup's count, and sleeps as long as the rest lasts if
/// every processor is used.
struct CPUWatch {
    /// The cgroup's `cpuacct.usage` (v1: nanoseconds) or `cpu.stat` (v2: `usage_usec MICROSECONDS` first), or -1.
    var file = -1
    var isUnified = false
    /// Nanoseconds from the agent's start.
    var limit: UInt64 = 0
    /// Processors that can be used at once, 1 or more.
    var parallelism: UInt64 = 1

    private(set) var timer = -1
    private var base: UInt64 = 0
    private var ownBase: UInt64 = 0
    /// Init's own time is known to the microsecond only: what ends a run must not be reported as less than the limit.
    private static let precision: UInt64 = 4000

    mutating func prepare() throws(StepError) {
        guard file >= 0 else { return }
        timer = try sys(Int(SYS_timerfd_create), Int(CLOCK_MONOTONIC), Int(O_CLOEXEC | O_NONBLOCK))
        base = try usage()
        ownBase = ownCPUTime()
        try sleep(limit)
    }

    /// Whether the time is used up; sets the timer anew where it is not. A count that cannot be read ends the run: a limit
    /// that is not held is none.
    mutating func isUsedUp() -> Bool {
        var expirations: UInt64 = 0
        do throws(StepError) {
            do throws(StepError) {
                try withWord(&expirations) { count throws(StepError) in try sys(Int(SYS_read), timer, count, 8) }
            } catch where error.errno == EAGAIN {}
            // Init is in the cgroup, and is not who the limit is for.
            let used = try usage() &- base
            let own = (ownCPUTime() &- ownBase) &* 1000 &+ Self.precision
            let spent = used > own ? used - own : 0
            if spent >= limit { return true }
            try sleep(limit - spent)
            return false
        } catch { return true }
    }

    private func sleep(_ rest: UInt64) throws(StepError) {
        let span = max(rest / parallelism, 1_000_000)
        var time: (Int, Int, Int, Int) = (0, 0, Int(span / 1_000_000_000), Int(span % 1_000_000_000))
        try withWord(&time) { time throws(StepError) in try sys(Int(SYS_timerfd_settime), timer, 0, time, 0) }
    }

    private func usage() throws(StepError) -> UInt64 {
        try withUnsafeTemporaryAllocationOf(64) { text throws(StepError) in
            let count = try sys(Int(SYS_pread64), file, word(text), 64, 0)
            var value: UInt64 = 0
            var digits = 0
            for index in 0..<count {
                let digit = Int(text[index]) - 48
                if digit >= 0, digit <= 9 {
                    value = value &* 10 &+ UInt64(digit)
                    digits += 1
                } else if digits > 0 {
                    break
                }
            }
            guard digits > 0 else { throw StepError(EBADMSG) }
            return isUnified ? value &* 1000 : value
        }
    }
}
