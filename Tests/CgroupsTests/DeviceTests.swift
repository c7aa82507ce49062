// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Cgroups

/// Devices guarded by lists on v1 and by a program on v2.
@Suite(.enabled(if: TestMachine.canTest, "needs root, or a delegated cgroup v2 with memory, cpu and pids"))
struct DeviceTests {
    private static let rules = [
        DeviceRule(.character, major: 1, minor: 3, access: .all),  // null
        DeviceRule(.character, major: 1, minor: 5, access: [.read]),  // zero
        DeviceRule(.block, access: [.mknod]),
    ]
    private static let mayGuard = TestMachine.isRoot

    /// What a process in a cgroup of these rules answers: a word an attempt, `ok` or the errno.
    private func attempts(_ program: String, _ rules: [DeviceRule], _ variant: LayoutVariant) throws -> [Substring] {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("devices"), limits: CgroupLimits(devices: rules), layout: variant.layout)
        let child = try TestProcess(
            perl: """
                use Fcntl;
                sub say_errno { syswrite(STDOUT, ($_[0] ? "ok" : $! + 0) . " ") }
                sub try_open { my $ok = sysopen(my $f, $_[0], $_[1]); say_errno($ok) }
                sub try_mknod { my $p = "/tmp/martinet-node-$$"; my $n = \(Self.mknodNumber);
                    say_errno(syscall($n, -100, $p, $_[0], $_[1]) == 0); unlink($p) }
                \(program);
                exit 0
                """)
        try cgroup.attach(child.pid)
        try child.release()
        #expect(child.wait() == .exited(0))
        try cgroup.remove()
        return child.output.split(separator: " ")
    }

    #if arch(x86_64)
    private static let mknodNumber = 259
    #else
    private static let mknodNumber = 33
    #endif

    @Test(.enabled(if: mayGuard, "needs root: device rules take CAP_BPF on v2"), arguments: TestMachine.variants)
    func `only what the rules allow can be opened and made`(variant: LayoutVariant) throws {
        let answers = try attempts(
            """
            try_open("/dev/null", O_RDWR);
            try_open("/dev/zero", O_RDONLY);
            try_open("/dev/zero", O_RDWR);
            try_open("/dev/zero", O_WRONLY);
            try_open("/dev/full", O_RDONLY);
            try_open("/dev/fuse", O_RDWR) if -e "/dev/fuse";
            try_mknod(0020600, 0x103);
            try_mknod(0020600, 0x105);
            try_mknod(0060600, 0x700);
            """, Self.rules, variant)
        let fuse: [Substring] = TestMachine.exists("/dev/fuse") ? ["1"] : []
        #expect(answers == ["ok", "ok", "1", "1", "1"] + fuse + ["ok", "1", "ok"])
    }

    @Test(
        .enabled(if: mayGuard && TestMachine.exists("/dev/loop0"), "needs root, and a block device to be refused"),
        arguments: TestMachine.variants)
    func `block devices are told from character devices of the same number`(variant: LayoutVariant) throws {
        let open = "try_open('/dev/loop0', O_RDONLY)"
        let block = DeviceRule(.block, major: 7, minor: 0, access: [.read])
        #expect(try attempts(open, [DeviceRule(.character, major: 7, minor: 0, access: .all)], variant) == ["1"])
        #expect(try attempts(open, [DeviceRule(.block, major: 7, minor: 1, access: .all)], variant) == ["1"])
        #expect(try attempts(open, [block], variant) != ["1"])
        #expect(try attempts(open, [DeviceRule(.all, major: 7, access: .all)], variant) != ["1"])
    }

    @Test(.enabled(if: mayGuard, "needs root: device rules take CAP_BPF on v2"), arguments: TestMachine.variants)
    func `no rule allows no device, and a rule for everything all of them`(variant: LayoutVariant) throws {
        let open = "try_open('/dev/null', O_RDONLY); try_open('/dev/full', O_RDONLY);"
        #expect(try attempts(open, [], variant) == ["1", "1"])
        #expect(try attempts(open, [DeviceRule(.all, access: .all)], variant) == ["ok", "ok"])
    }

    @Test(.enabled(if: mayGuard, "needs root: device rules take CAP_BPF on v2"), arguments: TestMachine.variants)
    func `as many rules as anyone writes are taken`(variant: LayoutVariant) throws {
        let rules = (0..<200).map { DeviceRule(.character, major: 4095, minor: $0, access: .all) }
        let null = DeviceRule(.character, major: 1, minor: 3, access: .all)
        let open = "try_open('/dev/null', O_RDWR); try_open('/dev/full', O_RDONLY);"
        #expect(try attempts(open, rules + [null], variant) == ["ok", "1"])
    }

    @Test(.enabled(if: !mayGuard, "needs a user who may not guard devices"))
    func `who may not guard devices is told so, and nothing is left`() throws {
        let layout = try #require(TestMachine.layout)
        let name = TestMachine.name("devices")
        do {
            _ = try SandboxCgroup.create(name: name, limits: CgroupLimits(devices: Self.rules), layout: layout)
            Issue.record("a user guarded devices")
        } catch {
            #expect(error.code == .controllerUnavailable)
            #expect(error.hint?.contains("CAP_BPF") == true)
        }
        #expect(TestMachine.leftovers { $0 == name } == [])
    }
}
