// SPDX-License-Identifier: Apache-2.0
import CLinux
import Confinement
import Foundation
import LinuxKernel
import SandboxSpec
import TestHost
import Testing

private let kernelABI: UInt32 = if case .abi(let abi) = LandlockSupport.probe() { abi } else { 0 }

extension SecurityTests {
    /// `--isolation landlock`: the host's own files and processes, and two walls.
    @Suite(.enabled(if: kernelABI >= 1, "this kernel has no Landlock"))
    struct LandlockAlone {
        /// A directory outside that anybody may change, a process and a socket: what only Landlock and the filter keep away.
        private final class Ground {
            let outside = TemporaryTree.makeDirectory("outside")
            let own = TemporaryTree.makeDirectory("own")
            let key = Int32.random(in: 100_000..<1_000_000_000)
            let process: HostProcess
            let socket: SocketCanary
            private var before: [String] = []

            init(_ caller: Caller) throws {
                for name in ["file", "moved", "removed"] { TemporaryTree.write("untouched", to: "\(outside)/\(name)") }
                try FileManager.default.copyItem(atPath: AttackPrograms.path("stay"), toPath: "\(outside)/program")
                mkdir("\(outside)/directory", 0o777)
                // The canary is the caller's, as the agent of an ordinary user is.
                let command = caller.prefix + [AttackPrograms.path("canary"), "\(key)"]
                process = try HostProcess(command[0], Array(command.dropFirst()))
                for _ in 0..<500 * Patience.factor where AttemptReport(process.output.text)["ready"] == nil {
                    usleep(10_000)
                }
                socket = try SocketCanary("\(outside)/socket")
                for name in try FileManager.default.contentsOfDirectory(atPath: outside) + [""] {
                    chmod("\(outside)/\(name)", 0o777)
                    if isRoot { chown("\(outside)/\(name)", Caller.userID, Caller.userID) }
                }
                chmod(own, 0o777)
                if isRoot { chown(own, Caller.userID, Caller.userID) }
                before = state
            }

            deinit {
                process.end()
                _ = try? HostProcess.run(AttackPrograms.path("canary"), ["\(key)", "remove"])
            }

            var arguments: [String] { [outside, own, "\(process.pid)", "\(key)", "\(outside)/socket"] }

            /// Names, kinds, sizes and contents; not modes, which are not promised.
            private var state: [String] {
                let names = ((try? FileManager.default.contentsOfDirectory(atPath: outside)) ?? []).sorted()
                return names.map { name in
                    var facts = stat()
                    lstat("\(outside)/\(name)", &facts)
                    let text = name == "program" || name == "socket" ? nil : TemporaryTree.read("\(outside)/\(name)")
                    return "\(name) \(facts.st_mode & S_IFMT) \(facts.st_size) \(facts.st_uid) \(text ?? "")"
                }
            }

            func expectUntouched(sourceLocation: SourceLocation = #_sourceLocation) {
                #expect(state == before, sourceLocation: sourceLocation)
                #expect(process.isRunning, sourceLocation: sourceLocation)
                #expect(socket.visits == 0, sourceLocation: sourceLocation)
            }
        }

        private static func command(_ ground: Ground, _ options: [String] = [], _ program: [String]) -> [String] {
            let shown = [AttackPrograms.directory, ground.own].enumerated().flatMap { index, path in
                ["--bind", "\(path):\(path)\(index == 0 ? ":ro" : "")"]
            }
            return [
                "run", "--isolation", "landlock", "--name", LeakCheck.sandboxName, "--timeout",
                "\(20 * Patience.factor)s",
            ] + shown
                + options + ["--"] + program
        }

        private static let files = [
            "read", "write", "append", "list", "create", "unnamed", "read-by-symlink", "read-by-handle",
            "reopen-handle", "read-by-proc-root", "read-by-directory", "rename-in", "rename-out", "symlink-out",
            "make-directory", "make-fifo", "make-device", "remove", "remove-directory", "truncate", "open-truncating",
            "execute",
        ]
        private static let traced = ["mem", "environ", "maps", "fd/1", "root/etc/passwd", "cwd/file", "ns/mnt"]
        private static let signals = ["exists", "pidfd-signal", "sigqueueinfo", "tgkill", "kill"]

