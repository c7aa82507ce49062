// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import SandboxSpec
import Testing

extension SecurityTests {
    /// Root file systems made so that setting up the sandbox would reach the host. CVE-2021-30465, CVE-2025-31133
    @Suite struct HostileRootfs {
        /// What stands where the sandbox will mount or write something.
        enum Trap: String, CaseIterable, CustomTestStringConvertible {
            case absoluteSymlink, relativeSymlink, symlinkToSymlink, danglingSymlink, loop, symlinkToProc, fifo, file
            case directory, socket
            var testDescription: String { rawValue }
        }

        static let places = [
            "dev", "proc", "sys", "dev/pts", "dev/shm", "tmp", "workspace", "etc", "etc/passwd", "etc/group",
            "etc/resolv.conf", "etc/hosts", "etc/hostname", "run", "run/secrets", "data", "dev/null", "dev/console",
        ]

        private static let proc = 0x9fa0, tmpfs = 0x0102_1994, devpts = 0x1cd1

        /// A root file system with a trap, and what it leads to: a directory of the host's with a file and a directory.
        private struct Rootfs {
            let directory = TemporaryTree.makeDirectory("rootfs")
            let canary = FileCanary()

            init(_ trap: Trap?, at place: String = "") throws {
                let files = FileManager.default
                for name in ["bin", "etc", "dev", "run", "outside"] {
                    try files.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
                }
                try files.copyItem(atPath: AttackPrograms.path("masks"), toPath: "\(directory)/bin/x")
                TemporaryTree.write(
                    "root:x:0:0::/:/bin/x\nagent:x:1000:1000::/:/bin/x\n", to: "\(directory)/etc/passwd")
                TemporaryTree.write("root:x:0:\nagent:x:1000:\n", to: "\(directory)/etc/group")
                if let trap { try set(trap, at: place) }
            }

            private func set(_ trap: Trap, at place: String) throws {
                let path = "\(directory)/\(place)"
                let files = FileManager.default
                try? files.removeItem(atPath: path)
                func link(_ target: String) throws {
                    try files.createSymbolicLink(atPath: path, withDestinationPath: target)
                }
                let isFile = place.hasPrefix("etc/") || place == "dev/null" || place == "dev/console"
                let target = isFile ? canary.path : canary.directory
                switch trap {
                case .absoluteSymlink: try link(target)
                case .relativeSymlink: try link(String(repeating: "../", count: 24) + target.dropFirst())
                case .symlinkToSymlink:
                    try files.createSymbolicLink(atPath: "\(directory)/outside/link", withDestinationPath: target)
                    try link("/outside/link")
                case .danglingSymlink: try link("\(canary.directory)/new")
                case .loop: try link("/\(place)")
                case .symlinkToProc: try link("/proc/self/root\(target)")
                case .fifo: try #require(mkfifo(path, 0o666) == 0)
                case .file: TemporaryTree.write("a file", to: path)
                case .directory: try files.createDirectory(atPath: path, withIntermediateDirectories: true)
                case .socket: try SocketCanary.leaveBehind(path)
                }
            }

            func spec(user: AgentUser) throws -> SandboxSpec {
                var spec = try Sandbox.spec("masks", user: user)
                spec.binds = [
                    BindMount(
                        source: TemporaryTree.makeDirectory("data"), target: try SandboxPath("/data"), readOnly: false)
                ]
                spec.workspace = TemporaryTree.makeDirectory("workspace")
                spec.rootfs = .directory(directory)
                spec.command = ["/bin/x", canary.path]
                return spec
            }
        }

        /// What holds inside whenever the agent ran at all.
        private func expectOwnFileSystems(_ report: AttemptReport, sourceLocation: SourceLocation = #_sourceLocation) {
            report.expectSuccess("null-is-null", result: 1, sourceLocation: sourceLocation)
            report.expectSuccess("proc", result: Self.proc, sourceLocation: sourceLocation)
            report.expectSuccess("dev", result: Self.tmpfs, sourceLocation: sourceLocation)
            report.expectSuccess("tmp", result: Self.tmpfs, sourceLocation: sourceLocation)
            report.expectSuccess("pts", result: Self.devpts, sourceLocation: sourceLocation)
            report.expectFailure(["timer-list"], "EACCES", sourceLocation: sourceLocation)
            report.expectFailure(["kcore"], "EACCES", "ENOENT", sourceLocation: sourceLocation)
            report.expectFailure(["ip-forward", "core-pattern"], "EROFS", "EACCES", sourceLocation: sourceLocation)
            report.expectFailure(["sysrq"], "EROFS", "EACCES", "ENOENT", sourceLocation: sourceLocation)
        }

        @Test("attack 3: a root file system without traps is one the agent runs in", arguments: AgentUser.allCases)
        func control(user: AgentUser) throws {
            let rootfs = try Rootfs(nil)
            try LeakCheck.around {
                let outcome = try Sandbox.run(rootfs.spec(user: user))
                #expect(outcome.status == 0, "\(outcome.summary)")
                expectOwnFileSystems(outcome.report)
                outcome.report.expectFailure(["canary"], "ENOENT")
            }
        }

