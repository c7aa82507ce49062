// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import SandboxSpec
import Testing

extension SecurityTests {
    @Suite struct LeakedState {
        @Test(
            "attack 2: descriptors, signal mask and environment of the launcher do not reach the agent",
            arguments: AgentUser.allCases)
        func nothingComesAlong(user: AgentUser) throws {
            let canary = FileCanary()
            // Not close-on-exec, as a careless caller's: the last line of defence is the sandbox's own.
            let leaked = Foundation.open(canary.path, O_RDWR)
            #expect(leaked > 2)
            defer { close(leaked) }
            setenv("MARTINET_TEST_SECRET", "martinet-canary", 1)
            defer { unsetenv("MARTINET_TEST_SECRET") }
            // Of this thread, which does the launch.
            let mask = setSignalMask(SignalSet([SIGUSR1, SIGTERM]))
            defer { setSignalMask(mask) }
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("descriptors", user: user)).report
                report.expectSuccess("beyond-standard", result: 0)
                report.expectSuccess("standard-0", "standard-1", "standard-2")
                report.expectSuccess("blocked-signals", "ignored-signals", "caller-environment", result: 0)
                report.expectSuccess("umask", result: 0o022)
                report.expectSuccess("leads-its-session", result: 1)
            }
            canary.expectUntouched()
        }

        @Test("attack 2: without a sandbox the same program sees the leaked descriptor and variable")
        func control() throws {
            let canary = FileCanary()
            let leaked = Foundation.open(canary.path, O_RDWR)
            defer { close(leaked) }
            setenv("MARTINET_TEST_SECRET", "martinet-canary", 1)
            defer { unsetenv("MARTINET_TEST_SECRET") }
            let output = MemoryFile()
            // posix_spawn as it comes: descriptors and environment are inherited.
            var actions = posix_spawn_file_actions_t()
            posix_spawn_file_actions_init(&actions)
            defer { posix_spawn_file_actions_destroy(&actions) }
            posix_spawn_file_actions_adddup2(&actions, output.descriptor, 1)
            var pid: pid_t = 0
            let program = AttackPrograms.path("descriptors")
            let name = strdup(program)
            defer { free(name) }
            #expect(posix_spawn(&pid, program, &actions, nil, [name, nil], environ) == 0)
            #expect(try reap(pid) == .exited(0))
            let report = AttemptReport(output.text)
            guard case .succeeded(let beyond) = report["beyond-standard"] else { Issue.record("no report"); return }
            #expect(beyond >= 1)
            report.expectSuccess("caller-environment", result: 1)
        }
    }
}
