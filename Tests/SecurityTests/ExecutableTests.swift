// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

extension SecurityTests {
    /// Attack 1, and the directories and descriptors by which a runtime was left in the same way.
    @Suite struct Executables {
        /// The program that init is: what an attacker wants to write.
        private static let initProgram: String = {
            let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
            return URL(fileURLWithPath: own).deletingLastPathComponent().path + "/martinet-init"
        }()

        private func expectUnchanged(_ body: () throws -> Void) throws {
            let before = try #require(FileManager.default.contents(atPath: Self.initProgram))
            try LeakCheck.around { try body() }
            #expect(FileManager.default.contents(atPath: Self.initProgram) == before)
        }

        private static let onInit = [
            "init-write", "init-read-write", "init-read", "init-by-handle", "init-execute",
        ]

        @Test(
            "attack 1: init's program is not opened, nor the agent's own to be written", arguments: AgentUser.allCases)
        func fromInside(user: AgentUser) throws {
            try expectUnchanged {
                for unconfined in [false, true] {
                    var spec = try Sandbox.spec("own-program", user: user)
                    if unconfined {
                        spec.seccomp = .unconfined
                        spec.landlock = .off
                    }
                    let report = try Sandbox.run(spec).report
                    report.expectFailure(Self.onInit, "EACCES")
                    report.expectFailure(["self-write", "self-by-handle"], "ETXTBSY", "EROFS", "EACCES")
                    report.expectSuccess("other-programs", result: 0)
                }
            }
        }

        @Test("attack 1: a program of the agent's own that nobody runs is written")
        func control() throws {
            // The defence is that it is another's: the same open of a file of its own succeeds.
            let workspace = TemporaryTree.makeDirectory("workspace")
            try LeakCheck.around {
                var spec = try Sandbox.spec("own-program")
                spec.workspace = workspace
                spec.command = ["/bin/sh", "-c", "cp /attack/own-program x && : >> x && echo written 0 OK"]
                try Sandbox.run(spec).report.expectSuccess("written")
            }
        }

        /// What an image may name as its program so that the runtime executes itself. CVE-2019-5736, CVE-2024-21626
        @Test(
            "attack 1: a program that leads to init's own is run as the agent and refuses, or is not found",
            arguments: ["link", "script", "proc", "descriptor"], AgentUser.allCases)
        func asEntryPoint(kind: String, user: AgentUser) throws {
            let rootfs = TemporaryTree.makeDirectory("rootfs")
            let files = FileManager.default
            try files.createDirectory(atPath: "\(rootfs)/bin", withIntermediateDirectories: true)
            let program = "\(rootfs)/bin/x"
            switch kind {
            case "link": try files.createSymbolicLink(atPath: program, withDestinationPath: "/proc/self/exe")
            case "script":
                TemporaryTree.write("#!/proc/self/exe\n", to: program)
                chmod(program, 0o755)
            case "proc": try files.createSymbolicLink(atPath: program, withDestinationPath: "/proc/1/exe")
            default: try files.createSymbolicLink(atPath: program, withDestinationPath: "/proc/self/fd/5")
            }
            try expectUnchanged {
                var spec = try Sandbox.spec("own-program", user: user)
                spec.rootfs = .directory(rootfs)
                spec.command = ["/bin/x"]
                let outcome = try Sandbox.run(spec)
                // 125: init's program ran, as the agent, and would have none of it.
                #expect([125, 126, 127].contains(outcome.status), "\(outcome.summary)")
                #expect(outcome.verdict == nil || outcome.errors.contains("nothing was done"), "\(outcome.summary)")
            }
        }

        @Test(
            "attack 13: no working directory is one that init has open", arguments: AgentUser.allCases)
        func workingDirectory(user: AgentUser) throws {
            let rootfs = TemporaryTree.makeDirectory("rootfs")
            for name in ["bin", "etc"] {
                try FileManager.default.createDirectory(atPath: "\(rootfs)/\(name)", withIntermediateDirectories: true)
            }
            let workspace = TemporaryTree.makeDirectory("workspace")
            try LeakCheck.around {
                for number in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 24, 28, 32] {
                    let link = "\(rootfs)/cwd-\(number)"
                    try FileManager.default.createSymbolicLink(
                        atPath: link, withDestinationPath: "/proc/self/fd/\(number)")
                    for isDirectory in [false, true] {
                        var spec = try Sandbox.spec("roots", "/nowhere", user: user)
                        spec.workspace = workspace
                        if isDirectory { spec.rootfs = .directory(rootfs) }
                        spec.workdir = try SandboxPath(isDirectory ? "/cwd-\(number)" : "/proc/self/fd/\(number)")
                        let outcome = try Sandbox.run(spec)
                        #expect(outcome.error?.code == .setupFailed, "\(number): \(outcome.summary)")
                        let refusal = outcome.error?.message ?? ""
                        // Up to there init has something open for certain.
                        let isRefused = refusal.contains("ELOOP") || (number > 10 && refusal.contains("ENOENT"))
                        #expect(isRefused, "\(number): \(outcome.summary)")
                    }
                }
                // A link that is a path is one.
                var spec = try Sandbox.spec("roots", "/nowhere", user: user)
                spec.workdir = try SandboxPath("/proc/sys")
                try Sandbox.run(spec).report.expectSuccess("still-at-the-root")
            }
        }
    }
}