        @Test(
            "attack 3: what stands in place of a mount point leads nowhere on the host", arguments: places,
            Trap.allCases)
        func traps(place: String, trap: Trap) throws {
            let rootfs = try Rootfs(trap, at: place)
            let listing = TemporaryTree.listing(rootfs.directory)
            try LeakCheck.around {
                for user in AgentUser.allCases {
                    let outcome = try Sandbox.run(rootfs.spec(user: user))
                    if let error = outcome.error {
                        // A sentence that names a step; not an ending nobody expected.
                        #expect([.setupFailed, .unavailable, .invalidSpec].contains(error.code), "\(error)")
                        #expect(error.message.contains("(E") || error.message.contains("it is "), "\(error)")
                    } else {
                        #expect(outcome.status == 0, "\(outcome.summary)")
                        expectOwnFileSystems(outcome.report)
                        if outcome.report["canary"] != .failed("ENOENT") {
                            // A directory of that name was made inside: then there is no such file in it.
                            outcome.report.expectFailure(["canary"], "ENOENT", "EACCES", "ENOTDIR")
                        }
                    }
                }
            }
            rootfs.canary.expectUntouched()
            #expect(TemporaryTree.listing(rootfs.directory) == listing)
        }

        /// By name they are refused already: a symlink of the root file system's must not make it possible.
        @Test(
            "attack 3: nothing of the user's is mounted over /proc or /sys, where a symlink leads there",
            arguments: ["/proc/sys/kernel", "/proc/self/attr", "/proc/sys", "/sys/kernel", "/proc/kcore"])
        func mountsOverKernelFiles(target: String) throws {
            let rootfs = try Rootfs(nil)
            try FileManager.default.createSymbolicLink(
                atPath: "\(rootfs.directory)/data", withDestinationPath: ".." + target)
            try LeakCheck.around {
                let outcome = try Sandbox.run(rootfs.spec(user: .agent))
                #expect(outcome.error?.code == .setupFailed, "\(outcome.summary)")
                #expect(outcome.error?.message.contains("/data") == true, "\(outcome.summary)")
            }
            // The symlink alone is none's business.
            try LeakCheck.around {
                var spec = try rootfs.spec(user: .agent)
                spec.binds = []
                let outcome = try Sandbox.run(spec)
                #expect(outcome.status == 0, "\(outcome.summary)")
            }
        }

        @Test(
            "attack 44: guards hold where the root file system's /workspace is a symlink",
            arguments: ["/", "..", "outside", "/tmp", "/proc/self/cwd"])
        func guardsBehindSymlinks(target: String) throws {
            let rootfs = try Rootfs(nil)
            try FileManager.default.createSymbolicLink(
                atPath: "\(rootfs.directory)/workspace", withDestinationPath: target)
            try FileManager.default.removeItem(atPath: "\(rootfs.directory)/bin/x")
            try FileManager.default.copyItem(
                atPath: AttackPrograms.path("append"), toPath: "\(rootfs.directory)/bin/x")
            var spec = try rootfs.spec(user: .agent)
            let workspace = try #require(spec.workspace)
            mkdir("\(workspace)/.git", 0o755)
            TemporaryTree.write("untouched", to: "\(workspace)/.git/config")
            spec.workdir = try SandboxPath("/")
            // The wall behind it is not what is looked at here.
            spec.landlock = .off
            spec.command =
                ["/bin/x"]
                + ["/workspace", "/..", "/outside", "/tmp", "/."].map { "\($0)/.git/config" }
            try LeakCheck.around {
                let outcome = try Sandbox.run(spec)
                #expect(outcome.error?.code == .setupFailed || outcome.status == 0, "\(outcome.summary)")
                #expect(!outcome.output.contains("OK"), "\(outcome.summary)")
            }
            #expect(TemporaryTree.read("\(workspace)/.git/config") == "untouched")
        }

        @Test("attack 3: users are looked up in the root file system, not where its symlinks point on the host")
        func usersOfTheHost() throws {
            for relative in [false, true] {
                let rootfs = try Rootfs(nil)
                let host = TemporaryTree.makeDirectory("etc")
                TemporaryTree.write("mallory:x:0:0::/:/bin/x\n", to: "\(host)/passwd")
                try FileManager.default.removeItem(atPath: "\(rootfs.directory)/etc/passwd")
                try FileManager.default.createSymbolicLink(
                    atPath: "\(rootfs.directory)/etc/passwd",
                    withDestinationPath: (relative ? String(repeating: "../", count: 24) : "/") + host.dropFirst()
                        + "/passwd")
                try LeakCheck.around {
                    var spec = try rootfs.spec(user: .agent)
                    spec.user = try UserReference("mallory")
                    let outcome = try Sandbox.run(spec)
                    #expect(outcome.verdict == nil, "\(outcome.summary)")
                    #expect(outcome.error != nil)
                }
                // The defence off: the same name in the rootfs's own file is found.
                try FileManager.default.removeItem(atPath: "\(rootfs.directory)/etc/passwd")
                TemporaryTree.write("mallory:x:1000:1000::/:/bin/x\n", to: "\(rootfs.directory)/etc/passwd")
                try LeakCheck.around {
                    var spec = try rootfs.spec(user: .agent)
                    spec.user = try UserReference("mallory")
                    let outcome = try Sandbox.run(spec)
                    #expect(outcome.status == 0, "\(outcome.summary)")
                }
            }
        }

