// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Cgroups

/// What a user without cgroups of his own is told.
@Suite(.enabled(if: !TestMachine.isRoot && !TestMachine.hasCgroups, "needs a user without a delegated cgroup"))
struct CgroupRefusalTests {
    @Test func `a limit that cannot be set is an error with its cure, and nothing is left`() throws {
        let layout = try CgroupLayout.probe()
        let name = TestMachine.name("refused")
        do {
            _ = try SandboxCgroup.create(name: name, limits: CgroupLimits(pids: 8), layout: layout)
            Issue.record("a user without delegation made a cgroup")
        } catch {
            #expect(error.code == .delegationUnavailable)
            let cure = layout.hierarchy(for: .pids)?.version == .v1 ? "run as root" : "systemd-run --user --scope"
            #expect(error.hint?.contains(cure) == true)
        }
        for hierarchy in layout.hierarchies { #expect(!TestMachine.exists("\(hierarchy.mountPoint)/martinet/\(name)")) }
    }
}
