// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What init does once the agent runs: reap, pass signals on, keep the deadline, and say how it ended.
struct Watch {
    /// What holds together what is to be ended: a PID namespace, or init as their subreaper.
    var mode = ProgramMode.namespaces
    var agent: Int32 = 0
    /// An event descriptor that the kernel signals when the memory cgroup is out of memory (cgroup v1).
    var memory = -1
    /// Nanoseconds from the agent's start; 0: none.
    var deadline: UInt64 = 0
    var outlivesLauncher = false
    var cpu = CPUWatch()
    var disks = WatchedDisks()
    var guards = Guards()
    var service = Service()
    var restarts = Restarts()

    /// Init's own CPU time when it came into its cgroup, in microseconds.
    var ownTimeAtJoin: UInt64 = 0

    private var signals = -1
    private var timer = -1
    private var launcherIsThere = true
    private var started: UInt64 = 0
    private(set) var reason = EndReason.agentEnded
    /// A stop that the host has no room to hear of yet; of several the newest. One that does not read, itself stopped perhaps,
    /// must not keep init from its deadline.
    private var unsaidStop: UInt32?

    /// Opens what is waited on, before the agent exists: its end cannot be missed.
    mutating func prepare() throws(StepError) {
        var mask: UInt64 = 1 << UInt64(SIGCHLD - 1) | 1 << UInt64(SIGIO - 1)
        signals = try withWord(&mask) { mask throws(StepError) in
            try sys(Int(SYS_signalfd4), -1, mask, 8, Int(O_CLOEXEC | O_NONBLOCK))
        }
        if deadline > 0 {
            timer = try sys(Int(SYS_timerfd_create), Int(CLOCK_MONOTONIC), Int(O_CLOEXEC))
            // struct itimerspec: no interval, then the first expiry.
            var time: (Int, Int, Int, Int) = (0, 0, Int(deadline / 1_000_000_000), Int(deadline % 1_000_000_000))
            try withWord(&time) { time throws(StepError) in try sys(Int(SYS_timerfd_settime), timer, 0, time, 0) }
        }
        try cpu.prepare()
        try restarts.prepare()
        started = now()
    }

    mutating func untilTheEnd() -> Never {
        var record = OutgoingRecord(.started)
        record.append(UInt32(agent))
        record.send()
        let watched = UnsafeMutablePointer<pollfd>.allocate(capacity: Place.count + Service.pollCount)
        func watch(_ place: Int, _ descriptor: Int) {
            watched[place] = pollfd(fd: Int32(descriptor), events: Int16(POLLIN), revents: 0)
        }
        watch(Place.signals, signals)
        watch(Place.control, controlSocket)
        watch(Place.timer, timer)
        watch(Place.memory, memory)
        watch(Place.cpu, cpu.timer)
        watch(Place.restart, restarts.timer)
        let count = Place.count + (service.isThere ? Service.pollCount : 0)
        while true {
            watched[Place.control].events = Int16(POLLIN) | (unsaidStop == nil ? 0 : Int16(POLLOUT))
            service.fill(watched + Place.count)
            _ = mt_syscall(Int(SYS_ppoll), Int(bitPattern: watched), count, 0, 0, 8, 0)
            // Memory before children: the kernel's victim may be the agent itself.
            if watched[Place.memory].revents != 0 {
                end(.memory)
                watched[Place.memory].fd = -1
            }
            if watched[Place.signals].revents != 0 { receiveSignals() }
            if watched[Place.timer].revents != 0 {
                end(.deadline)
                watched[Place.timer].fd = -1
            }
            if watched[Place.cpu].revents != 0, cpu.isUsedUp() {
                end(.cpuTime)
                watched[Place.cpu].fd = -1
            }
            if watched[Place.restart].revents != 0 { startAgain() }
            let control = watched[Place.control].revents
            if control & Int16(POLLOUT) != 0, let signal = unsaidStop { say(stoppedBy: signal) }
            if control & ~Int16(POLLOUT) != 0, !obey() {
                if !outlivesLauncher { leave() }
                launcherIsThere = false
                watched[Place.control].fd = -1
            }
            attendService(watched + Place.count)
        }
    }

