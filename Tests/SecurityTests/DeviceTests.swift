// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

extension SecurityTests {
    /// Devices that a sandbox is given by name: exactly the access asked for.
    @Suite struct Devices {
        private static let changes = ["chmod", "chown", "unlink", "rename", "link", "mknod", "chmod-through-proc"]

        private func report(
            _ device: String, _ target: String, user: AgentUser, capabilities: [String] = []
        ) throws -> AttemptReport {
            var spec = try Sandbox.spec("given-device", target, user: user)
            spec.devices = [try DeviceMount(device)]
            spec.capabilities = try capabilities.map { try CapabilityName($0) }
            return try Sandbox.run(spec).report
        }

        private func expectUnchanging(_ report: AttemptReport) {
            report.expectFailure(Self.changes, "EPERM", "EROFS", "EACCES", "EBUSY", "EXDEV")
            report.expectFailure(["nodes"], "ENOENT")
        }

        @Test("a device that root gives is opened as asked, and cannot be changed", arguments: AgentUser.allCases)
        func readWrite(user: AgentUser) throws {
            try LeakCheck.around {
                let report = try report("/dev/full:/dev/given", "/dev/given", user: user)
                report.expectSuccess("stat", "read", "write", "read-write", "write-through-proc")
                report.expectSuccess("major", result: 1)
                report.expectSuccess("minor", result: 7)
                expectUnchanging(report)
            }
        }

        /// The host's node would let anybody write to it: what holds is the sandbox's own node.
        @Test(
            "a device given for reading, or writing, is opened for that alone",
            .enabled(if: isRoot, "only root can give less than the device's own mode"), arguments: AgentUser.allCases,
            [[], ["DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "CHOWN", "MKNOD"]])
        func onlyAsAsked(user: AgentUser, capabilities: [String]) throws {
            try LeakCheck.around {
                var report = try report("/dev/full:/dev/given:r", "/dev/given", user: user, capabilities: capabilities)
                report.expectSuccess("mode", result: 0o444)
                report.expectSuccess("read")
                report.expectFailure(["write", "read-write", "write-through-proc"], "EACCES")
                expectUnchanging(report)
                report = try self.report(
                    "/dev/full:/dev/given:w", "/dev/given", user: user, capabilities: capabilities)
                report.expectSuccess("write", "write-through-proc")
                report.expectFailure(["read", "read-write"], "EACCES")
                expectUnchanging(report)
            }
        }

        @Test(
            "a device that only the host's root may open is opened where root gives it",
            .enabled(if: isRoot, "only root can give it"), arguments: AgentUser.allCases)
        func rootsOwn(user: AgentUser) throws {
            let node = "\(TemporaryTree.makeDirectory("node"))/zero"
            try #require(mknod(node, S_IFCHR | 0o600, 1 << 8 | 5) == 0)
            let link = "/dev/martinet-test-\(getpid())"
            try #require(symlink(node, link) == 0)
            defer { unlink(link) }
            try LeakCheck.around {
                // By a symlink, as those of /dev/disk/by-id: resolved once, on the host.
                let report = try report("\(link):/dev/deep/inside/given", "/dev/deep/inside/given", user: user)
                report.expectSuccess("read-write")
                report.expectSuccess("minor", result: 5)
                expectUnchanging(report)
            }
            #expect(access(node, F_OK) == 0)
            var facts = stat()
            #expect(stat(node, &facts) == 0 && facts.st_mode & 0o7777 == 0o600)
        }

        @Test(
            "what a user may not open on the host, or may open for more than is asked for, is not given",
            .enabled(if: !isRoot, "root may open and restrict every device"))
        func notTheUsers() throws {
            // Which devices root keeps to itself is the machine's business.
            let candidates = ["/dev/loop-control", "/dev/mem", "/dev/console", "/dev/vcs"]
            let kept = try #require(candidates.first { access($0, F_OK) == 0 && access($0, R_OK) != 0 })
            try LeakCheck.around {
                for (device, word) in [
                    ("/dev/full:/dev/given:r", "open for writing too"),
                    ("/dev/full:/dev/given:w", "open for reading too"),
                    (kept, "may not be opened for reading by this user"),
                ] {
                    var spec = try Sandbox.spec("given-device", "/dev/given")
                    spec.devices = [try DeviceMount(device)]
                    let outcome = try Sandbox.run(spec)
                    #expect(outcome.error?.code == .unavailable, "\(device): \(outcome.summary)")
                    #expect(outcome.error?.message.contains(word) == true, "\(device): \(outcome.summary)")
                    #expect(outcome.error?.hint != nil)
                    #expect(outcome.output.isEmpty)
                }
            }
        }

        @Test("what is no device is not given as one")
        func noDevice() throws {
            try LeakCheck.around {
                for (device, word) in [
                    ("/dev/shm:/dev/given", "is not a device"), ("/dev/no-such-device", "ENOENT"),
                    ("/dev/fd/0:/dev/given", "ELOOP"), ("/dev/../etc/passwd:/dev/given", "is not a device"),
                ] {
                    var spec = try Sandbox.spec("given-device", "/dev/given")
                    guard let mount = try? DeviceMount(device) else { continue }
                    spec.devices = [mount]
                    let outcome = try Sandbox.run(spec)
                    #expect(outcome.error?.code == .invalidSpec, "\(device): \(outcome.summary)")
                    #expect(outcome.summary.contains(word), "\(device): \(outcome.summary)")
                }
            }
        }
    }
}
