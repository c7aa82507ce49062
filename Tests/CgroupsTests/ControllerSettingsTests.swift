// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

/// What each controller writes for each limit, on both versions.
@Suite struct ControllerSettingsTests {
    private static let v1: CgroupLayout = {
        var layout = CgroupFixture.singleControllerHybrid.layout
        layout.hierarchies.append(
            CgroupHierarchy(
                version: .v1, controllers: [.hugetlb], mountPoint: "/sys/fs/cgroup/hugetlb", mountRoot: "/",
                ownPath: "/"))
        return layout
    }()
    private static let v2: CgroupLayout = {
        var layout = CgroupFixture.pureV2.layout
        layout.setUnifiedControllers("cpuset cpu io memory hugetlb pids rdma misc")
        return layout
    }()

    private func written(_ limits: CgroupLimits, _ layout: CgroupLayout) throws(CgroupError) -> [String] {
        try CgroupPlan(limits: limits, layout: layout).parts.flatMap { $0.settings.map { "\($0.file) \($0.value)" } }
    }

    private func expectInvalid(
        _ limits: CgroupLimits, _ subject: String, _ words: String, v1: Bool = true, v2: Bool = true
    ) {
        for (isTested, layout) in [(v1, Self.v1), (v2, Self.v2)] where isTested {
            let error = #expect(throws: CgroupError.self) { try CgroupPlan(limits: limits, layout: layout) }
            #expect(error?.code == .invalidLimit)
            #expect(error?.subject == subject)
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        }
    }

    // MARK: CPU

    @Test func `a period stretches the quota with it`() throws {
        let limits = CgroupLimits(millicpus: 1500, cpuPeriodMicroseconds: 20_000)
        #expect(try written(limits, Self.v2) == ["cpu.max 30000 20000"])
        #expect(try written(limits, Self.v1) == ["cpu.cfs_period_us 20000", "cpu.cfs_quota_us 30000"])
    }

