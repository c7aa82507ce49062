// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Cgroups

@Suite struct CgroupLayoutTests {
    @Test func `a hybrid machine has its controllers on v1 and an empty v2 hierarchy`() {
        let layout = CgroupFixture.singleControllerHybrid.layout
        #expect(layout.kind == .hybrid)
        #expect(layout.hierarchies.count == 9)  // name=systemd carries no controller
        #expect(layout.unified?.mountPoint == "/sys/fs/cgroup/unified")
        #expect(layout.unified?.controllers == [])
        for controller in [CgroupController.memory, .cpu, .pids, .cpuacct, .cpuset, .freezer, .devices] {
            let hierarchy = layout.hierarchy(for: controller)
            #expect(hierarchy?.version == .v1)
            #expect(hierarchy?.mountPoint == "/sys/fs/cgroup/\(controller.rawValue)")
        }
        #expect(layout.hierarchy(for: .io)?.mountPoint == "/sys/fs/cgroup/blkio")
        #expect(layout.hierarchy(for: .hugetlb) == nil)
    }

    @Test func `our own cgroup may differ from hierarchy to hierarchy`() {
        let layout = CgroupFixture.singleControllerHybrid.layout
        #expect(layout.hierarchy(for: .memory)?.ownDirectory == "jobs/fa41b88247d0f37735126918ac48b84c")
        #expect(layout.hierarchy(for: .pids)?.ownDirectory == "")
    }

    @Test func `on pure v2 the controllers are those of cgroup_controllers`() {
        var layout = CgroupFixture.pureV2.layout
        layout.setUnifiedControllers("cpuset cpu io memory hugetlb pids rdma misc\n")
        #expect(layout.kind == .v2)
        #expect(layout.unified?.controllers == [.cpuset, .cpu, .io, .memory, .hugetlb, .pids])
        #expect(layout.hierarchy(for: .memory) == layout.unified)
        #expect(layout.unified?.ownDirectory == "user.slice/user-1000.slice/user@1000.service/app.slice/run-r4.scope")
    }

    @Test func `on v2 CPU accounting, freezer and devices need no controller`() {
        let layout = CgroupFixture.pureV2.layout
        for controller in [CgroupController.cpuacct, .freezer, .devices] {
            #expect(layout.hierarchy(for: controller) == layout.unified)
        }
        #expect(layout.hierarchy(for: .memory) == nil)
    }

    @Test func `controllers mounted together are one hierarchy`() {
        let layout = CgroupFixture.ubuntuHybrid.layout
        #expect(layout.kind == .hybrid)
        #expect(layout.hierarchy(for: .cpu) == layout.hierarchy(for: .cpuacct))
        #expect(layout.hierarchy(for: .cpu)?.mountPoint == "/sys/fs/cgroup/cpu,cpuacct")
        #expect(layout.hierarchy(for: .cpu)?.ownDirectory == "user.slice")
        #expect(layout.hierarchies.count == 5)  // neither name=systemd nor net_cls,net_prio
    }

    @Test func `in a container with a cgroup namespace we are at the top`() {
        let layout = CgroupFixture.dockerV2.layout
        #expect(layout.kind == .v2)
        #expect(layout.unified?.ownDirectory == "")
    }

    @Test func `a mount that shows a part of the hierarchy shortens our path`() {
        let layout = CgroupFixture.dockerV1.layout
        #expect(layout.kind == .v1)
        #expect(layout.hierarchy(for: .memory)?.ownDirectory == "inner")
        #expect(layout.hierarchy(for: .pids)?.ownDirectory == "")
    }

    @Test(arguments: [
        ("/docker/8c1f", "/docker/8c1f2"), ("/docker/8c1f", "/other"), ("/", "/../sibling"), ("/", "/../../a"),
    ])
    func `a cgroup outside the mount is not visible`(root: String, own: String) {
        let hierarchy = CgroupHierarchy(
            version: .v2, controllers: [], mountPoint: "/sys/fs/cgroup", mountRoot: root, ownPath: own)
        #expect(hierarchy.ownDirectory == nil)
    }

    @Test func `octal escapes in mount points are resolved`() {
        let fixture = CgroupFixture(
            mountinfo: #"30 23 0:26 /a\011b /mnt/my\040groups\134x rw shared:9 - cgroup2 cgroup2 rw"#,
            membership: "0::/a\tb/c")
        #expect(fixture.layout.unified?.mountPoint == #"/mnt/my groups\x"#)
        #expect(fixture.layout.unified?.ownDirectory == "c")
    }

    @Test func `the mount that shows all of a hierarchy is preferred`() {
        let fixture = CgroupFixture(
            mountinfo: """
                30 23 0:26 /part /mnt/part rw - cgroup2 cgroup2 rw
                31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
                32 23 0:26 / /mnt/again rw - cgroup2 cgroup2 rw
                """, membership: "0::/part")
        #expect(fixture.layout.hierarchies.map(\.mountPoint) == ["/sys/fs/cgroup"])
    }

    @Test func `a cgroup path may hold colons, and a removed cgroup is none`() {
        let mount = "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
        let colons = CgroupFixture(mountinfo: mount, membership: "0::/a:b:c\n")
        #expect(colons.layout.unified?.ownDirectory == "a:b:c")
        let removed = CgroupFixture(mountinfo: mount, membership: "0::/gone (deleted)\n")
        #expect(removed.layout.unified?.ownPath == nil)
    }

    @Test(arguments: [
        "", " - cgroup", " - cgroup2 cgroup2 rw", "30 23 0:26 / - cgroup2 cgroup2 rw",
        "30 23 0:26 relative point rw - cgroup2 cgroup2 rw", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2",
        "30 23 0:26 / /sys/fs/cgroup rw - cgroup3 cgroup rw,memory", "30 23 0:26 / /x\\04 rw -", "- - - -",
    ])
    func `lines that are no cgroup mounts are skipped`(line: String) {
        let layout = CgroupFixture(mountinfo: line, membership: line).layout
        #expect(layout.kind == .none)
        #expect(layout.hierarchies.isEmpty)
    }

    @Test func `this process is in the cgroups that the probed layout names`() throws {
        for hierarchy in try CgroupLayout.probe().hierarchies {
            guard let own = hierarchy.ownDirectory else { continue }
            let procs = try #require(try readText("\(hierarchy.mountPoint)/\(own)/cgroup.procs"))
            #expect(procs.split(separator: "\n").contains("\(processID())"))
        }
    }
}
