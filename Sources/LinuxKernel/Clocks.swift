// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Seconds since 1970. clock_gettime(2), `CLOCK_REALTIME`
public func realTimeSeconds() -> Int64 {
    var now = timespec()
    withUnsafeMutablePointer(to: &now) { now in
        _ = mt_syscall(Int(SYS_clock_gettime), Int(CLOCK_REALTIME), Int(bitPattern: now), 0, 0, 0, 0)
    }
    return Int64(now.tv_sec)
}

/// Nanoseconds since 1970, to 2262. clock_gettime(2), `CLOCK_REALTIME`
public func realTimeNanoseconds() -> Int64 {
    var now = timespec()
    withUnsafeMutablePointer(to: &now) { now in
        _ = mt_syscall(Int(SYS_clock_gettime), Int(CLOCK_REALTIME), Int(bitPattern: now), 0, 0, 0, 0)
    }
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
}

/// Blocks the calling thread. For short waits of synchronous code, never on the cooperative pool. nanosleep(2)
public func blockThread(for duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var rest = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    withUnsafeMutablePointer(to: &rest) { rest in
        let address = Int(bitPattern: rest)
        // An interrupted call leaves the time that remains in its second argument.
        while mt_syscall(Int(SYS_nanosleep), address, address, 0, 0, 0, 0) == -Int(EINTR) {}
    }
}
