// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Cgroups

/// What `martinet doctor` is told, and that it is what a launch then runs into.
@Suite struct CgroupObstacleTests {
    @Test func `without cgroups every controller is missing, with a cure`() {
        let layout = CgroupLayout(hierarchies: [])
        for controller in CgroupController.allCases {
            let obstacle = layout.obstacle(to: controller)
            #expect(obstacle?.code == .controllerUnavailable)
            #expect(obstacle?.hint == "mount -t cgroup2 cgroup2 /sys/fs/cgroup")
        }
    }

    @Test func `a hierarchy that is not what it was is named`() throws {
        var hierarchy = CgroupFixture.pureV2.layout.hierarchies[0]
        hierarchy.mountPoint = "/tmp"
        hierarchy.controllers = [.memory]
        let obstacle = CgroupLayout(hierarchies: [hierarchy]).obstacle(to: .memory)
        #expect(obstacle?.subject == "/tmp")
        #expect(obstacle?.hint == "something else is mounted there")
    }

    @Test(.enabled(if: TestMachine.isRoot && TestMachine.canTest, "needs root and cgroups"))
    func `nothing keeps root from a controller that there is`() throws {
        let layout = try #require(TestMachine.layout)
        for controller in CgroupController.allCases {
            let isThere = layout.hierarchy(for: controller) != nil
            #expect(layout.obstacle(to: controller)?.code == (isThere ? nil : .controllerUnavailable))
        }
    }

    @Test(
        .enabled(if: !TestMachine.isRoot && TestMachine.canTest, "needs a user with a delegated cgroup v2"),
        arguments: [
            (CgroupController.cpuset, CgroupLimits(cpuset: "0")), (.io, CgroupLimits(ioWeight: 100)),
            (.hugetlb, CgroupLimits(hugetlb: [HugePageLimit(pageSize: 2 << 20, bytes: 0)])),
        ])
    func `a controller that is not delegated is an error with its cure, and nothing is left`(
        controller: CgroupController, limits: CgroupLimits
    ) throws {
        let layout = try #require(TestMachine.layout)
        // Where it is delegated there is nothing to refuse; the other tests use it then.
        guard let obstacle = layout.obstacle(to: controller) else { return }
        let name = TestMachine.name("undelegated")
        do {
            _ = try SandboxCgroup.create(name: name, limits: limits, layout: layout)
            Issue.record("a cgroup with \(controller.rawValue) was made")
        } catch {
            #expect(error == obstacle)
            #expect(error.code == .controllerUnavailable)
            #expect(error.subject == controller.rawValue)
            let cure = controller == .hugetlb ? "run as root" : "/etc/systemd/system/user@.service.d/delegate.conf"
            #expect(error.hint?.contains(cure) == true)
        }
        #expect(TestMachine.leftovers { $0 == name } == [])
    }

    @Test(.enabled(if: !TestMachine.isRoot && !TestMachine.hasCgroups, "needs a user without a delegated cgroup"))
    func `a user without cgroups is told how to get some`() throws {
        let layout = try CgroupLayout.probe()
        for controller in CgroupController.allCases {
            #expect(layout.obstacle(to: controller)?.hint != nil)
        }
    }
}