        @Test(
            "attack 3: a root that is itself a symlink, a file or a fifo is used or refused, without waiting"
        )
        func rootItself() throws {
            let rootfs = try Rootfs(nil)
            let directory = TemporaryTree.makeDirectory("roots")
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory)/link", withDestinationPath: rootfs.directory)
            TemporaryTree.write("", to: "\(directory)/file")
            try #require(mkfifo("\(directory)/fifo", 0o666) == 0)
            try LeakCheck.around {
                for name in ["link", "file", "fifo", "absent", "link/../file"] {
                    var spec = try rootfs.spec(user: .agent)
                    spec.rootfs = .directory("\(directory)/\(name)")
                    let outcome = try Sandbox.run(spec)
                    // The caller wrote this path: a symlink there is the caller's own.
                    #expect(outcome.status == (name == "link" ? 0 : 125), "\(name): \(outcome.summary)")
                }
            }
        }

        @Test("attack 3: an overlay directory whose layers are symlinks to the host is refused")
        func overlayOfSymlinks() throws {
            for name in ["upper", "work", "lock"] {
                let rootfs = try Rootfs(nil)
                let state = TemporaryTree.makeDirectory("state")
                chmod(state, 0o700)
                try FileManager.default.createSymbolicLink(
                    atPath: "\(state)/\(name)", withDestinationPath: rootfs.canary.directory)
                try LeakCheck.around {
                    var spec = try rootfs.spec(user: .root)
                    spec.overlay = state
                    spec.command += ["write"]
                    let outcome = try Sandbox.run(spec)
                    #expect(outcome.verdict == nil, "\(name): \(outcome.summary)")
                }
                rootfs.canary.expectUntouched()
            }
        }

        @Test(
            "attack 5: masks and read-only paths hold over a root file system made to break them",
            arguments: AgentUser.allCases)
        func masks(user: AgentUser) throws {
            let rootfs = try Rootfs(nil)
            let files = FileManager.default
            let dev = "\(rootfs.directory)/dev"
            // What a mask would be made of, if it came from here.
            try files.createDirectory(atPath: "\(dev)/pts", withIntermediateDirectories: true)
            for name in ["file", "directory"] {
                try files.createSymbolicLink(atPath: "\(dev)/pts/\(name)", withDestinationPath: "/proc")
            }
            try files.createSymbolicLink(atPath: "\(dev)/.generated", withDestinationPath: rootfs.canary.directory)
            try files.createSymbolicLink(atPath: "\(dev)/null", withDestinationPath: "/proc/sys/kernel/core_pattern")
            try files.createSymbolicLink(atPath: "\(dev)/zero", withDestinationPath: "/proc/sysrq-trigger")
            try files.createSymbolicLink(atPath: "\(dev)/full", withDestinationPath: rootfs.canary.path)
            // A /proc of the wrong shape below the real one.
            for path in ["proc/sys", "proc/timer_list", "proc/self/fd"] {
                try files.createDirectory(atPath: "\(rootfs.directory)/\(path)", withIntermediateDirectories: true)
            }
            try files.createSymbolicLink(
                atPath: "\(rootfs.directory)/proc/kcore", withDestinationPath: rootfs.canary.path)
            try LeakCheck.around {
                let outcome = try Sandbox.run(rootfs.spec(user: user))
                #expect(outcome.status == 0, "\(outcome.summary)")
                expectOwnFileSystems(outcome.report)
            }
            rootfs.canary.expectUntouched()
        }

        @Test(
            "attack 5: masks are laid where /proc and /sys really are, when they are symlinks",
            arguments: AgentUser.allCases)
        func masksBehindSymlinks(user: AgentUser) throws {
            let rootfs = try Rootfs(nil)
            for name in ["proc", "sys", "dev"] {
                try? FileManager.default.removeItem(atPath: "\(rootfs.directory)/\(name)")
                try FileManager.default.createDirectory(
                    atPath: "\(rootfs.directory)/outside/\(name)", withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(
                    atPath: "\(rootfs.directory)/\(name)", withDestinationPath: "../outside/\(name)")
            }
            try LeakCheck.around {
                let outcome = try Sandbox.run(rootfs.spec(user: user))
                #expect(outcome.status == 0, "\(outcome.summary)")
                expectOwnFileSystems(outcome.report)
            }
        }
    }
}