        @Test(
            "attack 13: without namespaces no file elsewhere is read, changed, made, removed, moved or executed",
            arguments: Caller.possible)
        func filesElsewhere(caller: Caller) throws {
            try LeakCheck.around {
                let ground = try Ground(caller)
                let report = try CommandLineProgram.run(
                    as: caller, Self.command(ground, [AttackPrograms.path("alone")] + ground.arguments)
                ).report
                report.expectSuccess("done", "no-new-privileges", result: 1)
                report.expectFailure(Self.files, "EACCES")
                report.expectFailure(["link-in", "link-out"], "EXDEV", "EACCES")
                report.expectFailure(["change-owner", "set-attribute"], "EPERM", "EACCES")
                report.expectFailure(
                    ["shadow", "list-root", "list-tmp", "list-home", "new-terminal", "kernel-log", "sysctl"], "EACCES",
                    "ENOENT")
                report.expectFailure(["unshare-user", "mount"], "EPERM")
                ground.expectUntouched()
            }
        }

        @Test(
            "attacks 17 and 18: without namespaces no process outside is traced, looked into, limited or signalled",
            .enabled(if: kernelABI >= 6, "this kernel's Landlock has no scope for signals (Linux 6.12)"),
            arguments: Caller.possible)
        func processesElsewhere(caller: Caller) throws {
            try LeakCheck.around {
                let ground = try Ground(caller)
                let outcome = try CommandLineProgram.run(
                    as: caller, Self.command(ground, [AttackPrograms.path("alone")] + ground.arguments + ["init"]))
                let report = outcome.report
                report.expectSuccess("done", result: 1)
                for who in ["other", "init"] {
                    report.expectFailure(Self.traced.map { "\(who)-\($0)" }, "EACCES", "EPERM")
                    report.expectFailure(["ptrace", "vm-read"].map { "\(who)-\($0)" }, "EPERM")
                    report.expectFailure(["\(who)-oom_score_adj"], "EACCES")
                    report.expectFailure(["limit", "priority", "affinity"].map { "\(who)-\($0)" }, "EPERM", "EACCES")
                    report.expectFailure(Self.signals.map { "\(who)-\($0)" }, "EPERM")
                }
                #expect(outcome.status == .exited(0), "\(outcome.errors)")
                ground.expectUntouched()
            }
        }

        @Test(
            "attacks 19, 20 and 37: without namespaces there are no sockets, and no objects of the host's",
            arguments: Caller.possible)
        func socketsAndObjects(caller: Caller) throws {
            try LeakCheck.around {
                let ground = try Ground(caller)
                let report = try CommandLineProgram.run(
                    as: caller, Self.command(ground, [AttackPrograms.path("alone")] + ground.arguments)
                ).report
                report.expectSuccess("done", result: 1)
                if kernelABI < 9 {
                    report.expectFailure(["unix-socket", "unix-datagram-pair"], "EAFNOSUPPORT")
                    report.expectFailure(["unix-pair-connect"], "EPERM")
                }
                report.expectFailure(["tcp", "udp", "tcp6", "netlink"], "EAFNOSUPPORT")
                for name in ["unix-connect", "unix-send", "abstract-connect"] {
                    guard case .failed = report[name] else { Issue.record("\(name)"); continue }
                }
                report.expectSuccess("unix-pair")
                report.expectFailure(
                    ["sysv-memory", "sysv-messages", "sysv-semaphores", "posix-queue", "make-sysv-memory"], "ENOSYS")
                report.expectFailure(["posix-memory"], "EACCES")
                ground.expectUntouched()
            }
        }

        @Test("what isolation landlock does not promise, and says so, is so", arguments: Caller.possible)
        func notPromised(caller: Caller) throws {
            try LeakCheck.around {
                let ground = try Ground(caller)
                let outcome = try CommandLineProgram.run(
                    as: caller,
                    Self.command(ground, ["--verbose"], [AttackPrograms.path("alone")] + ground.arguments))
                outcome.report.expectSuccess("look-at", "change-directory", result: 0)
                #expect(outcome.errors.contains("missing: no PID namespace"))
                switch caller {
                case .root:
                    outcome.report.expectFailure(["change-mode"], "EPERM")
                    #expect(!outcome.errors.contains("the uid and groups"))
                case .user:
                    outcome.report.expectSuccess("change-mode", result: 0)
                    #expect(outcome.errors.contains("modes and times of that user's other files can be changed"))
                    outcome.report.expectSuccess("uid", result: Int(Caller.userID))
                }
            }
        }

        @Test("outside of a sandbox the same program does it all")
        func control() throws {
            let ground = try Ground(.user)
            let command = Caller.user.prefix + [AttackPrograms.path("alone")] + ground.arguments
            let report = AttemptReport(try HostProcess.run(command[0], Array(command.dropFirst())).output)
            report.expectSuccess("done", result: 1)
            for name in Self.files + [
                "link-in", "symlink-inside", "unix-connect", "unix-send", "tcp", "udp", "netlink",
            ]
            where name != "unnamed" { report.expectSuccess(name) }
            for name in ["sysv-memory", "sysv-messages", "sysv-semaphores", "posix-memory", "posix-queue"] {
                report.expectSuccess(name)
            }
            for name in ["limit", "priority", "affinity", "environ", "ptrace"] + Self.signals {
                report.expectSuccess("other-\(name)")
            }
            usleep(UInt32(100_000 * Patience.factor))
            #expect(!ground.process.isRunning)
        }

