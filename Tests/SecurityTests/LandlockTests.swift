// SPDX-License-Identifier: Apache-2.0
import Confinement
import Foundation
import LinuxKernel
import SandboxSpec
import Testing

private let kernelABI: UInt32 = if case .abi(let abi) = LandlockSupport.probe() { abi } else { 0 }

extension SecurityTests {
    @Suite(.enabled(if: kernelABI >= 2, "this kernel has no Landlock, or its first version"))
    struct LandlockBesideNamespaces {
        /// A workspace with something to guard, and a directory that is shown read-only.
        private struct Ground {
            let workspace = TemporaryTree.makeDirectory("workspace")
            let data = TemporaryTree.makeDirectory("data")

            init() {
                for name in [".git", ".git/hooks"] { mkdir("\(workspace)/\(name)", 0o755) }
                TemporaryTree.write("secret", to: "\(workspace)/.env")
                for path in [workspace, "\(workspace)/.git", "\(workspace)/.git/hooks", data] { chmod(path, 0o777) }
            }

            func spec(_ user: AgentUser) throws -> SandboxSpec {
                var spec = try Sandbox.spec("unguard", user: user)
                spec.workspace = workspace
                spec.binds.append(BindMount(source: data, target: try SandboxPath("/data"), readOnly: true))
                spec.capabilities = [try CapabilityName("SYS_ADMIN")]
                return spec
            }

            /// Names on the host that an attempt has made.
            var changes: [String] {
                ["\(workspace)/.git/hooks/pre-commit", "\(data)/remounted", "\(data)/set"].filter {
                    FileManager.default.fileExists(atPath: $0)
                }
            }
        }

        private static let calls = [
            "umount-hidden", "copy-tree", "setattr-guard", "remount-bind", "setattr-bind", "mount-over", "mount-bind",
            "move-mount", "pivot-root",
        ]
        /// Those that Landlock itself refuses, whatever the filter says.
        private static let refusedByLandlock = [
            "umount-hidden", "remount-bind", "mount-over", "mount-bind", "move-mount", "pivot-root",
        ]

        @Test(
            "attack 14: with CAP_SYS_ADMIN no guard is taken away and no read-only mount made writable",
            arguments: AgentUser.allCases)
        func guardsStay(user: AgentUser) throws {
            let ground = Ground()
            try LeakCheck.around {
                let report = try Sandbox.run(ground.spec(user)).report
                report.expectFailure(Self.calls, "EPERM")
                report.expectFailure(["read-hidden"], "EACCES")
                report.expectFailure(["read-hidden-in-copy"], "EBADF")
                report.expectFailure(["write-guarded", "write-remounted", "write-set"], "EROFS", "EACCES")
            }
            #expect(ground.changes == [])
        }

        @Test(
            "attack 14: without the filter Landlock alone refuses to mount, and to write where only a mount forbade it",
            arguments: AgentUser.allCases)
        func guardsWithoutFilter(user: AgentUser) throws {
            let ground = Ground()
            try LeakCheck.around {
                var spec = try ground.spec(user)
                spec.seccomp = .unconfined
                let report = try Sandbox.run(spec).report
                report.expectFailure(Self.refusedByLandlock, "EPERM")
                report.expectSuccess("setattr-bind")
                report.expectFailure(["write-set"], "EACCES")
            }
            #expect(!ground.changes.contains { $0.hasSuffix("/set") })
        }

        @Test("attack 14: without Landlock the same capability undoes guards and read-only mounts")
        func guardsControl() throws {
            let ground = Ground()
            try LeakCheck.around {
                var spec = try ground.spec(.agent)
                spec.landlock = .off
                let report = try Sandbox.run(spec).report
                report.expectSuccess("umount-hidden", "read-hidden", "copy-tree", "read-hidden-in-copy", "setattr-bind")
                report.expectSuccess("mount-over", "write-set")
            }
            #expect(ground.changes.contains("\(ground.data)/set"))
        }

        // MARK: Ordinary programs

        /// What the first version does not let be done, and what that leaves undone.
        private static let notInFirst: Set = [
            "rename-across", "link-across", "rename-directory-across", "exchange", "change-mode", "remove-file",
            "remove-directory",
        ]

        @Test(
            "what programs do every day works under every version of Landlock",
            // What came after the sixth asks for nothing new here.
            arguments: ([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 99] as [UInt32]).filter { $0 <= kernelABI || kernelABI >= 6 })
        func ordinary(abi: UInt32) throws {
            try LeakCheck.around {
                for isDirectory in [false, true] {
                    var spec = try Sandbox.spec("ordinary", "/tmp", "\(AttackPrograms.target)/ordinary")
                    if isDirectory { spec.rootfs = .directory(TemporaryTree.makeDirectory("rootfs")) }
                    if abi == 0 { spec.landlock = .off }
                    if abi == 1 { spec.landlock = .atLeast(1) }
                    let outcome = try Sandbox.start(spec, landlock: abi == 0 ? nil : .abi(abi)).wait()
                    let report = outcome.report
                    #expect(report.names().count > 35, "\(outcome.summary)")
                    for name in report.names() where name != "make-device" {
                        if abi == 1, Self.notInFirst.contains(name) {
                            report.expectFailure([name], "EXDEV", "ENOENT")
                        } else {
                            report.expectSuccess(name)
                        }
                    }
                    // The one device node that the kernel lets anybody make shows that Landlock is there at all.
                    if abi == 0 {
                        report.expectSuccess("make-device")
                    } else {
                        // To some kernels' Landlock a whiteout is no device: 6.12.117 was seen to make it.
                        if case .succeeded = report.attempts["make-device"] { continue }
                        report.expectFailure(["make-device"], "EACCES")
                    }
                }
            }
        }

        // MARK: Abstract sockets

        @Test(
            "attack 37: in the host's network its abstract sockets are out of reach",
            .enabled(if: kernelABI >= 6, "this kernel's Landlock has no scopes (Linux 6.12)"),
            arguments: AgentUser.allCases)
        func abstractSockets(user: AgentUser) throws {
            try LeakCheck.around {
                let canary = try HostCanary()
                var spec = try Sandbox.spec("visibility", "\(canary.key)", "\(canary.port)", user: user)
                spec.command[0] = "\(AttackPrograms.target)/loopback"
                spec.network = .host
                let report = try Sandbox.run(spec).report
                report.expectFailure(["abstract-socket"], "EPERM")
                report.expectSuccess("host-loopback")
                canary.expectUntouched(visits: 1)
            }
        }

        @Test(
            "attack 37: without Landlock, or with a version before 6, they answer",
            arguments: ([0, 5] as [UInt32]).filter { $0 <= kernelABI })
        func abstractSocketsControl(abi: UInt32) throws {
            try LeakCheck.around {
                let canary = try HostCanary()
                var spec = try Sandbox.spec("visibility", "\(canary.key)", "\(canary.port)")
                spec.command[0] = "\(AttackPrograms.target)/loopback"
                spec.network = .host
                if abi == 0 { spec.landlock = .off }
                let sandbox = try Sandbox.start(spec, landlock: abi == 0 ? nil : .abi(abi))
                sandbox.wait().report.expectSuccess("abstract-socket", "host-loopback")
                canary.expectUntouched(visits: 2)
            }
        }
    }
}
