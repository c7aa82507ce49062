// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Starts the agent again after an end that was no success, each time after a longer pause: 100 ms, doubled up to ten seconds.
struct Restarts {
    /// How often at most; `UInt32.max` for without end.
    var most: UInt32 = 0
    /// Readable when the pause is over; -1 where the agent is never started again.
    private(set) var timer = -1
    private var count: UInt32 = 0
    /// How the agent ended, while it is not there.
    private(set) var lastStatus: Int32?

    mutating func prepare() throws(StepError) {
        guard most > 0 else { return }
        timer = try sys(Int(SYS_timerfd_create), Int(CLOCK_MONOTONIC), Int(O_CLOEXEC | O_NONBLOCK))
    }

    /// Whether the agent is to be started again after this end; begins the pause.
    mutating func begin(after status: Int32) -> Bool {
        guard timer >= 0, status != 0, most == .max || count < most else { return false }
        let pause = min(100_000_000 << Int(min(count, 7)), 10_000_000_000)
        var time: (Int, Int, Int, Int) = (0, 0, pause / 1_000_000_000, pause % 1_000_000_000)
        do throws(StepError) {
            try withWord(&time) { time throws(StepError) in try sys(Int(SYS_timerfd_settime), timer, 0, time, 0) }
        } catch { return false }
        count = count &+ 1
        lastStatus = status
        return true
    }

    /// The pause is over, and the agent there again.
    mutating func end() {
        var expirations: UInt64 = 0
        withUnsafeMutablePointer(to: &expirations) { expirations in
            _ = mt_syscall(Int(SYS_read), timer, Int(bitPattern: expirations), 8, 0, 0, 0)
        }
        lastStatus = nil
    }
}
