// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxKernel
import Testing

/// Processes, signals, terminals and mounts.
@Suite struct ProcessTests {
    /// Runs a program and returns what it wrote and how it ended.
    private static func run(
        _ arguments: [String], environment: [String] = [], ownGroup: Bool = false
    ) throws -> (text: String, status: LinuxKernel.ExitStatus) {
        let pipe = try LinuxKernel.Pipe()
        var request = SpawnRequest(
            path: arguments[0], arguments: arguments, environment: environment, standardOutput: pipe.writer.rawValue,
            standardError: pipe.writer.rawValue)
        request.ownProcessGroup = ownGroup
        let pid = try spawn(request)
        let reader = pipe.intoReader()
        let text = String(decoding: try readAll(reader), as: UTF8.self)
        return (text, try reap(pid))
    }

    @Test func `a program ends with a code or by a signal`() throws {
        #expect(try Self.run(["/bin/sh", "-c", "exit 7"]).status == .exited(7))
        #expect(try Self.run(["/bin/sh", "-c", "kill -TERM $$"]).status == .signaled(SIGTERM))
        #expect(ExitStatus.exited(7).shellCode == 7)
        #expect(ExitStatus.signaled(SIGTERM).shellCode == 143)
    }

    @Test func `a program gets the environment and descriptors named, and nothing else`() throws {
        #expect(try Self.run(["/usr/bin/env"], environment: ["A=1", "B=2"]).text == "A=1\nB=2\n")
        let kept = try LinuxKernel.open("/dev/null").release()  // not even one without close-on-exec
        _ = mt_syscall(Int(SYS_fcntl), Int(kept), Int(F_SETFD), 0, 0, 0, 0)
        defer { _ = Descriptor(owning: kept) }
        // The fourth is the listing's own.
        #expect(try Self.run(["/bin/ls", "/proc/self/fd"]).text == "0\n1\n2\n3\n")
        #expect(try Self.run(["/bin/cat"]).text == "")
    }

    @Test func `a program starts with no signal blocked or ignored`() throws {
        let old = setSignalMask(SignalSet([SIGUSR1, SIGTERM]))
        defer { setSignalMask(old) }
        let text = try Self.run(["/bin/grep", "^Sig[BI]", "/proc/self/status"]).text
        let sets = text.split(separator: "\n").map { UInt64($0.dropFirst(7).drop { $0.isWhitespace }, radix: 16) }
        #expect(sets.count == 2)
        // posix_spawn(3) has the C library's own two, 32 and 33, ignored.
        for set in sets { #expect((set ?? .max) & ~SignalSet([32, 33]).rawValue == 0, "\(text)") }
    }

    @Test func `a process descriptor is for one process only`() throws {
        let pid = try spawn(
            SpawnRequest(
                path: "/bin/sleep", arguments: ["sleep", "60"], environment: [], standardOutput: 2, standardError: 2))
        let process = try openProcess(pid)
        #expect(try poll([(process.rawValue, .readable)], milliseconds: 0) == [[]])
        #expect(try sendSignal(SIGKILL, to: process))
        #expect(try poll([(process.rawValue, .readable)], milliseconds: 10_000) == [.readable])
        #expect(try reap(pid) == .signaled(SIGKILL))
        #expect(try sendSignal(SIGKILL, to: process) == false)
        let gone = errnoThrown { _ = try openProcess(pid) }
        #expect(gone == .noProcess)
        let unknown = errnoThrown { _ = try reap(pid) }
        #expect(unknown == .noChild)
    }

    @Test func `a signal set has a bit a signal, the first for signal 1`() {
        #expect(SignalSet([]).rawValue == 0)
        #expect(SignalSet([1]).rawValue == 1)
        #expect(SignalSet([SIGINT, SIGTERM]).rawValue == 0x4002)
        #expect(SignalSet([64]).rawValue == 1 << 63)
        #expect(SignalSet.all.rawValue == .max)
    }

    @Test func `a mask is the thread's, and gives the old one back`() throws {
        let old = setSignalMask(SignalSet([SIGUSR1]))
        #expect(setSignalMask(SignalSet([SIGUSR2])) == SignalSet([SIGUSR1]))
        #expect(setSignalMask(old) == SignalSet([SIGUSR2]))
        // Two that no mask holds. sigprocmask(2)
        setSignalMask(.all)
        let all = setSignalMask(old)
        #expect(all.rawValue & SignalSet([SIGKILL, SIGSTOP]).rawValue == 0)
        #expect(all.rawValue & SignalSet([SIGHUP, SIGTERM]).rawValue == SignalSet([SIGHUP, SIGTERM]).rawValue)
    }

    @Test func `a blocked signal is read from its descriptor`() throws {
        let old = setSignalMask(SignalSet([SIGUSR1]))
        defer { setSignalMask(old) }
        let signals = try makeSignalDescriptor(SignalSet([SIGUSR1]))
        #expect(try poll([(signals.rawValue, .readable)], milliseconds: 0) == [[]])
        let thread = mt_syscall(Int(SYS_gettid), 0, 0, 0, 0, 0, 0)
        #expect(mt_syscall(Int(SYS_tgkill), Int(processID()), thread, Int(SIGUSR1), 0, 0, 0) == 0)
        #expect(try poll([(signals.rawValue, .readable)], milliseconds: 1000) == [.readable])
        #expect(try readSignal(signals) == SIGUSR1)
    }

    @Test func `a pipe is read to its end, and a pipe that nobody reads is an error`() throws {
        let pipe = try LinuxKernel.Pipe()
        try writeAll(pipe.writer, [1, 2, 3])
        #expect(try read(pipe.reader, upTo: 2) == [1, 2])
        let reader = pipe.intoReader()
        #expect(try read(reader, upTo: 2) == [3])
        #expect(try read(reader, upTo: 2).isEmpty)
    }

    @Test func `a pipe that does not block says so`() throws {
        let pipe = try LinuxKernel.Pipe()
        let (reader, writer) = (pipe.reader.rawValue, pipe.writer.rawValue)
        try setNonBlocking(reader)
        try setNonBlocking(writer)
        #expect(errnoThrown { _ = try read(raw: reader, upTo: 1) } == .again)
        let written = try writeSome(raw: writer, [UInt8](repeating: 0, count: 1 << 20))
        #expect(written > 0 && written < 1 << 20)
        #expect(errnoThrown { _ = try writeSome(raw: writer, [0]) } == .again)
        #expect(try poll([(reader, .readable), (writer, .writable)], milliseconds: 0) == [.readable, []])
        try setNonBlocking(reader, false)
        #expect(try read(raw: reader, upTo: 1) == [0])
    }

    @Test func `poll returns after its time, with nothing`() throws {
        let pipe = try LinuxKernel.Pipe()
        let start = monotonicNow()
        #expect(try poll([(pipe.reader.rawValue, .readable)], milliseconds: 30) == [[]])
        #expect(monotonicNow() - start >= .milliseconds(30))
    }

    @Test func `what is no terminal has no size and no settings`() throws {
        let null = try LinuxKernel.open("/dev/null", .readWrite)
        let pipe = try LinuxKernel.Pipe()
        for raw in [null.rawValue, pipe.reader.rawValue, 1_000_000] {
            #expect(terminalSize(raw) == nil)
            #expect(!isTerminal(raw))
            #expect(TerminalState(of: raw) == nil)
        }
    }

    @Test func `a terminal has a size that can be set, and settings that can be put back`() throws {
        let master = Descriptor(owning: posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC))
        #expect(grantpt(master.rawValue) == 0 && unlockpt(master.rawValue) == 0)
        let name = try #require(ptsname(master.rawValue).map { String(cString: $0) })
        let terminal = try LinuxKernel.open(name, [.readWrite, .noControllingTerminal])
        try setTerminalSize(master, TerminalSize(rows: 33, columns: 101))
        #expect(terminalSize(terminal.rawValue) == TerminalSize(rows: 33, columns: 101))
        #expect(isTerminal(terminal.rawValue))
        let state = try #require(TerminalState(of: terminal.rawValue))
        func echoes() -> Bool {
            var settings = termios()
            return tcgetattr(terminal.rawValue, &settings) == 0 && settings.c_lflag & UInt32(ECHO | ICANON) != 0
        }
        #expect(echoes())
        state.applyRaw(to: terminal.rawValue)
        #expect(!echoes())
        state.restore(to: terminal.rawValue)
        #expect(echoes())
    }

