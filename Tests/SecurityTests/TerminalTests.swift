// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
import LinuxKernel
import SandboxSpec
import Testing

@testable import Engine

/// A terminal on the host: the caller's.
private final class HostTerminal {
    let master: Descriptor
    let slave: Descriptor
    let path: String

    init() throws {
        let raw = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(raw >= 0)
        master = Descriptor(owning: raw)
        try #require(grantpt(raw) == 0 && unlockpt(raw) == 0)
        var name = [CChar](repeating: 0, count: 64)
        try #require(ptsname_r(raw, &name, name.count) == 0)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        slave = try LinuxKernel.open(path, [.readWrite, .noControllingTerminal])
        // No lines: every key that is put in counts at once.
        TerminalState(of: slave.rawValue)?.applyRaw(to: slave.rawValue)
    }

    /// Keys that wait to be read, as a shell would read them.
    var typed: Int {
        var count: Int32 = 0
        _ = withUnsafeMutablePointer(to: &count) {
            mt_syscall(Int(SYS_ioctl), Int(slave.rawValue), 0x541b /* FIONREAD */, Int(bitPattern: $0), 0, 0, 0)
        }
        return Int(count)
    }

    /// What was written to it.
    func shown() throws -> String {
        try setNonBlocking(master.rawValue)
        var text: [UInt8] = []
        while let more = try? read(master, upTo: 4096), !more.isEmpty { text += more }
        return String(decoding: text, as: UTF8.self)
    }
}

extension SecurityTests {
    @Suite struct Terminals {
        /// Runs a sandbox with a terminal of its own, and returns what the agent wrote to that.
        private func run(_ spec: SandboxSpec) throws -> SandboxOutcome {
            let null = try LinuxKernel.open("/dev/null", .readWrite)
            let raw = null.rawValue
            var outcome = SandboxOutcome(verdict: nil, error: nil, output: "", errors: "")
            do throws(EngineError) {
                let sandbox = try Launcher().start(spec, streams: StandardStreams(input: raw, output: raw, error: raw))
                var text: [UInt8] = []
                switch sandbox.terminal {
                case .some(let terminal):
                    // Until EIO: the agent's side is closed.
                    while let more = try? read(terminal, upTo: 4096), !more.isEmpty { text += more }
                case .none: Issue.record("there is no terminal")
                }
                outcome.output = String(decoding: text, as: UTF8.self).replacingOccurrences(of: "\r\n", with: "\n")
                outcome.verdict = try sandbox.wait()
            } catch { outcome.error = error }
            return outcome
        }

        private static let streams = ["input", "output", "error"]
        private static let ioctls = ["sti", "linux", "setd", "console"]

        @Test("attack 28: keys are not put into the agent's own terminal", arguments: AgentUser.allCases)
        func ownTerminal(user: AgentUser) throws {
            try LeakCheck.around {
                for unconfined in [false, true] {
                    var spec = try Sandbox.spec("tty", user: user)
                    spec.terminal = true
                    if unconfined {
                        spec.seccomp = .unconfined
                        spec.landlock = .off
                    }
                    let report = try run(spec).report
                    for stream in Self.streams + ["tty"] {
                        if stream != "tty" { report.expectSuccess("\(stream)-is-terminal", result: 1) }
                        if unconfined {
                            // To a terminal of its own a process may be allowed to, and it is its own: dev.tty.legacy_tiocsti.
                            #expect(report["\(stream)-linux"] != .succeeded(0))
                        } else {
                            report.expectFailure(
                                ["\(stream)-sti", "\(stream)-linux", "\(stream)-setd"], "EPERM", "EIO")
                        }
                        report.expectFailure(["\(stream)-console"], "EPERM", "EACCES")
                    }
                    report.expectFailure(["tty0", "tty1", "vcs", "serial"], "ENOENT")
                    expectOwnDevices(report)
                }
            }
        }

        private func expectOwnDevices(_ report: AttemptReport) {
            report.expectSuccess("pts-type", result: 0x1cd1)
            report.expectSuccess("pts0-major", "console-major", result: 136)
            report.expectSuccess("console-is-pts0", result: 1)
        }

