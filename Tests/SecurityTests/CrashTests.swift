// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

/// Whether a dump, where one is made, is a file in the directory of the process: what can be tested without changing the
/// machine's own setting.
private let dumpsIntoFiles: Bool = {
    guard let pattern = TemporaryTree.read("/proc/sys/kernel/core_pattern") else { return false }
    return !pattern.hasPrefix("|") && !pattern.hasPrefix("@") && !pattern.hasPrefix("/")
}()

extension SecurityTests {
    @Suite struct Crashes {
        private func spec(_ workspace: String, _ user: AgentUser) throws -> SandboxSpec {
            var spec = try Sandbox.spec("crash", user: user)
            spec.workspace = workspace
            return spec
        }

        private func cores(_ directory: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasPrefix("core") }
        }

        @Test("a crash is not dumped, and the limit is not raised again", arguments: AgentUser.allCases)
        func notDumped(user: AgentUser) throws {
            let workspace = TemporaryTree.makeDirectory("workspace")
            try LeakCheck.around {
                let report = try Sandbox.run(spec(workspace, user)).report
                // 1, not 0: the one value that stops handlers as well. core(5)
                report.expectSuccess("soft-limit", "hard-limit", result: 1)
                // Said to be done, and not done: see the limits that a program finds after it, in Ends.
                report.expectSuccess("raise-limit")
                report.expectSuccess("signal", result: Int(SIGABRT))
                report.expectSuccess("dumped", result: 0)
                #expect(try cores(workspace) == [])
            }
        }

        @Test(
            "where it is asked for, the same crash leaves a core file",
            .enabled(if: dumpsIntoFiles, "core_pattern of this machine does not name a file in the current directory"))
        func dumped() throws {
            let workspace = TemporaryTree.makeDirectory("workspace")
            try LeakCheck.around {
                var spec = try spec(workspace, .agent)
                spec.limits.rlimits = [try ResourceLimit("core=4194304")]
                let report = try Sandbox.run(spec).report
                report.expectSuccess("dumpable", "dumped", result: 1)
                #expect(try cores(workspace).count == 1)
            }
        }
    }
}
