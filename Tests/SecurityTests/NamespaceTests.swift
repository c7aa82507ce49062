// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

extension SecurityTests {
    @Suite struct Namespaces {
        private static let kinds = ["user", "mount", "pid", "net", "uts", "ipc", "cgroup", "time"]
        private static let cloned = kinds.filter { $0 != "time" }

        @Test("attack 12: no call makes or enters a namespace", arguments: AgentUser.allCases)
        func refused(user: AgentUser) throws {
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("namespaces", user: user)).report
                report.expectFailure(Self.kinds.map { "unshare-\($0)" }, "EPERM")
                report.expectFailure(Self.kinds.map { "setns-\($0)" }, "EPERM")
                report.expectFailure(Self.cloned.map { "clone-\($0)" }, "EPERM")
                report.expectFailure(Self.kinds.map { "clone3-\($0)" }, "ENOSYS")
            }
        }

        @Test("attack 12: without the filter a user namespace can be made, and no other", arguments: AgentUser.allCases)
        func unconfined(user: AgentUser) throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("namespaces", user: user)
                spec.seccomp = .unconfined
                let report = try Sandbox.run(spec).report
                report.expectSuccess("unshare-user", "clone-user", "clone3-user")
                let others = Self.cloned.filter { $0 != "user" }
                report.expectFailure(others.flatMap { ["unshare-\($0)", "clone-\($0)", "clone3-\($0)"] }, "EPERM")
            }
        }
    }
}