        @Test(
            "with the filter off Landlock alone keeps files, processes and TCP; the rest is told as missing",
            .enabled(if: kernelABI >= 6, "this kernel's Landlock has no scope for signals (Linux 6.12)"),
            arguments: Caller.possible)
        func withoutFilter(caller: Caller) throws {
            try LeakCheck.around {
                let ground = try Ground(caller)
                let outcome = try CommandLineProgram.run(
                    as: caller,
                    Self.command(
                        ground, ["--seccomp", "unconfined", "--verbose"],
                        [AttackPrograms.path("alone")] + ground.arguments))
                let report = outcome.report
                report.expectFailure(Self.files, "EACCES")
                report.expectFailure(["ptrace", "vm-read"].map { "other-\($0)" }, "EPERM")
                report.expectFailure(Self.signals.map { "other-\($0)" }, "EPERM")
                report.expectFailure(["abstract-connect"], "EPERM")
                report.expectSuccess("tcp", "udp", "unix-socket")
                #expect(outcome.errors.contains("missing: no system call is refused"))
                #expect(outcome.errors.contains("missing: no network namespace: TCP is refused, but by MPTCP"))
                if caller == .user {
                    // The socket is anybody's to call on, and objects are the uid's.
                    report.expectSuccess("other-limit")
                }
            }
        }

        // MARK: Older versions

        @Test(
            "before ABI 3 the filter keeps files from being cut off",
            arguments: ([1, 2, 3] as [UInt32]).filter { $0 <= kernelABI })
        func olderVersions(abi: UInt32) throws {
            try LeakCheck.around {
                let ground = try Ground(isRoot ? .root : .user)
                var spec = try Sandbox.spec("alone")
                spec.isolation = .landlock
                spec.command = [AttackPrograms.path("alone")] + ground.arguments
                spec.binds = try [AttackPrograms.directory, ground.own].enumerated().map {
                    try BindMount("\($0.element):\($0.element)\($0.offset == 0 ? ":ro" : "")")
                }
                let report = try Sandbox.start(spec, landlock: .abi(abi)).wait().report
                report.expectSuccess("done", result: 1)
                report.expectFailure(Self.files.filter { $0 != "open-truncating" }, "EACCES")
                report.expectFailure(["open-truncating"], "EACCES")
                report.expectFailure(["tcp", "unix-socket", "udp"], "EAFNOSUPPORT")
                if isRoot { ground.expectUntouched() }
            }
        }

        // MARK: Ends

        @Test(
            "attack 29: nothing that an agent starts lives on, however it hides",
            arguments: Caller.possible, ["orphans", "chain", "thread", "traced", "bomb", "stopped"])
        func nothingStays(caller: Caller, how: String) throws {
            try LeakCheck.around {
                let ground = try Ground(caller)
                let outcome = try CommandLineProgram.run(
                    as: caller,
                    Self.command(
                        ground, ["--timeout", "\(2 * Patience.factor)s", "--pids", "64", "--waive", "limits"],
                        [AttackPrograms.path("stay"), how]))
                #expect(outcome.status == .exited(how == "bomb" ? 137 : 0), "\(outcome.report)")
                ground.process.end()
            }
        }

        @Test(
            "attack 29: nor what init traces without wanting to, where no filter forbids it", arguments: Caller.possible
        )
        func tracedWithoutFilter(caller: Caller) throws {
            try LeakCheck.around {
                let ground = try Ground(caller)
                let outcome = try CommandLineProgram.run(
                    as: caller,
                    Self.command(ground, ["--seccomp", "unconfined"], [AttackPrograms.path("stay"), "traced"]))
                #expect(outcome.status == .exited(0), "\(outcome.report)")
                ground.process.end()
            }
        }

        @Test(
            "what the agent may not remove is not removed for it", .enabled(if: isRoot, "root's agents have other ids"))
        func othersFiles() throws {
            try LeakCheck.around {
                let ground = try Ground(.root)
                let directory = ground.own + "/d"
                mkdir(directory, 0o777)
                chown(directory, Caller.userID, Caller.userID)
                mkdir(directory + "/roots", 0o700)
                TemporaryTree.write("kept", to: directory + "/roots/file")
                let outcome = try CommandLineProgram.run(
                    as: .root,
                    Self.command(
                        ground, ["--user", "\(Caller.userID)"],
                        ["/bin/sh", "-c", "mv \(directory) $HOME/ && echo $HOME"]))
                #expect(outcome.status == .exited(125))
                #expect(outcome.errors.contains("what the agent left in /tmp/martinet-"), "\(outcome.errors)")
                let names = try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter {
                    FileManager.default.fileExists(atPath: "/tmp/\($0)/home/d/roots")
                }
                #expect(names.count == 1)
                for name in names {
                    #expect(TemporaryTree.read("/tmp/\(name)/home/d/roots/file") == "kept")
                    try FileManager.default.removeItem(atPath: "/tmp/\(name)")
                }
                ground.process.end()
            }
        }

