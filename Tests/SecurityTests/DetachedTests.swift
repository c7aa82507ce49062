// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
import LinuxKernel
import TestHost
import Testing

extension SecurityTests {
    /// Attempts against sandboxes that go on without their starter, and by processes that are started in them later.
    @Suite struct Detached {
        /// A store of a test's own. What still runs at the end is killed.
        private struct Store {
            let state = TemporaryTree.makeDirectory("state") + "/store"

            func martinet(_ arguments: [String]) throws -> (
                status: LinuxKernel.ExitStatus, output: String, errors: String
            ) {
                try HostProcess.run(
                    "/usr/bin/env", ["MARTINET_STATE_DIR=\(state)", CommandLineProgram.path] + arguments)
            }

            func martinet(_ arguments: String...) throws -> (
                status: LinuxKernel.ExitStatus, output: String, errors: String
            ) {
                try martinet(arguments)
            }

            /// Starts a sandbox in which the attack programs are.
            func run(_ name: String, _ options: [String] = [], _ command: [String] = ["sleep", "3000"]) throws {
                let attacks = AttackPrograms.directory
                let outcome = try martinet(
                    ["run", "-d", "--name", name, "--bind", "\(attacks):\(AttackPrograms.target):ro"] + options + ["--"]
                        + command)
                #expect(outcome.status == .exited(0), "\(outcome.errors)")
            }

            func attack(_ name: String, _ options: [String], _ program: String, _ arguments: [String] = []) throws
                -> AttemptReport
            {
                let outcome = try martinet(
                    ["exec"] + options + [name, "--", "\(AttackPrograms.target)/\(program)"] + arguments)
                return AttemptReport(outcome.output)
            }

            /// The process id of a sandbox's init, and its directory.
            func initOf(_ name: String) throws -> (pid: Int32, directory: String) {
                let format = "{{.ID}}"
                let id = try martinet("ps", "-a", "--no-trunc", "--filter", "name=\(name)", "--format", format).output
                let directory = "\(state)/sandboxes/\(id.trimmingCharacters(in: .whitespacesAndNewlines))"
                let text = try #require(try readText("\(directory)/status.json"))
                let found = try #require(text.range(of: "\"pid\":"))
                let digits = text[found.upperBound...].drop { $0 == " " }.prefix { $0.isNumber }
                return (try #require(Int32(digits)), directory)
            }

            func end() {
                let left = (try? martinet("ps", "-aq").output)?.split(separator: "\n").map(String.init) ?? []
                if !left.isEmpty { _ = try? martinet(["rm", "-f"] + left) }
            }
        }

        private static func with(_ body: (Store) throws -> Void) throws {
            try LeakCheck.around(adopting: true) {
                let store = Store()
                defer { store.end() }
                try body(store)
            }
        }

        @Test("attack 9: exec as nobody there is, or as a number that is none, starts nothing")
        func users() throws {
            try Self.with { store in
                try store.run("one")
                for user in [
                    "nosuch", "-1", "4294967295", "4294967296", "18446744073709551616", "0x0", " 0", "0 ", "1000abc",
                    "+0",
                    "1e3", "65536", "agent:nosuch", "agent:-1", ":0", "", "root:", "٠",
                ] {
                    let outcome = try store.martinet(
                        "exec", "--user=\(user)", "one", "sh", "-c", "echo ran as $(id -u)")
                    #expect(outcome.status != .exited(0) && outcome.output.isEmpty, "\(user): \(outcome.output)")
                    #expect(!outcome.errors.isEmpty)
                }
                // The control: those that there are.
                for (user, uid) in [("root", 0), ("agent", 1000), ("4242", 4242)] where isRoot || uid == 1000 {
                    #expect(try store.martinet("exec", "--user", user, "one", "id", "-u").output == "\(uid)\n")
                }
            }
        }

