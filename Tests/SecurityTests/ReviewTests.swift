// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import SandboxSpec
import TestHost
import Testing

@testable import Engine

extension SecurityTests {
    /// Holes that a review found, each through the command line as a caller meets it.
    @Suite struct Review {
        /// A run through a shell, which arranges descriptors. It is killed after a while, so that no test hangs.
        private func run(_ arguments: String, redirections: String = "") throws -> HostProcess {
            try HostProcess(
                "/bin/sh",
                [
                    "-c",
                    "exec timeout -s KILL \(20 * Patience.factor) \(CommandLineProgram.path) run \(arguments) \(redirections)",
                ])
        }

        private func state(_ pid: Int32) -> String {
            let stat = TemporaryTree.read("/proc/\(pid)/stat") ?? ""
            return stat.split(separator: ")").last?.split(separator: " ").first.map(String.init) ?? "none"
        }

        private func until(_ isSo: () -> Bool) -> Bool {
            for _ in 0..<300 * Patience.factor {
                if isSo() { return true }
                usleep(10_000)
            }
            return false
        }

        @Test(
            "a closed standard descriptor is an error: no other descriptor takes its number and is handed in",
            arguments: ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
        func closedDescriptors(redirections: String) throws {
            try LeakCheck.around {
                let process = try run("-- /bin/true", redirections: redirections)
                #expect(process.wait() == .exited(125))
            }
        }

        @Test func `an agent that stops itself does not stop its launcher`() throws {
            try LeakCheck.around {
                let process = try run("--timeout 1s -- /bin/sh -c 'kill -STOP $$'")
                process.wait()
                #expect(process.errors.text == "martinet: ended by the time limit of 1s\n")
            }
        }

        @Test func `a launcher told to stop stops with its agent, and goes on with it`() throws {
            try LeakCheck.around {
                // Without timeout(1) in between: the process is the launcher.
                let process = try HostProcess(
                    CommandLineProgram.path, ["run", "--timeout", "\(20 * Patience.factor)s", "--", "/bin/cat"])
                #expect(until { state(process.pid) == "S" && process.isRunning })
                usleep(UInt32(300_000 * Patience.factor))
                kill(process.pid, SIGTSTP)
                #expect(until { state(process.pid) == "T" })
                kill(process.pid, SIGCONT)
                #expect(until { state(process.pid) == "S" })
                #expect(process.wait() == .exited(0))
            }
        }

        /// The programs as an installation has them: init without read permission.
        private func installed() throws -> String {
            let directory = TemporaryTree.makeDirectory("installed")
            for name in ["martinet", "martinet-init"] {
                let built = URL(fileURLWithPath: CommandLineProgram.path).deletingLastPathComponent().path
                try FileManager.default.copyItem(atPath: "\(built)/\(name)", toPath: "\(directory)/\(name)")
            }
            #expect(chmod("\(directory)/martinet-init", 0o711) == 0)
            return "\(directory)/martinet"
        }

        @Test(
            "attack 17: installed, init is out of reach of an agent with CAP_SYS_PTRACE too",
            .enabled(if: isRoot, "the programs must belong to the host's root"), arguments: AgentUser.allCases)
        func tracedInit(user: AgentUser) throws {
            try LeakCheck.around {
                let process = try HostProcess(
                    try installed(),
                    [
                        "run", "--timeout", "\(20 * Patience.factor)s", "--cap", "sys_ptrace", "--user",
                        "\(user.rawValue)", "--bind",
                        "\(AttackPrograms.directory):/attack:ro", "--", "/attack/inspect",
                    ])
                #expect(process.wait() == .exited(0), "\(process.errors.text)")
                let report = AttemptReport(process.output.text, context: process.errors.text)
                report.expectFailure(
                    ["init-ptrace-seize", "init-vm-read", "init-vm-write", "init-pidfd-getfd"], "EPERM")
                report.expectFailure(["init-mem", "init-environ", "init-root", "init-exe"], "EACCES")
                report.expectSuccess("child-ptrace-seize", "child-vm-read")
            }
        }

        @Test(.enabled(if: isRoot, "only root passes trees by descriptor"))
        func `more descriptors than one record carries arrive`() throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("identity")
                spec.binds += try (0..<300).map {
                    BindMount(source: AttackPrograms.directory, target: try SandboxPath("/d/\($0)"), readOnly: true)
                }
                spec.command = ["/bin/sh", "-c", "ls /d | wc -l"]
                #expect(try Sandbox.run(spec).output == "300\n")
            }
        }
    }
}
