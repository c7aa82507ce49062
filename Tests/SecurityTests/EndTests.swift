// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import TestHost
import Testing

extension SecurityTests {
    /// The end of a sandbox whose launcher, or whose launcher's caller, does not play along; with and without namespaces.
    @Suite struct Ends {
        private static let isolations = ["namespaces", "landlock"]

        private func command(_ isolation: String, _ options: [String], _ program: [String]) -> [String] {
            let attacks = AttackPrograms.directory
            return [
                "run", "--isolation", isolation, "--name", LeakCheck.sandboxName, "--bind", "\(attacks):\(attacks):ro",
            ]
                + options + ["--"] + program
        }

        @Test("a caller that ignores SIGCHLD hears of the end, and the time limit holds", arguments: isolations)
        func ignoredChildren(isolation: String) throws {
            try LeakCheck.around {
                func run(_ options: [String], _ script: String) throws -> LinuxKernel.ExitStatus {
                    // dash keeps what it was told to ignore ignored across exec, as POSIX has it.
                    let all = [CommandLineProgram.path] + command(isolation, options, ["/bin/sh", "-c", script])
                    return try HostProcess.run("/bin/sh", ["-c", "trap '' CHLD; exec \"$@\"", "sh"] + all).status
                }
                let ended = try run([], "sleep 0.1; exit 7")
                #expect(ended == .exited(7))
                let late = try run(["--timeout", "500ms"], "sleep 1000 & sleep 1000")
                #expect(late == .exited(137))
            }
        }

        @Test(
            "the time limit holds while the launcher is stopped, whatever the agent has init say to it",
            arguments: isolations)
        func stoppedLauncher(isolation: String) throws {
            try LeakCheck.around {
                let process = try HostProcess(
                    CommandLineProgram.path,
                    command(
                        isolation, ["--timeout", "\(2 * Patience.factor)s"], [AttackPrograms.path("stay"), "toggle"]))
                for _ in 0..<500 * Patience.factor where !process.output.text.contains("ready") { usleep(10_000) }
                // By its child: the kernel names what is executed by descriptor after the file since 6.14 only.
                let sandbox = try #require(children(of: process.pid).first { !children(of: $0).isEmpty })
                kill(process.pid, SIGSTOP)
                #expect(!children(of: sandbox).isEmpty)
                var rest = children(of: sandbox)
                for _ in 0..<600 * Patience.factor where !rest.isEmpty {
                    usleep(10_000)
                    rest = children(of: sandbox)
                }
                #expect(rest.isEmpty, "what the agent started still runs")
                kill(process.pid, SIGCONT)
                #expect(process.wait() == .exited(137))
            }
        }

        @Test("the limit of core dumps stays 1, at which no handler of the host's is called", arguments: isolations)
        func coreLimit(isolation: String) throws {
            let script = "ulimit -S -c 0; ulimit -H -c 0; grep core /proc/self/limits"
            func limits(_ options: [String]) throws -> [Substring] {
                let outcome = try HostProcess.run(
                    CommandLineProgram.path, command(isolation, options, ["/bin/sh", "-c", script]))
                #expect(outcome.status == .exited(0), "\(outcome.errors)")
                return outcome.output.split(separator: " ").filter { Int($0) != nil }
            }
            #expect(try limits([]) == ["1", "1"])
            #expect(try limits(["--seccomp", "unconfined"]) == ["0", "0"])
        }

        private func children(of pid: Int32) -> [Int32] {
            let text = ((try? readText("/proc/\(pid)/task/\(pid)/children")) ?? nil) ?? ""
            return text.split(separator: " ").compactMap { Int32($0) }
        }
    }
}