    @Test func `a period that leaves less than a millisecond is an error with the least one that does not`() throws {
        expectInvalid(CgroupLimits(millicpus: 30, cpuPeriodMicroseconds: 20_000), "cpu-period", "at least 33334 micro")
        #expect(
            try written(CgroupLimits(millicpus: 30, cpuPeriodMicroseconds: 33_334), Self.v2) == ["cpu.max 1000 33334"])
        expectInvalid(CgroupLimits(millicpus: 500, cpuPeriodMicroseconds: 999), "cpu-period", "out of range")
        expectInvalid(CgroupLimits(millicpus: 500, cpuPeriodMicroseconds: 1_000_001), "cpu-period", "out of range")
        expectInvalid(CgroupLimits(cpuPeriodMicroseconds: 50_000), "cpu-period", "give cpus as well")
    }

    @Test(arguments: [(1, 10), (50, 512), (100, 1024), (200, 2048), (3, 31), (10_000, 102_400)])
    func `a weight is v1's shares in proportion, as the kernel converts it`(weight: UInt64, shares: UInt64) throws {
        #expect(try written(CgroupLimits(cpuWeight: weight), Self.v2) == ["cpu.weight \(weight)"])
        #expect(try written(CgroupLimits(cpuWeight: weight), Self.v1) == ["cpu.shares \(shares)"])
    }

    @Test(arguments: [0, 10_001, UInt64.max]) func `weights out of range are errors`(weight: UInt64) {
        expectInvalid(CgroupLimits(cpuWeight: weight), "cpu-weight", "give 1 to 10000")
        expectInvalid(CgroupLimits(ioWeight: weight), "io-weight", "give 1 to 10000")
    }

    // MARK: Memory

    @Test func `memory-high is v2's alone`() throws {
        let limits = CgroupLimits(memory: 4096, memoryHigh: 2048, swap: .unlimited)
        #expect(try written(limits, Self.v2) == ["memory.high 2048", "memory.max 4096", "memory.oom.group 1"])
        #expect(try written(CgroupLimits(memoryHigh: 2048), Self.v2) == ["memory.high 2048"])
        expectInvalid(limits, "memory-high", "systemd.unified_cgroup_hierarchy=1", v2: false)
    }

    @Test func `memory-high that can have no effect, or too much, is an error`() {
        expectInvalid(CgroupLimits(memory: 4096, memoryHigh: 4097), "memory-high", "less than 4096", v1: false)
        expectInvalid(CgroupLimits(memoryHigh: 0), "memory-high", "0 bytes", v1: false)
    }

    // MARK: CPU sets

    @Test func `v1 cpusets get both lists, v2 ones what was asked for`() throws {
        let limits = CgroupLimits(cpuset: "1,0,3")
        #expect(try written(limits, Self.v2) == ["cpuset.cpus 0-1,3"])
        #expect(try written(limits, Self.v1) == ["cpuset.cpus 0-1,3", "cpuset.mems "])
        #expect(try written(CgroupLimits(memoryNodes: "0"), Self.v1) == ["cpuset.cpus ", "cpuset.mems 0"])
        #expect(try written(CgroupLimits(memoryNodes: "0"), Self.v2) == ["cpuset.mems 0"])
    }

    @Test func `lists that name nothing are errors`() {
        expectInvalid(CgroupLimits(cpuset: ""), "cpuset", "leaves nothing")
        expectInvalid(CgroupLimits(cpuset: "0-"), "cpuset", "\"0-\" is not a list of numbers")
        expectInvalid(CgroupLimits(memoryNodes: "\u{1b}[2J"), "memory-nodes", #""\u{1B}[2J" is not"#)
    }

    @Test func `a v1 hierarchy that cpuset shares gets CPUs for whatever limit`() throws {
        var layout = Self.v1
        layout.hierarchies.removeAll { $0.controllers.contains(.pids) || $0.controllers.contains(.cpuset) }
        layout.hierarchies.append(
            CgroupHierarchy(
                version: .v1, controllers: [.cpuset, .pids], mountPoint: "/sys/fs/cgroup/both", mountRoot: "/",
                ownPath: "/"))
        #expect(try written(CgroupLimits(pids: 8), layout) == ["cpuset.cpus ", "cpuset.mems ", "pids.max 8"])
        #expect(
            try written(CgroupLimits(cpuset: "0", pids: 8), layout) == ["cpuset.cpus 0", "cpuset.mems ", "pids.max 8"])
    }

    // MARK: Disks

    private static let disk = BlockDeviceNumber(major: 254, minor: 16)

    @Test func `v2 spells a disk's limits in one line, v1 in a file each`() throws {
        let all = IOLimit(
            device: Self.disk, readBytesPerSecond: 1, writeBytesPerSecond: 2, readOperationsPerSecond: 3,
            writeOperationsPerSecond: 4)
        #expect(try written(CgroupLimits(io: [all]), Self.v2) == ["io.max 254:16 rbps=1 wbps=2 riops=3 wiops=4"])
        #expect(
            try written(CgroupLimits(io: [all]), Self.v1) == [
                "blkio.throttle.read_bps_device 254:16 1", "blkio.throttle.write_bps_device 254:16 2",
                "blkio.throttle.read_iops_device 254:16 3", "blkio.throttle.write_iops_device 254:16 4",
            ])
        let one = IOLimit(device: Self.disk, writeBytesPerSecond: .max)
        #expect(try written(CgroupLimits(io: [one]), Self.v2) == ["io.max 254:16 wbps=\(UInt64.max)"])
        let other = IOLimit(device: BlockDeviceNumber(major: 7, minor: 0), readOperationsPerSecond: 9)
        #expect(
            try written(CgroupLimits(io: [one, other]), Self.v2)
                == ["io.max 254:16 wbps=\(UInt64.max)", "io.max 7:0 riops=9"])
    }

    @Test func `limits of a disk that the kernel would misunderstand are errors`() {
        expectInvalid(CgroupLimits(io: [IOLimit(device: Self.disk)]), "io", "254:16: nothing is limited")
        expectInvalid(
            CgroupLimits(io: [IOLimit(device: Self.disk, readBytesPerSecond: 0)]), "io", "give at least 1")
        expectInvalid(
            CgroupLimits(io: [IOLimit(device: Self.disk, writeOperationsPerSecond: 1 << 32)]), "io", "4294967295")
        let once = IOLimit(device: Self.disk, readBytesPerSecond: 1)
        expectInvalid(CgroupLimits(io: [once, once]), "io", "254:16 is limited twice")
    }

    @Test func `a disk's weight is for what divides disks`() throws {
        #expect(try written(CgroupLimits(ioWeight: 300), Self.v2) == ["io.weight 300"])
        #expect(try written(CgroupLimits(ioWeight: 300), Self.v1) == ["blkio.bfq.weight 300"])
    }

    @Test(
        arguments: [
            (["io.weight"], [], false, []),
            (["io.weight"], [], true, ["io.weight"]),
            (["io.weight", "io.bfq.weight"], ["sda"], false, ["io.bfq.weight"]),
            (["io.weight", "io.bfq.weight"], ["sda"], true, ["io.weight", "io.bfq.weight"]),
            (["io.weight", "io.bfq.weight"], [], true, ["io.weight"]),
            (["blkio.bfq.weight"], ["sda"], false, ["blkio.bfq.weight"]),
            (["blkio.bfq.weight"], [], false, []),
            ([], ["sda"], true, []),
        ] as [([String], [String], Bool, [String])])
    func `a weight is written where something looks at it`(
        present: [String], bfqDisks: [String], costModelIsOn: Bool, targets: [String]
    ) {
        #expect(IOWeight.targets(present: present, bfqDisks: bfqDisks, costModelIsOn: costModelIsOn) == targets)
    }

    @Test func `schedulers and cost models are read as the kernel writes them`() {
        #expect(IOWeight.isBFQ(chosenIn: "none mq-deadline kyber [bfq]\n"))
        #expect(!IOWeight.isBFQ(chosenIn: "none [mq-deadline] kyber bfq\n"))
        #expect(!IOWeight.isBFQ(chosenIn: ""))
        #expect(!IOWeight.costModelIsOn(in: ""))
        #expect(!IOWeight.costModelIsOn(in: "254:0 enable=0 ctrl=auto rpct=0.00 rlat=250000\n"))
        #expect(
            IOWeight.costModelIsOn(
                in: "254:0 enable=0 ctrl=auto rpct=0.00\n8:0 enable=1 ctrl=user rpct=95.00 rlat=75000 wpct=95.00\n"))
    }

    @Test(
        arguments: [
            ("254:0", BlockDeviceNumber(major: 254, minor: 0)), ("7:255", BlockDeviceNumber(major: 7, minor: 255)),
            ("254", nil),
            ("a:0", nil), ("1:2:3", nil), (":", nil), ("-1:0", nil), ("", nil), ("254:0\n", nil),
        ] as [(String, BlockDeviceNumber?)])
    func `device numbers are read as the kernel writes them`(text: String, number: BlockDeviceNumber?) {
        #expect(BlockDeviceNumber(text) == number)
        if let number { #expect(number.description == text) }
    }

    // MARK: Huge pages

    @Test func `huge pages are limited by their size, promises as well`() throws {
        let limits = CgroupLimits(hugetlb: [
            HugePageLimit(pageSize: 2 << 20, bytes: 8 << 20), HugePageLimit(pageSize: 1 << 30, bytes: 0),
        ])
        #expect(
            try written(limits, Self.v2) == [
                "hugetlb.2MB.rsvd.max 8388608", "hugetlb.2MB.max 8388608", "hugetlb.1GB.rsvd.max 0",
                "hugetlb.1GB.max 0",
            ])
        #expect(
            try written(limits, Self.v1) == [
                "hugetlb.2MB.rsvd.limit_in_bytes 8388608", "hugetlb.2MB.limit_in_bytes 8388608",
                "hugetlb.1GB.rsvd.limit_in_bytes 0", "hugetlb.1GB.limit_in_bytes 0",
            ])
        let settings = try CgroupPlan(limits: limits, layout: Self.v2).parts[0].settings
        #expect(settings.map(\.necessity) == [.whereKnown, .always, .whereKnown, .always])
    }

    @Test func `huge pages of no size, or of one twice, are errors`() {
        expectInvalid(CgroupLimits(hugetlb: [HugePageLimit(pageSize: 0, bytes: 1)]), "hugetlb", "no page has 0 bytes")
        expectInvalid(CgroupLimits(hugetlb: [HugePageLimit(pageSize: 3 << 20, bytes: 1)]), "hugetlb", "no page has")
        let limit = HugePageLimit(pageSize: 2 << 20, bytes: 1)
        expectInvalid(CgroupLimits(hugetlb: [limit, limit]), "hugetlb", "2MB is limited twice")
    }

    @Test func `page sizes are named as control files are, and read from directory names`() {
        #expect(HugePageLimit.name(ofSize: 64 << 10) == "64KB")
        #expect(HugePageLimit.name(ofSize: 512 << 20) == "512MB")
        #expect(HugePageLimit.name(ofSize: 16 << 30) == "16GB")
        #expect(HugeTLBController.pageSize(inName: "hugepages-2048kB") == 2 << 20)
        #expect(HugeTLBController.pageSize(inName: "hugepages-1048576kB") == 1 << 30)
        #expect(HugeTLBController.pageSize(inName: "hugepages-kB") == nil)
        #expect(HugeTLBController.pageSize(inName: "free_hugepages") == nil)
    }

    // MARK: Devices

    @Test func `v1 refuses all devices and then allows some`() throws {
        let rules = [
            DeviceRule(.character, major: 1, minor: 3, access: .all),
            DeviceRule(.block, major: 7, access: [.read]),
            DeviceRule(.all, access: [.mknod]),
        ]
        #expect(
            try written(CgroupLimits(devices: rules), Self.v1) == [
                "devices.deny a", "devices.allow c 1:3 rwm", "devices.allow b 7:* r", "devices.allow c *:* m",
                "devices.allow b *:* m",
            ])
        #expect(try written(CgroupLimits(devices: []), Self.v1) == ["devices.deny a"])
    }

    @Test func `on v2 the rules become a program of the one cgroup`() throws {
        let rules = [DeviceRule(.character, major: 1, minor: 3, access: .all)]
        let parts = try CgroupPlan(limits: CgroupLimits(pids: 8, devices: rules), layout: Self.v2).parts
        #expect(parts.count == 1)
        #expect(parts[0].devices == rules)
        #expect(parts[0].settings.map(\.file) == ["pids.max"])
        #expect(try CgroupPlan(limits: CgroupLimits(pids: 8), layout: Self.v2).parts[0].devices == nil)
        #expect(try CgroupPlan(limits: CgroupLimits(devices: []), layout: Self.v2).parts[0].devices == [])
    }

    @Test func `rules that allow nothing, or for devices that cannot be, are errors`() {
        expectInvalid(CgroupLimits(devices: [DeviceRule(.block, access: [])]), "devices", "allows nothing")
        expectInvalid(
            CgroupLimits(devices: [DeviceRule(.character, major: 4096, minor: 0, access: .all)]), "devices",
            "c 4096:0 rwm")
        expectInvalid(
            CgroupLimits(devices: [DeviceRule(.character, major: 1, minor: 1 << 20, access: .all)]), "devices",
            "1048575")
    }

    // MARK: What needs no limit

    @Test func `CPU accounting and the freezer are cgroups without settings`() throws {
        let limits = CgroupLimits(accountsCPU: true, freezes: true)
        let parts = try CgroupPlan(limits: limits, layout: Self.v1).parts
        #expect(parts.map(\.hierarchy.mountPoint) == ["/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/freezer"])
        let unified = try CgroupPlan(limits: limits, layout: Self.v2).parts
        #expect(unified.map(\.controllers) == [[.cpuacct, .freezer]])
        #expect(unified[0].delegable.isEmpty)
        #expect((parts + unified).flatMap(\.settings) == [])
    }

    @Test func `controllers that are mounted together share a cgroup`() throws {
        let parts = try CgroupPlan(
            limits: CgroupLimits(millicpus: 500, accountsCPU: true), layout: CgroupFixture.ubuntuHybrid.layout
        ).parts
        #expect(parts.map(\.controllers) == [[.cpu, .cpuacct]])
    }

    @Test(arguments: [
        (CgroupLimits(cpuset: "0"), "cpuset"),
        (CgroupLimits(hugetlb: [HugePageLimit(pageSize: 2 << 20, bytes: 0)]), "hugetlb"),
        (CgroupLimits(ioWeight: 5), "io"),
    ])
    func `a controller that is missing on v2 is an error that names it`(limits: CgroupLimits, name: String) {
        var layout = CgroupFixture.pureV2.layout
        layout.setUnifiedControllers("cpu memory pids")
        let error = #expect(throws: CgroupError.self) { try CgroupPlan(limits: limits, layout: layout) }
        #expect(error?.code == .controllerUnavailable)
        #expect(error?.subject == name)
    }

    @Test func `the cure for a controller that is not delegated is a file and a command`() {
        let cure = Delegation.cure(forLacking: .io)
        #expect(cure.contains("/etc/systemd/system/user@.service.d/delegate.conf"))
        #expect(cure.contains(#"printf '[Service]\nDelegate=cpu cpuset io memory pids\n'"#))
        #expect(cure.contains("systemctl daemon-reload"))
        #expect(Delegation.cure(forLacking: .hugetlb).contains("run as root"))
    }
}