    @Test(.enabled(if: effectiveUID() == 0, "only root can be another user to files"))
    func `whoever was another user to files is itself again, and what a change of user takes away is back`() throws {
        func prctl(_ option: Int32, _ argument: Int) -> Int {
            mt_syscall(Int(SYS_prctl), Int(option), argument, 0, 0, 0, 0)
        }
        func deathSignal() -> Int32 {
            var signal: Int32 = 0
            withUnsafeMutablePointer(to: &signal) { _ = prctl(PR_GET_PDEATHSIG, Int(bitPattern: $0)) }
            return signal
        }
        let before = deathSignal()
        #expect(prctl(PR_SET_PDEATHSIG, Int(SIGUSR1)) == 0)
        defer { _ = prctl(PR_SET_PDEATHSIG, Int(before)) }
        #expect(prctl(PR_SET_DUMPABLE, 1) == 0)
        let (reading, signal) = FileSystemIdentity(uid: 65534, gid: 65534, groups: []).whileAssumed {
            (try? readText("/etc/shadow"), deathSignal())
        }
        // Without the change nothing would have been lost that has to come back.
        #expect(reading == nil)
        #expect(signal == 0)
        #expect(try readText("/etc/shadow") != nil)
        #expect(deathSignal() == SIGUSR1)
        #expect(prctl(PR_GET_DUMPABLE, 0) == 1)
    }

    @Test func `effective capabilities are those that the kernel lists`() throws {
        let status = try readText("/proc/thread-self/status") ?? ""
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("CapEff:") })
        let listed = UInt64(line.dropFirst(7).filter { !$0.isWhitespace }, radix: 16)
        #expect(try effectiveCapabilities() == listed)
    }

    @Test(.enabled(if: effectiveUID() == 0, "copying mounts is root's: run the tests as root"))
    func `a copy of a mount is read-only for itself, and is nowhere to be seen`() throws {
        try withTemporaryDirectory { directory in
            let before = try readText("/proc/self/mountinfo")
            let tree = try cloneTree(directory, recursive: false)
            try setMountAttributes(tree, set: [.readOnly, .noExecute], makingPrivate: true)
            #expect(try status(of: tree).inode == (try status(of: directory).inode))
            let copied = tree.rawValue
            let refused = errnoThrown {
                _ = try LinuxKernel.open("new", [.writeOnly, .create], at: .descriptor(copied))
            }
            #expect(refused == .readOnlyFileSystem)
            try directory.write("still writable", to: "new")
            #expect(try readText("new", at: tree.base) == "still writable")
            #expect(try readText("/proc/self/mountinfo") == before)
        }
    }
}
