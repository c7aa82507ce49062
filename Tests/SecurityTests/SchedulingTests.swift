// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import SandboxSpec
import TestHost
import Testing

@testable import Engine

/// Why this user cannot have a limit here; `nil` where it can.
private func refusal(_ change: (inout SandboxSpec) throws -> Void) -> String? {
    do {
        var spec = try Sandbox.spec("descriptors")
        try change(&spec)
        let outcome = try Sandbox.run(spec)
        return outcome.error?.message
    } catch { return "\(error)" }
}

private let cpuRefusal = refusal { $0.limits.cpus = .value(CPUCount(milli: 500)) }
private let weightRefusal = refusal {
    $0.limits.cpuWeight = 100
    $0.limits.cpuset = try NumberList("0")
}

/// The disk below /var/tmp, as a limit names it.
private let disk: String? = {
    guard let found = try? status(of: "/var/tmp", followingSymlinks: true) else { return nil }
    let number = "\(found.device >> 8 & 0xfff):\(found.device & 0xff)"
    guard let name = try? FileManager.default.destinationOfSymbolicLink(atPath: "/sys/dev/block/\(number)") else {
        return nil
    }
    return "/dev/\(URL(fileURLWithPath: name).lastPathComponent)"
}()
private let diskRefusal: String? = {
    guard let disk, FileManager.default.fileExists(atPath: disk) else { return "/var/tmp is on no disk" }
    return refusal { $0.limits.io.writeBytes = [try DeviceRate("\(disk):10MiB")] }
}()

extension SecurityTests {
    /// Shares of CPUs and disks, and ends that are not waited for in vain.
    @Suite struct Scheduling {
        private func spinner(_ count: String? = nil, seconds: Int) throws -> SandboxSpec {
            var spec = try Sandbox.spec("spin")
            if let count { spec.command.append(count) }
            spec.limits.timeout = .seconds(seconds)
            return spec
        }

        /// CPU time used, and the wall time it was used in.
        private func share(_ outcome: SandboxOutcome) throws -> Double {
            let verdict = try #require(outcome.verdict, "\(outcome.summary)")
            let used = try #require(verdict.cpuTime)
            return used / (try #require(verdict.wallTime))
        }

        @Test(
            "attack 34: spinning on every CPU under a limit of half a one uses half a one",
            .enabled(if: cpuRefusal == nil, "\(cpuRefusal ?? "")"), arguments: AgentUser.allCases)
        func held(user: AgentUser) throws {
            try LeakCheck.around {
                var spec = try spinner(seconds: 4)
                if user == .root { spec.user = UserReference(user: .number(0)) }
                spec.limits.cpus = .value(CPUCount(milli: 500))
                let outcome = try Sandbox.start(spec).wait()
                #expect(outcome.verdict?.limit == .time, "\(outcome.summary)")
                let share = try share(outcome)
                #expect(share <= 0.55, "\(share)")
                #expect(share > 0.1, "it was not spinning: \(share)")
            }
        }

        @Test(
            "attack 34: without the limit the same program uses more",
            .enabled(if: cpuRefusal == nil, "\(cpuRefusal ?? "")"))
        func control() throws {
            try LeakCheck.around {
                let share = try share(Sandbox.start(spinner(seconds: 2)).wait())
                #expect(share > 0.6)
            }
        }

        @Test(
            "attack 34: on one CPU two sandboxes get time at the ratio of their weights, however many processes each has",
            .enabled(if: weightRefusal == nil, "\(weightRefusal ?? "")"))
        func weights() throws {
            try LeakCheck.around {
                var heavy = try spinner("1", seconds: 6)
                var light = try spinner("16", seconds: 6)
                heavy.limits.cpuWeight = 200
                light.limits.cpuWeight = 100
                heavy.limits.cpuset = try NumberList("0")
                light.limits.cpuset = try NumberList("0")
                let first = try Sandbox.start(heavy)
                let second = try Sandbox.start(light)
                let a = try share(first.wait())
                let b = try share(second.wait())
                #expect((1.8...2.2).contains(a / b), "\(a) to \(b)")
            }
        }

        /// The command line as a caller has it, once the agent and its processes are there.
        private func stubborn(_ how: String, _ options: [String] = []) throws -> HostProcess {
            let process = try HostProcess(
                CommandLineProgram.path,
                ["run", "--name", LeakCheck.sandboxName, "--bind", "\(AttackPrograms.directory):/attack:ro"] + options
                    + ["--", "/attack/stubborn", how])
            for _ in 0..<1000 * Patience.factor where AttemptReport(process.output.text)["ready"] == nil {
                usleep(10_000)
            }
            #expect(AttemptReport(process.output.text)["ready"] != nil, "\(process.errors.text)")
            return process
        }

        private static let ways = ["ignore", "stop"]

        @Test(
            "attack 35: a time limit ends what ignores every signal, stops itself, or has left its session and parent",
            arguments: ways)
        func deadline(how: String) throws {
            try LeakCheck.around {
                let process = try stubborn(how, ["--timeout", "1s"])
                #expect(process.wait() == .exited(137))
                #expect(process.errors.text == "martinet: ended by the time limit of 1s\n")
            }
        }

        @Test("attack 35: what the agent leaves behind when SIGTERM ends it is gone with it")
        func obeyed() throws {
            try LeakCheck.around {
                let process = try stubborn("obey", ["--timeout", "\(20 * Patience.factor)s"])
                kill(process.pid, SIGTERM)
                #expect(process.wait() == .exited(143))
            }
        }

        @Test(
            "attack 35: SIGTERM to the launcher is the agent's to ignore; SIGKILL is not, and takes everything along",
            arguments: ways)
        func killed(how: String) throws {
            try LeakCheck.around(adopting: true) {
                let process = try stubborn(how, ["--timeout", "\(20 * Patience.factor)s"])
                kill(process.pid, SIGTERM)
                usleep(300_000)
                #expect(process.isRunning)
                process.end()
            }
        }

        @Test("attack 35: closing init's side of the socket takes everything along as well", arguments: ways)
        func letGo(how: String) throws {
            try LeakCheck.around {
                let sandbox = try Sandbox.start(Sandbox.spec("stubborn", how))
                _ = try sandbox.untilReady()
                #expect(sandbox.tasks() >= 4)
                sandbox.abandon()
                #expect(sandbox.tasks() == 0)
            }
        }

        @Test(
            "attack 36: direct writes are held to 10 MiB a second on a real disk",
            .enabled(if: diskRefusal == nil, "\(diskRefusal ?? "")"))
        func writes() throws {
            let directory = "/var/tmp/martinet-disk-\(getpid())"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            defer { try? FileManager.default.removeItem(atPath: directory) }
            chmod(directory, 0o777)
            func milliseconds(_ rate: String?) throws -> Int {
                var spec = try Sandbox.spec("direct-write", "/data/file", "40")
                spec.binds.append(BindMount(source: directory, target: try SandboxPath("/data"), readOnly: false))
                if let rate, let disk { spec.limits.io.writeBytes = [try DeviceRate("\(disk):\(rate)")] }
                let outcome = try Sandbox.run(spec)
                guard case .succeeded(let time) = outcome.report["milliseconds"] else {
                    Issue.record("\(outcome.summary)")
                    return 0
                }
                return time
            }
            try LeakCheck.around {
                let held = try milliseconds("10MiB")
                let rate = 40.0 / (Double(held) / 1000)
                #expect(rate <= 11, "\(rate) MiB/s")
                // Without the limit the disk is faster: else it was the disk that held.
                let free = try milliseconds(nil)
                #expect(free < held / 2, "\(free) ms")
            }
        }
    }
}