    /// What is polled, before what the service adds.
    private enum Place {
        static let (signals, control, timer, memory, cpu, restart) = (0, 1, 2, 3, 4, 5)
        static let count = 6
    }

    /// Kills everything inside; the agent's status arrives through `reapAll`.
    mutating func end(_ why: EndReason) {
        if reason == .agentEnded { reason = why }
        killAll()
        // Between two agents there is nobody whose end would be heard of.
        if let status = restarts.lastStatus { finish(status) }
    }

    private mutating func startAgain() {
        guard let status = restarts.lastStatus, let starter = service.starter else { return }
        restarts.end()
        do throws(StepError) { agent = try starter.startAgain() } catch { finish(status) }
    }

    /// Starts no agent any more.
    mutating func endRestarts() {
        restarts.most = 0
        if let status = restarts.lastStatus { finish(status) }
    }

    /// Kills everything that was started. Without a PID namespace, what is born meanwhile escapes that once; the agent does not,
    /// and its end ends the rest.
    private func killAll() {
        switch mode {
        case .namespaces: _ = mt_syscall(Int(SYS_kill), -1, Int(SIGKILL), 0, 0, 0, 0)
        case .subreaper: Descendants().signal(Int(SIGKILL))
        }
    }

    /// Ends without a word of how the agent did. In a PID namespace the kernel ends the rest.
    func leave() -> Never {
        if mode == .subreaper, !endTheRest() {
            reportFailure(instruction: RecordLayout.noInstruction, errno: ETIMEDOUT)
        }
        exitNow(125)
    }

    /// Takes all signals before acting on any: what happens after that raises another.
    private mutating func receiveSignals() {
        var namesAppeared = false
        withUnsafeTemporaryAllocation(byteCount: 128 * 4, alignment: 8) { buffer in
            while true {
                let count = mt_syscall(
                    Int(SYS_read), signals, Int(bitPattern: buffer.baseAddress), buffer.count, 0, 0, 0)
                guard count > 0 else { break }
                // struct signalfd_siginfo: 128 bytes that begin with the signal's number. signalfd(2)
                for offset in stride(from: 0, to: count, by: 128)
                where buffer.load(fromByteOffset: offset, as: UInt32.self) == UInt32(SIGIO) {
                    namesAppeared = true
                }
            }
        }
        // First: until then the names are open.
        if namesAppeared, let failure = guards.restore() {
            reportFailure(instruction: failure.instruction, errno: failure.errno)
            leave()
        }
        reapAll()
    }

    private mutating func reapAll() {
        while true {
            var (status, usage): (Int32, rusage) = (0, rusage())
            let pid = wait(Int(WNOHANG | WUNTRACED), &status, &usage)
            if pid == -Int(EINTR) { continue }
            if pid <= 0 { return }
            guard pid == Int(agent) else {
                if status & 0xff != 0x7f { service.processEnded(Int32(pid), status, usage) }
                continue
            }
            if status & 0xff == 0x7f {
                say(stoppedBy: UInt32(status >> 8 & 0xff))
                continue
            }
            guard endTheRest() else {
                reportFailure(instruction: RecordLayout.noInstruction, errno: ETIMEDOUT)
                exitNow(125)
            }
            service.takeAll()
            if service.log.isExceeded, reason == .agentEnded { reason = .output }
            if reason == .agentEnded, restarts.begin(after: status) {
                agent = 0
                return
            }
            finish(status)
        }
    }

    /// Says how the agent ended, and ends.
    private mutating func finish(_ status: Int32) -> Never {
        service.takeAll()
        report(status)
        exitNow(0)
    }

    private mutating func say(stoppedBy signal: UInt32) {
        var record = OutgoingRecord(.stopped)
        record.append(signal)
        unsaidStop = record.send(waits: false) ? nil : signal
    }

    /// What the agent left running ends with it. Before the report, so that its CPU time is in it.
    ///
    /// - Returns: false where some of it could not be ended, and lives on.
    private func endTheRest() -> Bool {
        if mode == .subreaper {
            // Who has no child has no descendant either.
            return Descendants().reapDead() || Descendants().endAll()
        }
        killAll()
        while true {
            var (status, usage): (Int32, rusage) = (0, rusage())
            let pid = wait(0, &status, &usage)
            if pid > 0 { service.processEnded(Int32(pid), status, usage) }
            if pid < 0, pid != -Int(EINTR) { return true }
        }
    }

