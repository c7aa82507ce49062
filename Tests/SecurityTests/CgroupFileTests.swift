// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

@testable import Cgroups

extension SecurityTests {
    @Suite struct CgroupFiles {
        private static let writes = ["release-agent", "memory-release-agent", "notify-on-release", "procs", "make"]

        /// Every setting of every hierarchy that tells the kernel to run something.
        private func agents() -> [String] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/sys/fs/cgroup")) ?? []
            return names.sorted().map { TemporaryTree.read("/sys/fs/cgroup/\($0)/release_agent") ?? "none" }
        }

        @Test(
            "attack 23: no file of a cgroup is written, and none says what the kernel should run",
            arguments: AgentUser.allCases)
        func files(user: AgentUser) throws {
            let before = agents()
            try LeakCheck.around {
                for unconfined in [false, true] {
                    var spec = try Sandbox.spec("cgroup-files", user: user)
                    if unconfined {
                        spec.seccomp = .unconfined
                        spec.landlock = .off
                    }
                    let outcome = try Sandbox.run(spec)
                    outcome.report.expectSuccess("writable", "mounted-hierarchies", "mounted-writable", result: 0)
                    outcome.report.expectFailure(Self.writes, "EROFS", "EACCES", "ENOENT", "EPERM")
                    outcome.report.expectFailure(["remount", "mount"], "EPERM")
                }
            }
            #expect(agents() == before)
        }

        @Test(
            "attack 23: with CAP_SYS_ADMIN hierarchies are mounted, and still not written to",
            arguments: AgentUser.allCases)
        func withCapability(user: AgentUser) throws {
            let before = agents()
            try LeakCheck.around {
                var spec = try Sandbox.spec("cgroup-files", user: user)
                spec.capabilities = [try CapabilityName("SYS_ADMIN"), try CapabilityName("DAC_OVERRIDE")]
                spec.seccomp = .unconfined
                spec.landlock = .off
                let outcome = try Sandbox.run(spec)
                // What the namespace shows belongs to the host's root, over which no capability inside counts. A delegated
                // cgroup is the user's; there the kernel keeps limits from whoever is in the namespace. cgroups(7),
                // `nsdelegate`
                if isRoot { outcome.report.expectSuccess("mounted-writable", result: 0) }
                let delegated = isRoot ? "" : TemporaryTree.read("/sys/kernel/cgroup/delegate") ?? ""
                let opened = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("opened ") }
                for file in opened.compactMap({ $0.split(separator: "/").last }) {
                    #expect(delegated.split(separator: "\n").contains(file), "\(file): \(outcome.summary)")
                }
                guard case .succeeded(let files) = outcome.report["mounted-files"] else {
                    Issue.record("\(outcome.summary)"); return
                }
                #expect(files > 5, "nothing was mounted, so nothing is shown: \(outcome.summary)")
            }
            #expect(agents() == before)
        }

        @Test(
            "attack 8: names of cgroups that lead elsewhere are refused",
            arguments: [
                "..", ".", "", "a/b", "a/../b", "/", "../escape", "a\0", "a\n", ".hidden/..",
                String(repeating: "a", count: 300),
            ])
        func names(name: String) {
            #expect(throws: CgroupError.self) { try CgroupName(name) }
        }

        @Test(
            "attack 8: where the kernel says that one's own cgroup is above what is shown, nothing is made there",
            arguments: ["/..", "/../x", "/a/../../b"])
        func pathsAbove(path: String) throws {
            let layout = CgroupLayout(
                mountinfo: Array("30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n".utf8),
                membership: Array("0::\(path)\n".utf8))
            #expect(layout.unified?.ownPath == path && layout.unified?.ownDirectory == nil)
        }
    }
}