        @Test("attack 28: the caller's terminal is not in reach at all", arguments: AgentUser.allCases)
        func callersTerminal(user: AgentUser) throws {
            let terminal = try HostTerminal()
            try LeakCheck.around {
                for unconfined in [false, true] {
                    var spec = try Sandbox.spec("tty", user: user)
                    spec.standardInput = .inherit
                    if unconfined {
                        spec.seccomp = .unconfined
                        spec.landlock = .off
                    }
                    let raw = terminal.slave.rawValue
                    let sandbox = try Launcher().start(
                        spec, streams: StandardStreams(input: raw, output: raw, error: raw))
                    let verdict = try sandbox.wait()
                    #expect(verdict.exitStatus == 0)
                    let report = AttemptReport(try terminal.shown())
                    report.expectSuccess("done")
                    for stream in Self.streams {
                        report.expectSuccess("\(stream)-is-terminal", result: 0)
                        report.expectFailure(Self.ioctls.map { "\(stream)-\($0)" }, "ENOTTY", "EPERM", "EINVAL")
                    }
                    // No controlling terminal either.
                    report.expectFailure(["tty"], "ENXIO")
                    report.expectFailure(["console-major", "console", "pts0-major"], "ENOENT")
                }
            }
            #expect(terminal.typed == 0)
        }

        @Test(
            "attack 28: on the host the same program puts a key into the terminal it is given",
            .enabled(if: isRoot, "since Linux 6.2 that takes CAP_SYS_ADMIN"))
        func control() throws {
            let terminal = try HostTerminal()
            let output = MemoryFile()
            var request = SpawnRequest(
                // Not its controlling terminal: when a session ends, what was typed into its terminal goes with it.
                path: "/usr/bin/setsid", arguments: ["setsid", "--wait", AttackPrograms.path("tty")],
                environment: [],
                standardOutput: output.descriptor, standardError: output.descriptor)
            request.standardInput = terminal.slave.rawValue
            #expect(try reap(spawn(request)) == .exited(0))
            // Whether it can still be read afterwards differs from kernel to kernel: 6.12 was seen to have dropped it.
            AttemptReport(output.text).expectSuccess("input-sti")
        }

        /// What stands where the console is bound. CVE-2025-52565
        static let traps = ["dev/console", "dev/pts", "dev/pts/0", "dev/ptmx", "dev/tty"]

        @Test(
            "attack 6: the agent's terminal is its own whatever the root file system has in its place",
            arguments: traps,
            AgentUser.allCases)
        func hostileConsole(place: String, user: AgentUser) throws {
            let canary = FileCanary()
            let rootfs = try rootfs()
            let path = "\(rootfs)/\(place)"
            try FileManager.default.createDirectory(
                atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: canary.path)
            try LeakCheck.around {
                let outcome = try run(spec(rootfs, user))
                #expect(outcome.status == 0, "\(outcome.summary)")
                outcome.report.expectSuccess("input-is-terminal", "output-is-terminal", result: 1)
                expectOwnDevices(outcome.report)
            }
            canary.expectUntouched()
        }

        @Test("attack 6: nor while /dev turns into a link to the host and back")
        func swappedDevices() throws {
            let canary = FileCanary()
            let rootfs = try rootfs()
            for name in ["console", "ptmx", "pts"] {
                TemporaryTree.write("untouched", to: "\(canary.directory)/\(name)")
            }
            let before = TemporaryTree.listing(canary.directory)
            try FileManager.default.createSymbolicLink(atPath: "\(rootfs)/other", withDestinationPath: canary.directory)
            try LeakCheck.around {
                let swapper = try HostProcess(AttackPrograms.path("swap"), ["\(rootfs)/dev", "\(rootfs)/other"])
                var started = 0
                for _ in 0..<60 {
                    let outcome = try run(spec(rootfs, .agent))
                    guard outcome.error == nil else { continue }
                    started += 1
                    outcome.report.expectSuccess("input-is-terminal", result: 1)
                }
                #expect(swapper.wait() == .exited(0))
                #expect(started > 0)
            }
            #expect(TemporaryTree.listing(canary.directory) == before)
        }

        private func rootfs() throws -> String {
            let rootfs = TemporaryTree.makeDirectory("rootfs")
            for name in ["bin", "etc", "dev", "proc", "sys", "tmp"] {
                try FileManager.default.createDirectory(atPath: "\(rootfs)/\(name)", withIntermediateDirectories: true)
            }
            try FileManager.default.copyItem(atPath: AttackPrograms.path("tty"), toPath: "\(rootfs)/bin/x")
            return rootfs
        }

        private func spec(_ rootfs: String, _ user: AgentUser) throws -> SandboxSpec {
            var spec = try Sandbox.spec("tty", user: user)
            spec.terminal = true
            spec.rootfs = .directory(rootfs)
            spec.workdir = try SandboxPath("/")
            spec.command = ["/bin/x"]
            return spec
        }
    }
}
