// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

extension SecurityTests {
    @Suite struct FileSystems {
        private static let canaryAttempts = [
            "canary", "canary-by-dots", "canary-by-proc-root", "canary-after-chroot", "canary-after-pivot",
        ]

        @Test(
            "attack 13: chroot, pivot_root, a kept descriptor and dots lead to nothing beyond the root",
            arguments: AgentUser.allCases)
        func roots(user: AgentUser) throws {
            let canary = FileCanary()
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("roots", canary.path, user: user)).report
                report.expectFailure(["chroot", "chroot-again", "pivot-root"], "EPERM")
                report.expectFailure(Self.canaryAttempts, "ENOENT")
                report.expectFailure(["canary-by-init-root"], "EACCES")
                report.expectSuccess("still-at-the-root", "root-is-the-same", result: 1)
            }
            canary.expectUntouched()
        }

        @Test(
            "attack 13: nor beyond a root directory of its own, whose overlay covers what it was built from",
            arguments: AgentUser.allCases)
        func rootsOfDirectory(user: AgentUser) throws {
            let canary = FileCanary()
            let rootfs = TemporaryTree.makeDirectory("rootfs")
            try LeakCheck.around {
                for capabilities in [[], [try CapabilityName("SYS_CHROOT")]] {
                    var spec = try Sandbox.spec("roots", canary.path, user: user)
                    spec.rootfs = .directory(rootfs)
                    spec.capabilities = capabilities
                    let report = try Sandbox.run(spec).report
                    report.expectFailure(Self.canaryAttempts, "ENOENT")
                    report.expectFailure(["canary-by-init-root"], "EACCES")
                    report.expectSuccess("still-at-the-root", "root-is-the-same", result: 1)
                }
            }
            canary.expectUntouched()
        }

        @Test(
            "attack 13: no mount of the host's but those shown is in the sandbox's namespace", arguments: [false, true])
        func mountsInside(isDirectory: Bool) throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("mounts")
                spec.command = ["\(AttackPrograms.target)/cat", "/proc/self/mountinfo"]
                if isDirectory { spec.rootfs = .directory(TemporaryTree.makeDirectory("rootfs")) }
                let outcome = try Sandbox.run(spec)
                let points = outcome.output.split(separator: "\n").map { $0.split(separator: " ")[4] }
                #expect(points.count > 20, "\(outcome.summary)")
                // One root, and one mount a place: what is hidden under another mount can come to light again.
                #expect(points.filter { $0 == "/" }.count == 1, "\(outcome.summary)")
                for place in ["/proc", "/sys", "/dev", "/dev/pts", "/tmp"] {
                    #expect(points.filter { $0 == place }.count <= 1, "\(place): \(outcome.summary)")
                }
            }
        }

        @Test(
            "attack 13: with CAP_SYS_CHROOT the double chroot works and still ends at the sandbox's root",
            arguments: AgentUser.allCases)
        func rootsWithCapability(user: AgentUser) throws {
            let canary = FileCanary()
            try LeakCheck.around {
                var spec = try Sandbox.spec("roots", canary.path, user: user)
                spec.capabilities = [try CapabilityName("SYS_CHROOT")]
                let report = try Sandbox.run(spec).report
                report.expectSuccess("chroot", "chroot-again")
                report.expectSuccess("still-at-the-root", "root-is-the-same", result: 1)
                report.expectFailure(Self.canaryAttempts, "ENOENT")
                report.expectFailure(["pivot-root"], "EPERM")
            }
        }

        @Test("attack 13: a sandbox that is shown the canary's directory reads it")
        func rootsControl() throws {
            let canary = FileCanary()
            try LeakCheck.around {
                var spec = try Sandbox.spec("roots", canary.path)
                spec.binds.append(
                    BindMount(source: canary.directory, target: try SandboxPath(canary.directory), readOnly: true))
                try Sandbox.run(spec).report.expectSuccess("canary", "canary-by-dots")
            }
            canary.expectUntouched()
        }

        private static let mountCalls = [
            "mount-tmpfs", "mount-proc", "mount-bind", "remount-writable", "umount-mask", "umount-proc-sys",
            "open-tree",
            "move-mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount-setattr",
        ]

        @Test("attack 14: nothing is mounted, unmounted, moved or made writable", arguments: AgentUser.allCases)
        func mounts(user: AgentUser) throws {
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("mounts", user: user)).report
                report.expectFailure(Self.mountCalls, "EPERM")
                report.expectFailure(["write-usr", "write-root"], "EROFS", "EACCES")
            }
            #expect(!FileManager.default.fileExists(atPath: "/usr/martinet-canary"))
        }

        @Test("attack 14: without the filter the calls fail for want of capabilities", arguments: AgentUser.allCases)
        func mountsUnconfined(user: AgentUser) throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("mounts", user: user)
                spec.seccomp = .unconfined
                let report = try Sandbox.run(spec).report
                report.expectFailure(Self.mountCalls, "EPERM", "EBADF", "EINVAL")
                // Reached, and not only filtered: no mount is behind descriptor -1.
                report.expectFailure(["fsconfig"], "EINVAL", "EBADF")
            }
        }

        @Test("attack 14: with CAP_SYS_ADMIN and without Landlock a mount succeeds, and the host sees none of it")
        func mountsWithCapability() throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("mounts", user: .root)
                spec.capabilities = [try CapabilityName("SYS_ADMIN")]
                spec.landlock = .off
                let report = try Sandbox.run(spec).report
                report.expectSuccess("mount-tmpfs", "open-tree", "fsopen")
            }
            #expect(!FileManager.default.fileExists(atPath: "/usr/martinet-canary"))
        }

        private static let devices = [
            "open-dev-mem", "open-dev-kmsg", "open-dev-port", "open-dev-fuse", "open-dev-kvm",
        ]

        private func expectNoDevices(_ spec: SandboxSpec) throws {
            var spec = spec
            for mode in [LandlockMode.auto, .off] {
                spec.landlock = mode
                let sandbox = try Sandbox.start(spec)
                let isRestricted = sandbox.landlockLevel.abi != nil
                let report = sandbox.wait().report
                report.expectFailure(
                    ["mknod-null", "mknod-memory", "mknod-block", "mknodat-block"], isRestricted ? "EACCES" : "EPERM")
                report.expectFailure(["open-made"], "ENOENT")
                report.expectFailure(Self.devices, "ENOENT")
                // Not mknod(2) as such; and what the kernel lets anybody make, no mount lets anybody open.
                report.expectSuccess("mknod-pipe", "open-dev-null")
                // Some kernels' Landlock refuses overlay's whiteout with the devices (measured: 6.18), some let it be made as a
                // file (Debian's 6.12.117).
                if !isRestricted { report.expectSuccess("mknod-whiteout") }
                if report["mknod-whiteout"] == .succeeded(0) {
                    report.expectFailure(["open-whiteout"], "EACCES")
                } else {
                    report.expectFailure(["mknod-whiteout"], "EACCES")
                }
            }
        }

        @Test("attack 15: no device is made or opened", arguments: AgentUser.allCases)
        func devices(user: AgentUser) throws {
            try LeakCheck.around {
                try expectNoDevices(Sandbox.spec("devices", user: user))
                // CAP_MKNOD in a user namespace is none over devices.
                var spec = try Sandbox.spec("devices", user: user)
                spec.capabilities = [try CapabilityName("MKNOD")]
                spec.seccomp = .unconfined
                try expectNoDevices(spec)
            }
        }

        @Test(
            "attack 15: a device in a bound directory is not opened", .enabled(if: isRoot, "only root makes a device"),
            arguments: AgentUser.allCases)
        func boundDevice(user: AgentUser) throws {
            let directory = TemporaryTree.makeDirectory("device")
            try #require(mknod("\(directory)/null", S_IFCHR | 0o666, 1 << 8 | 3) == 0)
            chmod("\(directory)/null", 0o666)
            // The defence off: on the host it opens.
            let opened = open("\(directory)/null", O_RDWR | O_CLOEXEC)
            #expect(opened >= 0)
            close(opened)
            try LeakCheck.around {
                for readOnly in [true, false] {
                    var spec = try Sandbox.spec("devices", "/data", user: user)
                    spec.binds.append(
                        BindMount(source: directory, target: try SandboxPath("/data"), readOnly: readOnly))
                    try Sandbox.run(spec).report.expectFailure(["open-bound-device"], "EACCES")
                }
            }
        }

        @Test("attack 16: no file is named or opened by handle", arguments: AgentUser.allCases)
        func handles(user: AgentUser) throws {
            try LeakCheck.around {
                let report = try Sandbox.run(Sandbox.spec("handles", user: user)).report
                report.expectFailure(["name-to-handle", "open-by-handle"], "EPERM")
            }
        }

        @Test("attack 16: without the filter a handle is made, and opened by nobody", arguments: AgentUser.allCases)
        func handlesUnconfined(user: AgentUser) throws {
            try LeakCheck.around {
                var spec = try Sandbox.spec("handles", user: user)
                spec.seccomp = .unconfined
                var report = try Sandbox.run(spec).report
                report.expectSuccess("name-to-handle")
                report.expectFailure(["open-by-handle"], "EPERM")
                // The capability counts in the user namespace that owns the file system: the host's.
                spec.capabilities = [try CapabilityName("DAC_READ_SEARCH")]
                report = try Sandbox.run(spec).report
                report.expectFailure(["open-by-handle"], "EPERM")
            }
        }
    }
}