        @Test(
            "attack 10: a process that is started later has the first one's capabilities, filter and no_new_privs",
            arguments: [
                [], ["--user", "root"], ["--cap", "NET_BIND_SERVICE", "--cap", "CHOWN"],
                ["--user", "root", "--cap", "CHOWN"],
            ])
        func capabilities(options: [String]) throws {
            try Self.with { store in
                let script =
                    "grep -E '^(Cap|NoNewPrivs|Seccomp|[UG]id|Groups)' /proc/self/status; ulimit -a; cat /proc/self/cgroup"
                try store.run("one", options, ["sh", "-c", "\(script); echo end; sleep 3000"])
                var first = ""
                for _ in 0..<200 * Patience.factor where !first.hasSuffix("end\n") {
                    first = try store.martinet("logs", "one").output
                    usleep(20_000)
                }
                let second = try store.martinet("exec", "one", "sh", "-c", "\(script); echo end").output
                #expect(first == second && first.contains("CapBnd"))
                for namespace in ["user", "pid", "mnt", "net", "uts", "ipc", "cgroup", "time"] {
                    let process = try store.initOf("one").pid
                    // A time namespace is its children's where one was asked for: here none was.
                    let own = try readSymlink("/proc/\(process)/ns/\(namespace)")
                    #expect(
                        try store.martinet("exec", "one", "readlink", "/proc/self/ns/\(namespace)").output == own + "\n"
                    )
                }
            }
        }

        @Test(
            "attack 17: init is neither read, written, traced nor looked into by what is started later",
            arguments: [[], ["--user", "root"]])
        func inspectInit(options: [String]) throws {
            try Self.with { store in
                try store.run("one")
                if !options.isEmpty, !isRoot { return }
                let report = try store.attack("one", options, "inspect")
                report.expectFailure(
                    ["ptrace-seize", "ptrace-attach", "vm-read", "vm-write", "pidfd-getfd", "kcmp"].map {
                        "init-\($0)"
                    }, "EPERM")
                report.expectFailure(
                    ["init-mem", "init-environ", "init-maps", "init-root", "init-exe", "init-fd/1"], "EACCES", "EPERM")
                report.expectFailure(["init-exe-for-writing"], "EACCES", "EPERM")
                report.expectSuccess("child-ptrace-seize", "child-vm-read", "child-mem")
            }
        }

