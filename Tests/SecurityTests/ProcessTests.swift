// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import TestHost
import Testing

extension SecurityTests {
    @Suite struct Processes {
        private static let memoryCalls = ["ptrace-seize", "ptrace-attach", "vm-read", "vm-write"]
        private static let filteredCalls = ["pidfd-getfd", "kcmp"]
        private static let files = ["mem", "environ", "maps", "smaps", "pagemap", "auxv", "syscall", "stack", "io"]
        private static let links = ["root", "cwd", "exe", "fd/1", "ns/mnt", "ns/user", "exe-for-writing"]

        @Test("attack 17: init is neither read, written, traced nor looked into", arguments: AgentUser.allCases)
        func inspectInit(user: AgentUser) throws {
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("inspect", user: user)).report
                report.expectFailure((Self.memoryCalls + Self.filteredCalls).map { "init-\($0)" }, "EPERM")
                report.expectFailure((Self.files + Self.links).map { "init-\($0)" }, "EACCES", "EPERM")
                report.expectFailure(["init-process-madvise"], "EACCES", "EPERM")
                // The same calls on a child of the agent's own: what stands before init is that it is init.
                report.expectSuccess(
                    "child-ptrace-seize", "child-vm-read", "child-vm-write", "child-mem", "child-environ")
                report.expectSuccess("child-maps", "child-root", "child-exe", "child-fd/1")
            }
        }

        @Test("attack 17: without the filter init is still not opened to anyone", arguments: AgentUser.allCases)
        func inspectInitUnconfined(user: AgentUser) throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("inspect", user: user)
                spec.seccomp = .unconfined
                let report = try Sandbox.run(spec).report
                report.expectSuccess("child-pidfd-getfd", "child-kcmp")
                report.expectFailure((Self.memoryCalls + Self.filteredCalls).map { "init-\($0)" }, "EPERM")
                report.expectFailure((Self.files + Self.links).map { "init-\($0)" }, "EACCES", "EPERM")
            }
        }

        private static let signalCalls = [
            "exists", "kill", "kill-group", "tgkill", "sigqueueinfo", "pidfd-open", "set-owner",
        ]

        @Test(
            "attack 18: signals reach no process of the host, no other sandbox, and do nothing to init",
            arguments: AgentUser.allCases)
        func signals(user: AgentUser) throws {
            try LeakCheck.around {
                let canary = try HostCanary()
                let neighbour = try Sandbox.start(Sandbox.spec("canary", "\(canary.key + 1)"))
                _ = try neighbour.untilReady()
                // They are within reach of this process: the numbers are right.
                #expect(kill(canary.pid, 0) == 0)
                #expect(kill(neighbour.initPID, 0) == 0)
                let spec = try Sandbox.spec(
                    "signals", "host", "\(canary.pid)", "launcher", "\(getpid())", "neighbour", "\(neighbour.initPID)",
                    user: user)
                let outcome = try Sandbox.run(spec)
                for whom in ["host", "launcher", "neighbour"] {
                    // A group that init may not see is one that is not there.
                    outcome.report.expectFailure(Self.signalCalls.map { "\(whom)-\($0)" }, "ESRCH")
                }
                outcome.report.expectSuccess("child-kill")
                outcome.report.expectSuccess("child-died", "init-still-reaps", result: 1)
                #expect(outcome.status == 0, "\(outcome.summary)")
                #expect(neighbour.wait().report["visits"] == .succeeded(0))
                canary.expectUntouched()
            }
        }

        @Test("attack 18: on the host the same signal arrives")
        func signalsControl() throws {
            try LeakCheck.around {
                let canary = try HostCanary()
                #expect(kill(canary.pid, SIGKILL) == 0)
                usleep(UInt32(100_000 * Patience.factor))
                #expect(canary.end() == nil)
            }
        }
    }
}
