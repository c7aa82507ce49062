// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Cgroups

/// What `martinet doctor` is told.
@Suite struct CgroupSupportTests {
    @Test func `without cgroups every controller is missing, with a cure`() {
        let support = CgroupSupport(layout: CgroupLayout(hierarchies: []))
        #expect(support.kind == .none)
        #expect(support.rows.map(\.controller) == CgroupController.allCases)
        #expect(support.rows.allSatisfy { !$0.isUsable && $0.version == nil && $0.place == nil })
        #expect(
            support.description.split(separator: "\n").prefix(4) == [
                "cgroups: none mounted", "  memory   -   not usable",
                "             use cgroup controller memory: no cgroup file system is mounted",
                "             hint: mount -t cgroup2 cgroup2 /sys/fs/cgroup",
            ])
    }

    @Test func `a hierarchy that is not what it was is named`() throws {
        var hierarchy = CgroupFixture.pureV2.layout.hierarchies[0]
        hierarchy.mountPoint = "/tmp"
        hierarchy.controllers = [.memory]
        let memory = try #require(CgroupSupport(layout: CgroupLayout(hierarchies: [hierarchy]))[.memory])
        #expect(memory.version == .v2)
        #expect(memory.obstacle?.hint == "something else is mounted there")
    }

    @Test(.enabled(if: TestMachine.isRoot && TestMachine.canTest, "needs root and cgroups"))
    func `root may use every controller that there is, in the place where sandboxes are made`() throws {
        let layout = try #require(TestMachine.layout)
        let support = CgroupSupport(layout: layout)
        #expect(support.kind == layout.kind)
        for row in support.rows {
            guard let hierarchy = layout.hierarchy(for: row.controller) else {
                #expect(row.obstacle?.code == .controllerUnavailable)
                continue
            }
            #expect(row.obstacle == nil)
            #expect(row.version == hierarchy.version)
            #expect(row.place == "\(hierarchy.mountPoint)/martinet")
        }
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("support"), limits: CgroupLimits(pids: 8), layout: layout)
        #expect(cgroup.paths == ["\(try #require(support[.pids]?.place))/\(TestMachine.name("support"))"])
        try cgroup.remove()
    }

    @Test(.enabled(if: !TestMachine.isRoot && TestMachine.canTest, "needs a user with a delegated cgroup v2"))
    func `a user is told where cgroups may be made, and what is missing`() throws {
        let layout = try #require(TestMachine.layout)
        let support = CgroupSupport(layout: layout)
        for controller in [CgroupController.memory, .cpu, .pids, .cpuacct, .freezer] {
            #expect(support[controller]?.obstacle == nil)
        }
        #expect(support[.devices]?.obstacle?.hint?.contains("CAP_BPF") == true)
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("support"), limits: CgroupLimits(pids: 8), layout: layout)
        #expect(cgroup.paths == ["\(try #require(support[.pids]?.place))/\(TestMachine.name("support"))"])
        try cgroup.remove()
    }

    @Test(
        .enabled(
            if: !TestMachine.isRoot && TestMachine.canTest && !TestMachine.has(.io),
            "needs a user to whom memory, cpu and pids are delegated, and io is not"))
    func `a controller that is not delegated is an error with the file to write, and nothing is left`() throws {
        let layout = try #require(TestMachine.layout)
        let name = TestMachine.name("undelegated")
        do {
            _ = try SandboxCgroup.create(name: name, limits: CgroupLimits(pids: 8, ioWeight: 100), layout: layout)
            Issue.record("a cgroup with io was made")
        } catch {
            #expect(error == CgroupSupport(layout: layout)[.io]?.obstacle)
            #expect(error.code == .controllerUnavailable)
            #expect(error.subject == "io")
            #expect(error.hint?.contains("/etc/systemd/system/user@.service.d/delegate.conf") == true)
        }
        #expect(TestMachine.leftovers { $0 == name } == [])
    }

    @Test(.enabled(if: !TestMachine.isRoot && !TestMachine.hasCgroups, "needs a user without a delegated cgroup"))
    func `a user without cgroups is told how to get some`() throws {
        let support = CgroupSupport(layout: try CgroupLayout.probe())
        #expect(support.rows.allSatisfy { !$0.isUsable })
        #expect(support.rows.allSatisfy { $0.obstacle?.hint != nil })
    }
}
