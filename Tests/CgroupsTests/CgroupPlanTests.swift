// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

@Suite struct CgroupPlanTests {
    private static func v2(_ controllers: String = "cpu memory pids") -> CgroupLayout {
        var layout = CgroupFixture.pureV2.layout
        layout.setUnifiedControllers(controllers)
        return layout
    }

    /// The plan as `HIERARCHY/FILE VALUE` lines, in order.
    private static func lines(_ limits: CgroupLimits, _ layout: CgroupLayout) throws(CgroupError) -> [String] {
        try CgroupPlan(limits: limits, layout: layout).parts.flatMap { part in
            part.settings.map { "\(part.hierarchy.mountPoint)/\($0.file) \($0.value)" }
        }
    }

    @Test func `no limit needs no cgroup`() throws {
        #expect(try CgroupPlan(limits: CgroupLimits(), layout: Self.v2()).parts.isEmpty)
        let nothing = CgroupLayout(hierarchies: [])
        #expect(try CgroupPlan(limits: CgroupLimits(swap: .unlimited), layout: nothing).parts.isEmpty)
    }

    @Test func `v2 spells all limits in one cgroup`() throws {
        let limits = CgroupLimits(memory: 268_435_456, millicpus: 500, pids: 32)
        #expect(
            try Self.lines(limits, Self.v2()) == [
                "/sys/fs/cgroup/memory.max 268435456", "/sys/fs/cgroup/memory.oom.group 1",
                "/sys/fs/cgroup/memory.swap.max 0", "/sys/fs/cgroup/cpu.max 50000 100000",
                "/sys/fs/cgroup/pids.max 32",
            ])
        #expect(try CgroupPlan(limits: limits, layout: Self.v2()).parts.count == 1)
    }

    @Test func `v1 spells them in a cgroup a hierarchy, in the order the kernel accepts`() throws {
        let limits = CgroupLimits(memory: 1000, swap: .bytes(24), millicpus: 1500, pids: 32)
        #expect(
            try Self.lines(limits, CgroupFixture.singleControllerHybrid.layout) == [
                "/sys/fs/cgroup/memory/memory.limit_in_bytes 1000",
                "/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes 1024",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us 100000", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us 150000",
                "/sys/fs/cgroup/pids/pids.max 32",
            ])
    }

    @Test func `only the hierarchies that a limit needs are used`() throws {
        let plan = try CgroupPlan(
            limits: CgroupLimits(pids: 8), layout: CgroupFixture.singleControllerHybrid.layout)
        #expect(plan.parts.map(\.hierarchy.mountPoint) == ["/sys/fs/cgroup/pids"])
    }

    @Test func `a controller that is on v2 of a hybrid machine is used there`() throws {
        var layout = CgroupFixture.ubuntuHybrid.layout
        layout.hierarchies.removeAll { $0.controllers.contains(.pids) }
        layout.setUnifiedControllers("pids")
        let plan = try CgroupPlan(limits: CgroupLimits(memory: 4096, pids: 8), layout: layout)
        #expect(plan.parts.map(\.hierarchy.version) == [.v1, .v2])
    }

    @Test func `a missing controller is an error that names it and a cure`() {
        let error = #expect(throws: CgroupError.self) {
            try CgroupPlan(limits: CgroupLimits(memory: 4096, pids: 8), layout: Self.v2("memory cpu"))
        }
        #expect(error?.code == .controllerUnavailable)
        #expect(error?.subject == "pids")
        #expect(error?.hint != nil)
        let none = #expect(throws: CgroupError.self) {
            try CgroupPlan(limits: CgroupLimits(pids: 8), layout: CgroupLayout(hierarchies: []))
        }
        #expect(none?.code == .controllerUnavailable)
    }

    @Test func `swap is none with a memory limit unless asked for by name`() throws {
        func swap(_ limit: SwapLimit?, _ layout: CgroupLayout) throws -> ControlSetting? {
            try CgroupPlan(limits: CgroupLimits(memory: 4096, swap: limit), layout: layout).parts[0].settings
                .first { $0.file.contains("sw") }
        }
        let hybrid = CgroupFixture.singleControllerHybrid.layout
        #expect(try swap(nil, Self.v2())?.necessity == .withSwap)
        #expect(try swap(.bytes(0), Self.v2())?.necessity == .always)
        #expect(try swap(.unlimited, Self.v2()) == nil)
        #expect(
            try swap(nil, hybrid)
                == ControlSetting(
                    file: "memory.memsw.limit_in_bytes", value: "4096", necessity: .withSwap))
        #expect(try swap(.bytes(.max), hybrid)?.value == "-1")
        #expect(try swap(.unlimited, hybrid) == nil)
    }

    @Test func `swap alone is possible on v2 and an error on v1`() throws {
        #expect(try Self.lines(CgroupLimits(swap: .bytes(0)), Self.v2()) == ["/sys/fs/cgroup/memory.swap.max 0"])
        let error = #expect(throws: CgroupError.self) {
            try Self.lines(CgroupLimits(swap: .bytes(0)), CgroupFixture.ubuntuHybrid.layout)
        }
        #expect(error?.code == .invalidLimit)
    }

    @Test(arguments: [(1, "1000 1000000"), (9, "9000 1000000"), (10, "1000 100000"), (2500, "250000 100000")])
    func `small quotas get a longer period`(millicpus: UInt64, expected: String) throws {
        #expect(try Self.lines(CgroupLimits(millicpus: millicpus), Self.v2()) == ["/sys/fs/cgroup/cpu.max \(expected)"])
    }

    @Test func `more processes than the kernel can number means no limit`() throws {
        #expect(try Self.lines(CgroupLimits(pids: 4_194_304), Self.v2()) == ["/sys/fs/cgroup/pids.max 4194304"])
        #expect(try Self.lines(CgroupLimits(pids: 4_194_305), Self.v2()) == ["/sys/fs/cgroup/pids.max max"])
    }

    @Test(arguments: [
        CgroupLimits(memory: 0), CgroupLimits(millicpus: 0), CgroupLimits(millicpus: .max), CgroupLimits(pids: 0),
    ])
    func `limits that leave nothing to run in are errors`(limits: CgroupLimits) {
        let error = #expect(throws: CgroupError.self) { try Self.lines(limits, Self.v2()) }
        #expect(error?.code == .invalidLimit)
    }
}
