// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

@testable import Engine

extension SecurityTests {
    /// Attack 21: what another sandbox has.
    @Suite struct Neighbours {
        private struct Secret {
            let first = "canary-\(UInt64.random(in: 0 ... .max))"
            let second = "-\(UInt64.random(in: 0 ... .max))"
            var text: String { first + second }
        }

        /// A sandbox that has a secret in its files, its environment, its memory, its arguments' files and its output.
        private func owner(_ secret: Secret, _ workspace: String) throws -> SandboxSpec {
            let file = "\(TemporaryTree.makeDirectory("secret"))/secret"
            TemporaryTree.write(secret.text, to: file)
            chmod(file, 0o600)
            var spec = try Sandbox.spec(
                "search", secret.first, secret.second, "keep", "/tmp", "/dev/shm", "/workspace", "/home/agent",
                user: .root)
            spec.secrets = [
                try SecretReference("TOKEN=@\(file)", delivery: .environment),
                try SecretReference("token=@\(file)", delivery: .file),
            ]
            spec.workspace = workspace
            return spec
        }

        @Test("attack 21: a sandbox finds neither files, environment, secrets nor output of another, by any path")
        func secrets() throws {
            let secret = Secret()
            let workspace = TemporaryTree.makeDirectory("workspace")
            try LeakCheck.around {
                let neighbour = try Sandbox.start(owner(secret, workspace))
                // The same search where it is allowed: in the four files, the environment and the secret's file.
                let own = try neighbour.untilReady()
                guard case .succeeded(let finds) = own["finds"] else { Issue.record("\(own)"); return }
                #expect(finds >= 6)
                let pid = neighbour.initPID
                let paths = [
                    workspace, TemporaryTree.makeDirectory("x"), "/run/martinet", "/proc/\(pid)", "/proc/\(pid)/root",
                    "/proc/\(pid)/environ", "/proc/\(pid + 1)", "/proc/\(getpid())/fd", "/proc/\(pid)/root/tmp",
                ]
                for user in AgentUser.allCases {
                    for unconfined in [false, true] {
                        var spec = try Sandbox.spec("search", secret.first, secret.second, user: user)
                        spec.command += paths
                        spec.workspace = TemporaryTree.makeDirectory("other")
                        if unconfined {
                            spec.seccomp = .unconfined
                            spec.landlock = .off
                        }
                        let outcome = try Sandbox.run(spec)
                        outcome.report.expectSuccess("finds", result: 0)
                        outcome.report.expectFailure(paths.indices.map { "path-\($0)" }, "ENOENT")
                        guard case .succeeded(let files) = outcome.report["files"] else { continue }
                        #expect(files > 20, "\(outcome.summary)")
                    }
                }
                #expect(neighbour.wait().status == 0)
            }
        }

        @Test("attack 21: nor what another keeps in an overlay directory", arguments: AgentUser.allCases)
        func overlays(user: AgentUser) throws {
            let secret = Secret()
            let rootfs = TemporaryTree.makeDirectory("rootfs")
            try FileManager.default.createDirectory(atPath: "\(rootfs)/bin", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: AttackPrograms.path("search"), toPath: "\(rootfs)/bin/search")
            // On the overlay, not in memory, and the agent's to write.
            #expect(mkdir("\(rootfs)/shared", 0o755) == 0 && chmod("\(rootfs)/shared", 0o777) == 0)
            func spec(_ overlay: String, _ arguments: [String]) throws -> SandboxSpec {
                var spec = try Sandbox.spec("search", user: user)
                spec.rootfs = .directory(rootfs)
                spec.overlay = overlay
                spec.command = ["/bin/search", secret.first, secret.second] + arguments
                return spec
            }
            let first = "\(TemporaryTree.makeDirectory("overlays"))/first"
            let second = "\(TemporaryTree.makeDirectory("overlays"))/second"
            try LeakCheck.around {
                let neighbour = try Sandbox.start(spec(first, ["keep", "/tmp", "/shared"]))
                _ = try neighbour.untilReady()
                let outcome = try Sandbox.run(
                    spec(second, [first, "\(first)/upper", "\(first)/upper/shared", "/shared"]))
                outcome.report.expectSuccess("finds", result: 0)
                // One sandbox at a time in one overlay.
                let same = try Sandbox.run(spec(first, ["/shared"]))
                #expect(same.status == 125 && same.error != nil, "\(same.summary)")
                _ = neighbour.wait()
                // The defence off: the same overlay afterwards is the same files.
                try Sandbox.run(spec(first, ["/shared"])).report.expectSuccess("finds", result: 1)
            }
        }

        @Test(
            "attack 21: two sandboxes share no id",
            .enabled(if: isRoot, "all sandboxes of one user without a range are that user"))
        func identities() throws {
            try LeakCheck.around {
                let sandboxes = try (0..<3).map { _ in try Sandbox.start(Sandbox.spec("canary", "1", user: .root)) }
                let identities = sandboxes.map { sandbox -> [String] in
                    let status = TemporaryTree.read("/proc/\(sandbox.initPID)/status") ?? ""
                    return status.split(separator: "\n").filter { $0.hasPrefix("Uid:") || $0.hasPrefix("Gid:") }
                        .map(String.init)
                }
                #expect(Set(identities).count == 3)
                let maps = sandboxes.compactMap { TemporaryTree.read("/proc/\($0.initPID)/uid_map") }
                #expect(
                    Set(maps).count == 3
                        && maps.allSatisfy { !$0.split(separator: " ").dropFirst().starts(with: ["0"]) })
                for sandbox in sandboxes { _ = sandbox.wait() }
            }
        }
    }
}