    private func wait(_ options: Int, _ status: inout Int32, _ usage: inout rusage) -> Int {
        withUnsafeMutablePointer(to: &status) { status in
            withUnsafeMutablePointer(to: &usage) { usage in
                mt_syscall(
                    Int(SYS_wait4), -1, Int(bitPattern: status), options, Int(bitPattern: usage), 0, 0)
            }
        }
    }

    private func report(_ status: Int32) {
        let ended = now()
        let usage = resourceUsage(Int32(RUSAGE_CHILDREN.rawValue))
        func microseconds(_ time: timeval) -> UInt64 { UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_usec) }
        // A memory kill may be known to the kernel before its event is: look once more.
        var reason = reason
        if reason == .agentEnded, memory >= 0 {
            var event = pollfd(fd: Int32(memory), events: Int16(POLLIN), revents: 0)
            var nothing = timespec(tv_sec: 0, tv_nsec: 0)
            let ready = withUnsafeMutablePointer(to: &event) { event in
                withUnsafeMutablePointer(to: &nothing) { nothing in
                    mt_syscall(Int(SYS_ppoll), Int(bitPattern: event), 1, Int(bitPattern: nothing), 0, 8, 0)
                }
            }
            if ready > 0 { reason = .memory }
        }
        var record = OutgoingRecord(.exited)
        record.append(UInt32(bitPattern: status))
        record.append(reason.rawValue)
        record.append(microseconds(usage.ru_utime))
        record.append(microseconds(usage.ru_stime))
        record.append(UInt64(usage.ru_maxrss))
        // A clock that goes back must not cost the verdict.
        record.append(max(ended, started) - started)
        record.append(max(ownCPUTime(), ownTimeAtJoin) - ownTimeAtJoin)
        let use = disks.use()
        record.append(UInt32(use == nil ? 0 : 1))
        record.append(use?.bytes ?? 0)
        record.append(use?.inodes ?? 0)
        record.append(UInt32(use?.isFull == true ? 1 : 0))
        // To the file first: where the host is there it may look as soon as it hears.
        service.leave(&record)
        record.send()
    }

    /// Does what the host asks; false when it is gone. A record that makes no sense ends the sandbox.
    private mutating func obey() -> Bool {
        var storage: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var ignored: Int32 = -1
        var room = 0
        return withUnsafeMutableBytes(of: &storage) { buffer -> Bool? in
            let count = mt_receive_descriptors(
                Int32(controlSocket), buffer.baseAddress, buffer.count, &ignored, &room, Int32(MSG_DONTWAIT))
            if count == -Int(EINTR) || count == -Int(EAGAIN) { return true }
            if count == 0 || count == -Int(ECONNRESET) { return false }
            guard count > 0, let base = buffer.baseAddress else { return nil }
            var reader = WireReader(UnsafeRawPointer(base), count: count)
            do throws(WireError) {
                switch try RecordHeader(&reader).kind {
                case .signal:
                    let number = try reader.uint32()
                    guard let scope = SignalScope(rawValue: try reader.uint32()) else { return nil }
                    try reader.requireEnd()
                    signal(Int(number), scope)
                    return true
                case .terminate:
                    try reader.requireEnd()
                    end(.terminated)
                    return true
                default: return nil
                }
            } catch { return nil }
        } ?? malformed()
    }

    private func malformed() -> Bool {
        reportFailure(instruction: RecordLayout.noInstruction, errno: EBADMSG)
        leave()
    }

    func signal(_ number: Int, _ scope: SignalScope) {
        // Between two agents there is none; 0 would be init's own group.
        guard number > 0, number <= 64, agent > 0 else { return }
        let target =
            switch scope {
            case .agent: Int(agent)
            case .agentGroup: -Int(agent)
            case .everyone: -1
            }
        // Without a PID namespace, -1 is every process that the user has.
        if mode == .subreaper, scope == .everyone { return Descendants().signal(number) }
        _ = mt_syscall(Int(SYS_kill), target, number, 0, 0, 0, 0)
    }

    private func now() -> UInt64 { monotonicTime() }
}
