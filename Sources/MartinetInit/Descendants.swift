// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Everything that descends from init, where no PID namespace holds it together: init is its subreaper, so that whoever
/// loses its parent becomes init's child, and /proc tells who is whose. PR_SET_CHILD_SUBREAPER(2const), proc_pid_stat(5)
///
/// A signal goes to a process descriptor whose process was looked at once more after it was opened: a number may be another
/// process's by then.
struct Descendants {
    /// What one look at /proc found.
    private struct Count: Equatable {
        var alive = 0
        var dead = 0
    }

    /// Signals all of them that a single look finds.
    func signal(_ number: Int) { _ = signalOnce(number) }

    /// Nanoseconds of killing without reaping, and as many again with.
    private static let patience: UInt64 = 10_000_000_000

    /// Kills all of them, also those that are born meanwhile, and reaps them; false if some still live after twenty seconds.
    ///
    /// Nothing is reaped at first: who forks and exits without end leaves a zombie each time, and so meets the limit of
    /// processes. When two looks find nobody alive and nobody newly dead, or after ten seconds, the dead are reaped, a tracee's
    /// threads among them, which nobody but their tracer can. The end is reached when init has no child any more.
    func endAll() -> Bool {
        let begin = monotonicTime()
        var last = Count(alive: -1)
        var pause = 100_000
        while true {
            let count = signalOnce(Int(SIGKILL))
            let spent = monotonicTime() &- begin
            if count.alive == 0 && count == last || spent > Self.patience, reapDead() { return true }
            if spent > 2 * Self.patience { return false }
            last = count
            nap(pause)
            pause = min(pause * 2, 25_000_000)
        }
    }

    /// Reaps who is dead already; true where init has no child any more, and so nobody descends from it.
    func reapDead() -> Bool {
        while true {
            let pid = mt_syscall(Int(SYS_wait4), -1, 0, Int(WNOHANG) | 0x4000_0000 /* __WALL */, 0, 0, 0)
            if pid == 0 { return false }
            if pid < 0, pid != -Int(EINTR) { return pid == -Int(ECHILD) }
        }
    }

    private func nap(_ nanoseconds: Int) {
        var time = timespec(tv_sec: 0, tv_nsec: nanoseconds)
        withUnsafeMutablePointer(to: &time) { time in
            _ = mt_syscall(Int(SYS_clock_nanosleep), Int(CLOCK_MONOTONIC), 0, Int(bitPattern: time), 0, 0, 0)
        }
    }

    private func signalOnce(_ number: Int) -> Count {
        var count = Count()
        var table = ProcessTable()
        defer { table.free() }
        table.fill()
        // What could not be looked at may be alive.
        if table.isIncomplete { count.alive += 1 }
        count.alive += signalChildren(number, but: table)
        let own = Int32(mt_syscall(Int(SYS_getpid), 0, 0, 0, 0, 0, 0))
        for index in 0..<table.count where table.descends(index, from: own) {
            let process = table[index]
            if process.isDead {
                count.dead += 1
            } else {
                count.alive += 1
                send(number, to: process, table.directory)
            }
        }
        return count
    }

    /// Signals init's own children that the table does not have: /proc may hide others' processes (hidepid), and a process
    /// hides from its own user by not being dumpable. What the kernel says of oneself it says in any case. A child's number
    /// stays its own until it is reaped. proc_pid_task(5), `children`
    ///
    /// - Returns: how many of them are alive.
    private func signalChildren(_ number: Int, but table: ProcessTable) -> Int {
        let file = mt_syscall(
            Int(SYS_openat), Int(AT_FDCWD), literal("/proc/thread-self/children"), Int(O_RDONLY | O_CLOEXEC), 0, 0, 0)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        var alive = 0
        var pid: Int32 = 0
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            while true {
                let count = mt_syscall(Int(SYS_read), file, Int(bitPattern: buffer.baseAddress), 4096, 0, 0, 0)
                if count <= 0 { return }
                for index in 0..<count {
                    let digit = Int32(buffer[index]) - 48
                    if digit >= 0, digit <= 9 {
                        pid = pid &* 10 &+ digit
                        continue
                    }
                    if pid > 0, !table.holds(pid), !isDead(pid) {
                        alive += 1
                        _ = mt_syscall(Int(SYS_kill), Int(pid), number, 0, 0, 0, 0)
                    }
                    pid = 0
                }
            }
        }
        return alive
    }

    /// Whether a child waits to be reaped. waitid(2), WNOWAIT
    private func isDead(_ pid: Int32) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { information in  // siginfo_t
            for offset in stride(from: 0, to: 128, by: 8) {
                information.storeBytes(of: 0, toByteOffset: offset, as: UInt64.self)
            }
            let options = Int(WEXITED | WNOHANG | WNOWAIT) | 0x4000_0000
            let result = mt_syscall(
                Int(SYS_waitid), 1 /* P_PID */, Int(pid), Int(bitPattern: information.baseAddress), options, 0, 0)
            return result < 0 || information.load(as: Int32.self) == SIGCHLD
        }
    }

    private func send(_ number: Int, to process: ProcessTable.Entry, _ directory: Int) {
        let descriptor = mt_syscall(Int(SYS_pidfd_open), Int(process.pid), 0, 0, 0, 0, 0)
        guard descriptor >= 0 else { return }
        if let now = ProcessTable.read(process.pid, directory), now.start == process.start {
            _ = mt_syscall(Int(SYS_pidfd_send_signal), descriptor, number, 0, 0, 0, 0)
        }
        close(descriptor)
    }
}

/// The processes of this machine, as far as /proc shows them, in the order of their numbers.
struct ProcessTable {
    struct Entry {
        var pid: Int32
        var parent: Int32
        /// In clock ticks since boot: with the number it names one process.
        var start: UInt64
        var isDead: Bool
    }