        @Test("the agent's own directory is in nothing that the agent may change", arguments: Caller.possible)
        func ownDirectory(caller: Caller) throws {
            let arguments = [
                "run", "--isolation", "landlock", "--waive", "limits", "--bind", "/tmp:/tmp", "--", "/bin/true",
            ]
            let outcome = try CommandLineProgram.run(as: caller, arguments)
            #expect(outcome.status == .exited(125))
            #expect(outcome.errors.contains("the agent's own directory would be in what bind["), "\(outcome.errors)")
        }

        @Test(
            "a launcher that is killed takes everything with it", arguments: Caller.possible,
            ["orphans", "stopped", "closed"])
        func killedLauncher(caller: Caller, how: String) throws {
            try LeakCheck.around(adopting: true) {
                let ground = try Ground(caller)
                // What an ordinary user's agent can close to the one who comes to remove it.
                let first = how == "closed" ? "chmod 0 $HOME $(dirname $HOME)" : "\(AttackPrograms.path("stay")) \(how)"
                let script = "\(first); echo ready 1 OK; sleep 1000"
                let process = try CommandLineProgram.start(
                    as: caller, Self.command(ground, ["/bin/sh", "-c", script]))
                for _ in 0..<500 * Patience.factor where !process.output.text.contains("ready 1 OK") { usleep(10_000) }
                #expect(process.output.text.contains("ready 1 OK"), "\(process.errors.text)")
                let directory = Self.privateDirectory(of: process.pid)
                #expect(directory != nil)
                kill(process.pid, SIGKILL)
                process.wait()
                for _ in 0..<500 * Patience.factor where Self.privateDirectory(of: process.pid) != nil {
                    usleep(10_000)
                }
                #expect(Self.privateDirectory(of: process.pid) == nil)
                ground.process.end()
            }
        }

        @Test("an init that is killed takes the agent with it", arguments: Caller.possible)
        func killedInit(caller: Caller) throws {
            try LeakCheck.around(adopting: true) {
                let ground = try Ground(caller)
                let process = try CommandLineProgram.start(
                    as: caller, Self.command(ground, ["/bin/sh", "-c", "echo ready 1 OK; exec sleep 1000"]))
                for _ in 0..<500 * Patience.factor where !process.output.text.contains("ready 1 OK") { usleep(10_000) }
                kill(try #require(Self.initPID(of: process)), SIGKILL)
                let status = process.wait()
                #expect(status == .exited(125) || status == .exited(137), "\(status) \(process.errors.text)")
                ground.process.end()
            }
        }

        @Test(
            "where there is a cgroup, what an init that is killed had started is gone too, the launcher alive or not",
            .enabled(if: isRoot, "an ordinary user may have no cgroup"), arguments: [false, true])
        func killedInitWithDaemon(killsLauncher: Bool) throws {
            try LeakCheck.around(adopting: true) {
                let ground = try Ground(.root)
                let script = "setsid sh -c 'sleep 1000; true' & setsid sleep 1000 & echo ready 1 OK; exec sleep 1000"
                let process = try CommandLineProgram.start(as: .root, Self.command(ground, ["/bin/sh", "-c", script]))
                for _ in 0..<500 * Patience.factor where !process.output.text.contains("ready 1 OK") { usleep(10_000) }
                kill(try #require(Self.initPID(of: process)), SIGKILL)
                if killsLauncher { kill(process.pid, SIGKILL) }
                process.wait()
                ground.process.end()
            }
        }

        private static func initPID(of process: HostProcess) -> Int32? {
            let children = ((try? readText("/proc/\(process.pid)/task/\(process.pid)/children")) ?? nil) ?? ""
            return children.split(separator: " ").compactMap { Int32($0) }.first {
                ((try? readText("/proc/\($0)/comm")) ?? nil) == "martinet-init\n"
            }
        }

        private static func privateDirectory(of pid: Int32) -> String? {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/tmp")) ?? []
            return names.first { $0.hasPrefix("martinet-\(pid)-") }
        }

        private static func command(_ ground: Ground, _ program: [String]) -> [String] {
            command(ground, [], program)
        }
    }
}