        @Test("attacks 18 and 19: what is started later sees its own sandbox alone, and signals do nothing to init")
        func signals() throws {
            try Self.with { store in
                let canary = try HostCanary()
                try store.run("one")
                try store.run("two")
                let (neighbour, _) = try store.initOf("two")
                let report = try store.attack(
                    "one", [], "signals", ["host", "\(canary.pid)", "neighbour", "\(neighbour)"])
                for whom in ["host", "neighbour"] {
                    report.expectFailure(["exists", "kill", "tgkill"].map { "\(whom)-\($0)" }, "ESRCH")
                }
                report.expectSuccess("child-died", "init-still-reaps", result: 1)
                #expect(
                    try store.martinet("exec", "one", "sh", "-c", "kill -9 1; kill -STOP 1; kill -TERM 1; true").status
                        == .exited(0))
                #expect(
                    try store.martinet("exec", "one", "sh", "-c", "ls /proc | grep -c '^[0-9]*$'").output.utf8.count
                        == 2)
                #expect(try store.martinet("exec", "two", "true").status == .exited(0))
                canary.expectUntouched()
            }
        }

        @Test(
            "the socket of init is no agent's: not by its path, and not for a process of the sandbox that is given it")
        func socket() throws {
            try Self.with { store in
                try store.run("one")
                // Whatever would show it is refused, in both directions.
                for path in [
                    store.state, "\(store.state)/sandboxes", (store.state as NSString).deletingLastPathComponent, "/",
                ] {
                    for options in [["--bind", "\(path):/mnt"], ["--workspace", path]] {
                        let outcome = try store.martinet(["run"] + options + ["--", "true"])
                        #expect(
                            outcome.status == .exited(125) && outcome.errors.contains("would show"),
                            "\(path): \(outcome.errors)")
                    }
                }
                let (pid, directory) = try store.initOf("one")
                // Out of the sandbox's own mounts there is no way to it.
                let outcome = try store.martinet(
                    "exec", "one", "sh", "-c",
                    "ls -a \(directory) /proc/1/fd; find / -path /usr -prune -o -path /proc -prune -o -name init.sock -print 2>/dev/null"
                )
                #expect(!outcome.output.contains("init.sock"))
                // Outside it answers, and a process inside is turned away by what the kernel says of it: see the program.
                guard isRoot else { return }
                let entered = try HostProcess.run(
                    "/usr/bin/nsenter",
                    ["--target", "\(pid)", "--pid", "/usr/bin/python3", "-c", Self.knock, directory])
                #expect(entered.output == "closed\n", "\(entered)")
                let outside = try HostProcess.run("/usr/bin/python3", ["-c", Self.knock, directory])
                #expect(outside.output == "answered\n", "\(outside)")
            }
        }

        /// Asks init for its processes.
        private static let knock = """
            import socket, struct, sys
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.settimeout(20)
            s.connect(sys.argv[1] + "/init.sock")
            try:
                s.send(struct.pack("<IHHI", 0x3152544d, 1, 22, 12))
                print("answered" if s.recv(65536) else "closed")
            except (ConnectionResetError, BrokenPipeError):
                print("closed")
            """

        @Test("attack 18: root inside sets none of init's resource limits, and the end is heard of")
        func limits() throws {
            guard isRoot else { return }
            try Self.with { store in
                try store.run("one", ["--user", "root"])
                let report = try store.attack("one", [], "limits")
                report.expectFailure(["init-file-size", "init-descriptors", "init-cpu-time"], "EPERM")
                report.expectSuccess("own-descriptors", result: 0)
                #expect(try store.martinet("kill", "one").status == .exited(0))
                #expect(try store.martinet("wait", "one").output == "137\n")
            }
        }

        @Test("attack 35: who stops what is being started does not stop init: the deadline is kept")
        func stopped() throws {
            try Self.with { store in
                try store.run("one", ["--timeout", "4s"], ["\(AttackPrograms.target)/stopper"])
                for _ in 0..<5 { _ = try store.martinet("exec", "-d", "one", "true") }
                #expect(try store.martinet("wait", "one").output == "137\n")
                let record = try store.martinet("inspect", "one").output
                #expect(record.contains("\"limit\": \"time\""), "\(record)")
            }
        }

        @Test("attack 46: records that make no sense end their connection, and the sandbox goes on")
        func records() throws {
            try Self.with { store in
                try store.run("one")
                let (_, path) = try store.initOf("one")
                let directory = try open(path, [.directory])
                func record(_ kind: UInt16, _ payload: [UInt8], length: UInt32? = nil, magic: UInt8 = 0x4d) -> [UInt8] {
                    let count = length ?? UInt32(12 + payload.count)
                    return [magic, 0x54, 0x52, 0x31, 1, 0, UInt8(kind & 0xff), UInt8(kind >> 8)]
                        + (0..<4).map { UInt8(count >> (8 * $0) & 0xff) } + payload
                }
                let zeros = [UInt8](repeating: 0, count: 4)
                let ones = [UInt8](repeating: 0xff, count: 4)
                let malformed: [[UInt8]] = [
                    [0], Array(record(22, []).dropLast()), record(22, [], magic: 0), record(22, [0]),
                    record(22, [], length: 13),
                    record(0, []), record(1, zeros), record(64, zeros + zeros), record(255, []), record(3, zeros),
                    record(3, ones + ones),
                    record(18, zeros + zeros), record(18, ones + ones), record(19, []), record(17, zeros),
                    record(16, []),
                    record(16, zeros), record(16, zeros + zeros), record(16, ones + ones),
                    record(16, zeros + [56, 0, 0, 0] + [UInt8](repeating: 0, count: 57)),
                    record(16, zeros + [56, 0, 0, 0] + [UInt8](repeating: 7, count: 56)), record(20, zeros),
                    [UInt8](repeating: 0x4d, count: 65536),
                ]
                for (index, bytes) in malformed.enumerated() {
                    let socket = try connectToRecords(name: "init.sock", in: directory)
                    try sendRecord(socket, bytes, descriptors: index % 3 == 0 ? [socket.rawValue, 0] : [])
                    let ready = try poll([(socket.rawValue, .readable)], milliseconds: 20_000)
                    #expect(!ready[0].isEmpty, "\(index): neither an answer nor an end")
                    let isAnswered: Bool
                    do { isAnswered = try receiveRecord(socket) != nil } catch { isAnswered = false }
                    #expect(!isAnswered, "\(index)")
                }
                // Half a program, and then nothing more; and more who say nothing than are served at once.
                let half = try connectToRecords(name: "init.sock", in: directory)
                try sendRecord(half, record(16, zeros + [0, 1, 0, 0] + zeros), descriptors: [0, 0, 0])
                var silent = DescriptorTable()
                for _ in 0..<30 { silent.append(try connectToRecords(name: "init.sock", in: directory)) }
                #expect(try store.martinet("exec", "one", "echo", "there").output == "there\n")
                while silent.removeLast() != nil {}
                #expect(try store.martinet("exec", "one", "echo", "there").output == "there\n")
            }
        }

        @Test(
            "attack 31: a gibibyte of output, and a line without end, are kept to the size of the log, with init as small as before"
        )
        func output() throws {
            try Self.with { store in
                let size = Patience.factor > 1 ? 64 : 1024
                try store.run(
                    "one", ["--log-size", "1MiB"],
                    ["sh", "-c", "head -c \(size)M /dev/zero; echo over >&2; sleep 3000"])
                let (pid, directory) = try store.initOf("one")
                for _ in 0..<2000 * Patience.factor
                where try !store.martinet("logs", "--stream", "stderr", "one").errors.contains("over") {
                    usleep(200_000)
                }
                var kept = 0
                for name in ["log.0", "log.1"] {
                    kept += Int(try #require(try status(of: "\(directory)/\(name)")).size)
                }
                #expect(kept > 256 << 10 && kept <= 1 << 20)
                let text = try #require(try readText("/proc/\(pid)/status"))
                let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
                let own = try #require(line.split(separator: " ").compactMap { Int($0) }.first)
                #expect(own <= 512, "\(line)")
            }
        }

        @Test("attack 45: escape sequences in what a list shows are shown, not obeyed")
        func escapes() throws {
            try Self.with { store in
                let escape = "\u{1b}]0;owned\u{7}\u{1b}[2J"
                try store.run("one", [], ["sh", "-c", "sleep 3000 # \(escape)"])
                for arguments in [
                    ["ps", "-a"], ["ps", "-a", "--format", "{{.Command}}"], ["inspect", "one"], ["events"],
                ] {
                    let outcome = try store.martinet(arguments)
                    #expect(outcome.status == .exited(0))
                    #expect(!outcome.output.utf8.contains(0x1b) && !outcome.output.utf8.contains(0x07), "\(arguments)")
                }
                for name in [escape, "a/b", "..", "a\nb", "", String(repeating: "a", count: 64 << 10)] {
                    let outcome = try store.martinet("run", "-d", "--name=\(name)", "--", "true")
                    #expect(outcome.status == .exited(125) && !outcome.errors.utf8.contains(0x1b))
                }
                #expect(try store.martinet("run", "-d", "--label=a=\(escape)", "--", "true").status == .exited(125))
                let unknown = try store.martinet("stop", escape)
                #expect(unknown.status == .exited(1) && !unknown.errors.utf8.contains(0x1b))
            }
        }
    }
}