    /// /proc, or a negative number.
    private(set) var directory = -1
    private(set) var count = 0
    /// Whether something is there that could not be read.
    private(set) var isIncomplete = false
    private var capacity = 512
    private var entries = UnsafeMutablePointer<Entry>.allocate(capacity: 512)

    subscript(index: Int) -> Entry { entries[index] }

    mutating func free() {
        if directory >= 0 { close(directory) }
        entries.deallocate()
    }

    mutating func fill() {
        directory = mt_syscall(
            Int(SYS_openat), Int(AT_FDCWD), literal("/proc"), Int(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0, 0)
        guard directory >= 0 else {
            isIncomplete = true
            return
        }
        do throws(StepError) { try visitProcesses(directory) { take($0) } } catch { isIncomplete = true }
    }

    private mutating func take(_ pid: Int32) {
        var isGone = false
        if let entry = Self.read(pid, directory, isGone: &isGone) {
            append(entry)
        } else if !isGone {
            isIncomplete = true
        }
    }

    func holds(_ pid: Int32) -> Bool { find(pid) != nil }

    private mutating func append(_ entry: Entry) {
        if count == capacity {
            let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
            larger.update(from: entries, count: count)
            entries.deallocate()
            entries = larger
            capacity *= 2
        }
        entries[count] = entry
        count += 1
    }

    /// Whether a process has `ancestor` above it.
    func descends(_ index: Int, from ancestor: Int32) -> Bool {
        var parent = entries[index].parent
        for _ in 0..<4096 {
            if parent == ancestor { return true }
            guard parent > 1, let above = find(parent) else { return false }
            parent = entries[above].parent
        }
        return false
    }

    private func find(_ pid: Int32) -> Int? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].pid < pid { low = middle + 1 } else { high = middle }
        }
        return low < count && entries[low].pid == pid ? low : nil
    }

    /// Reads /proc/PID/stat: `PID (NAME) STATE PARENT …`, where the name may hold anything; field 20 is the number of
    /// threads, 22 the start. A zombie with more threads than one is one whose first thread alone has ended.
    static func read(_ pid: Int32, _ directory: Int) -> Entry? {
        var ignored = false
        return read(pid, directory, isGone: &ignored)
    }

    /// - Parameter isGone: set where no such process is there any more.
    private static func read(_ pid: Int32, _ directory: Int, isGone: inout Bool) -> Entry? {
        withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 8) { buffer -> Entry? in
            guard let base = buffer.baseAddress else { return nil }
            let path = base.assumingMemoryBound(to: CChar.self)
            let length = appendDecimal(UInt64(pid), to: path)
            for (index, byte) in [UInt8(ascii: "/"), 115, 116, 97, 116, 0].enumerated() {  // "/stat"
                path[length + index] = CChar(bitPattern: byte)
            }
            let file = mt_syscall(
                Int(SYS_openat), directory, Int(bitPattern: base), Int(O_RDONLY | O_CLOEXEC), 0, 0, 0)
            guard file >= 0 else {
                isGone = file == -Int(ENOENT) || file == -Int(ESRCH)
                return nil
            }
            let count = mt_syscall(Int(SYS_read), file, Int(bitPattern: base), 1024, 0, 0, 0)
            close(file)
            guard count > 0 else {
                isGone = count == 0 || count == -Int(ESRCH)
                return nil
            }
            return parse(pid, base, count)
        }
    }

    private static func parse(_ pid: Int32, _ text: UnsafeMutableRawPointer, _ count: Int) -> Entry? {
        func byte(_ index: Int) -> UInt8 { (text + index).load(as: UInt8.self) }
        var at = count
        while at > 0, byte(at - 1) != UInt8(ascii: ")") { at -= 1 }
        guard at > 0, at + 2 < count else { return nil }
        let state = byte(at + 1)
        var entry = Entry(pid: pid, parent: 0, start: 0, isDead: false)
        var threads: UInt64 = 0
        var field = 2
        while at < count, field <= 22 {
            let digit = byte(at)
            if digit == 32 {
                field += 1
            } else if digit >= 48, digit <= 57 {
                if field == 4 { entry.parent = entry.parent * 10 + Int32(digit - 48) }
                if field == 20 { threads = threads &* 10 &+ UInt64(digit - 48) }
                if field == 22 { entry.start = entry.start &* 10 &+ UInt64(digit - 48) }
            }
            at += 1
        }
        entry.isDead = state == UInt8(ascii: "X") || state == UInt8(ascii: "Z") && threads <= 1
        return field >= 22 ? entry : nil
    }
}

/// Calls `body` with each process that an open /proc shows. getdents64(2)
func visitProcesses(_ proc: Int, _ body: (Int32) -> Void) throws(StepError) {
    let size = 32768
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
    defer { buffer.deallocate() }
    while true {
        let length = try sys(Int(SYS_getdents64), proc, word(buffer), size)
        guard length > 0 else { return }
        var offset = 0
        while offset < length {
            // struct linux_dirent64: inode, offset, length of the record at 16, type, name at 19.
            if let pid = processNumber(buffer + offset + 19) { body(pid) }
            offset += Int((buffer + offset + 16).loadUnaligned(as: UInt16.self))
        }
    }
}

private func processNumber(_ name: UnsafeMutableRawPointer) -> Int32? {
    var value: Int32 = 0
    var index = 0
    while index < 9 {
        let byte = (name + index).load(as: UInt8.self)
        if byte == 0 { break }
        guard byte >= 48, byte <= 57 else { return nil }
        value = value * 10 + Int32(byte - 48)
        index += 1
    }
    return value > 0 ? value : nil
}
