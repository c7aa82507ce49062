// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Cgroups

@Suite(.enabled(if: TestMachine.has(.hugetlb), "needs root, and a hierarchy with hugetlb")) struct HugePageTests {
    private static let size: UInt64 = 2 << 20
    private static let pool = "/sys/kernel/mm/hugepages/hugepages-2048kB"
    private static let free = (try? readText("\(pool)/free_hugepages")).flatMap { $0 }
        .flatMap { Int($0.prefix { !$0.isNewline }) }
    let layout: CgroupLayout

    init() throws { layout = try #require(TestMachine.layout) }

    @Test(.enabled(if: free != nil, "needs huge pages of 2 MiB")) func `limits are read back`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("huge"),
            limits: CgroupLimits(hugetlb: [HugePageLimit(pageSize: Self.size, bytes: 2 * Self.size)]), layout: layout)
        let file = layout.hierarchy(for: .hugetlb)?.version == .v1 ? "limit_in_bytes" : "max"
        for name in ["hugetlb.2MB.\(file)", "hugetlb.2MB.rsvd.\(file)"] {
            #expect(try readText("\(cgroup.paths[0])/\(name)") == "\(2 * Self.size)\n")
        }
        try cgroup.remove()
    }

    #if arch(x86_64)
    private static let mmapNumber = 9
    #else
    private static let mmapNumber = 222
    #endif

    @Test(.enabled(if: (free ?? 0) >= 3, "needs three free huge pages of 2 MiB (nr_hugepages)"))
    func `a mapping beyond the limit is refused, and one within it is not`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("huge-map"),
            limits: CgroupLimits(hugetlb: [HugePageLimit(pageSize: Self.size, bytes: 2 * Self.size)]), layout: layout)
        // MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB
        let child = try TestProcess(
            perl: """
                for my $pages (3, 2) {
                    my $at = syscall(\(Self.mmapNumber), 0, $pages * \(Self.size), 3, 0x40022, -1, 0);
                    syswrite(STDOUT, ($at == -1 ? $! + 0 : "ok") . " ");
                }
                exit 0
                """)
        try cgroup.attach(child.pid)
        try child.release()
        #expect(child.wait() == .exited(0))
        #expect(child.output == "12 ok ")  // ENOMEM
        try cgroup.remove()
    }

    @Test func `a page size that is not this machine's is refused with those that are`() throws {
        let name = TestMachine.name("huge-odd")
        do {
            _ = try SandboxCgroup.create(
                name: name, limits: CgroupLimits(hugetlb: [HugePageLimit(pageSize: 8 << 20, bytes: 0)]), layout: layout)
            Issue.record("pages of 8 MiB were limited")
        } catch {
            #expect(error.code == .limitRefused)
            #expect(error.hint?.hasPrefix("this machine's huge pages are of 2MB") == true)
        }
        #expect(TestMachine.leftovers { $0 == name } == [])
    }
}
