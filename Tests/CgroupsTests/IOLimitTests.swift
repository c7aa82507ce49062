// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

@testable import Cgroups

/// Limits of a real disk, with direct reads and writes, which reach the disk at once on every version.
@Suite(.enabled(if: TestMachine.has(.io), "needs root, or a user with io delegated")) struct IOLimitTests {
    let layout: CgroupLayout
    static let hasDisk = TestMachine.diskDirectory != nil

    init() throws { layout = try #require(TestMachine.layout) }

    /// Calls `body` with the path of a file of its own on a disk, and the disk.
    private func withFile(_ body: (String, BlockDeviceNumber) throws -> Void) throws {
        let directory = try #require(TestMachine.diskDirectory)
        let path = "\(directory)/martinet-io-\(processID())"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let disk = try BlockDeviceNumber.ofDisk(at: directory)
        try #require(FileManager.default.createFile(atPath: path, contents: Data(count: 1 << 20)))
        try body(path, disk)
    }

    /// Runs dd(1) in a cgroup and returns how many seconds it says it took.
    private func secondsOfDD(_ operands: String, in cgroup: borrowing SandboxCgroup) throws -> Double {
        let child = try TestProcess(
            perl: #"open(STDERR, ">&STDOUT"); exec(qw(env LC_ALL=C dd \#(operands))) or exit 99"#)
        try cgroup.attach(child.pid)
        try child.release()
        let text = child.output
        #expect(child.wait() == .exited(0), "\(text)")
        // 8388608 bytes (8.4 MB, 8.0 MiB) copied, 2.00104 s, 4.2 MB/s
        let word = try #require(text.split(separator: "copied, ").last?.split(separator: " ").first)
        return try #require(Double(word))
    }

    @Test(.enabled(if: hasDisk, "needs a directory on a single disk that this user can write to"))
    func `bytes a second are held, reading and writing`() throws {
        try withFile { path, disk in
            let limit = IOLimit(device: disk, readBytesPerSecond: 8 << 20, writeBytesPerSecond: 4 << 20)
            let cgroup = try SandboxCgroup.create(
                name: TestMachine.name("io-bytes"), limits: CgroupLimits(io: [limit]), layout: layout)
            try expectNear(4, within: 0.1, "MiB/s written under a limit of 4") {
                8 / (try secondsOfDD("if=/dev/zero of=\(path) bs=64k count=128 oflag=direct", in: cgroup))
            }
            try expectNear(8, within: 0.1, "MiB/s read under a limit of 8") {
                8 / (try secondsOfDD("if=\(path) of=/dev/null bs=64k count=128 iflag=direct", in: cgroup))
            }
            let usage = try #require(try cgroup.usage().io?.first { $0.device == disk })
            #expect((usage.readBytes ?? 0) >= 8 << 20)
            #expect((usage.writtenBytes ?? 0) >= 8 << 20)
            #expect((usage.readOperations ?? 0) >= 128)
            #expect((usage.writeOperations ?? 0) >= 128)
            try cgroup.remove()
        }
    }

    @Test(.enabled(if: hasDisk, "needs a directory on a single disk that this user can write to"))
    func `operations a second are held, reading and writing`() throws {
        try withFile { path, disk in
            let limit = IOLimit(device: disk, readOperationsPerSecond: 100, writeOperationsPerSecond: 50)
            let cgroup = try SandboxCgroup.create(
                name: TestMachine.name("io-operations"), limits: CgroupLimits(io: [limit]), layout: layout)
            try expectNear(50, within: 0.1, "writes a second under a limit of 50") {
                100 / (try secondsOfDD("if=/dev/zero of=\(path) bs=4k count=100 oflag=direct conv=notrunc", in: cgroup))
            }
            try expectNear(100, within: 0.1, "reads a second under a limit of 100") {
                200 / (try secondsOfDD("if=\(path) of=/dev/null bs=4k count=200 iflag=direct", in: cgroup))
            }
            try cgroup.remove()
        }
    }

    @Test(.enabled(if: hasDisk, "needs a directory on a single disk that this user can write to"))
    func `what is set is read back`() throws {
        try withFile { _, disk in
            let limit = IOLimit(
                device: disk, readBytesPerSecond: 1_000_001, writeBytesPerSecond: 1 << 40, readOperationsPerSecond: 7,
                writeOperationsPerSecond: 4_294_967_294)
            let cgroup = try SandboxCgroup.create(
                name: TestMachine.name("io-readback"), limits: CgroupLimits(io: [limit]), layout: layout)
            let path = cgroup.paths[0]
            if layout.hierarchy(for: .io)?.version == .v2 {
                #expect(
                    try readText("\(path)/io.max")
                        == "\(disk) rbps=1000001 wbps=1099511627776 riops=7 wiops=4294967294\n")
            } else {
                for (name, value) in [
                    ("read_bps", "1000001"), ("write_bps", "1099511627776"), ("read_iops", "7"),
                    ("write_iops", "4294967294"),
                ] {
                    #expect(try readText("\(path)/blkio.throttle.\(name)_device") == "\(disk) \(value)\n")
                }
            }
            try cgroup.remove()
        }
    }

    @Test func `a disk that is not there is refused with its cure`() throws {
        let limit = IOLimit(device: BlockDeviceNumber(major: 4095, minor: 5), readBytesPerSecond: 1 << 20)
        let name = TestMachine.name("io-none")
        do {
            _ = try SandboxCgroup.create(name: name, limits: CgroupLimits(io: [limit]), layout: layout)
            Issue.record("a disk that is not there was limited")
        } catch {
            #expect(error.code == .limitRefused)
            #expect(error.cause?.errno == .noDevice)
            #expect(error.hint == "there is no disk 4095:5: lsblk lists them with their numbers")
        }
        #expect(TestMachine.leftovers { $0 == name } == [])
    }

    @Test func `a weight that no disk looks at is an error with its cure`() throws {
        let name = TestMachine.name("io-weight")
        guard try IOWeight.disksWithBFQ().isEmpty else { return }
        if let text = try Self.costFile.flatMap({ try readText($0) }), IOWeight.costModelIsOn(in: text) { return }
        do {
            _ = try SandboxCgroup.create(name: name, limits: CgroupLimits(ioWeight: 200), layout: layout)
            Issue.record("a weight without effect was set")
        } catch {
            #expect(error.code == .controllerUnavailable)
            #expect(error.hint?.contains("/queue/scheduler") == true)
        }
        #expect(TestMachine.leftovers { $0 == name } == [])
    }

    private static let hasLoops = TestMachine.isRoot && TestMachine.exists("/dev/loop-control")

    @Test(.enabled(if: hasLoops, "needs root, and loop devices")) func `loop devices are disks like others`() throws {
        try LoopDevice.with(bytes: 16 << 20) { path, number in
            let limit = IOLimit(device: number, readBytesPerSecond: 8 << 20)
            let cgroup = try SandboxCgroup.create(
                name: TestMachine.name("io-loop"), limits: CgroupLimits(io: [limit]), layout: layout)
            try expectNear(8, within: 0.1, "MiB/s read from a loop device under a limit of 8") {
                16 / (try secondsOfDD("if=\(path) of=/dev/null bs=64k iflag=direct", in: cgroup))
            }
            try cgroup.remove()
        }
    }

    /// Where the cost model is switched on and off; `nil` where it cannot be.
    private static let costFile: String? = {
        guard let hierarchy = TestMachine.layout?.hierarchy(for: .io), hierarchy.version == .v2 else { return nil }
        let file = "\(hierarchy.mountPoint)/io.cost.qos"
        return TestMachine.exists(file) ? file : nil
    }()

    @Test(.enabled(if: hasLoops && costFile != nil, "needs root, cgroup v2, the cost model and loop devices"))
    func `a weight is read back where the cost model divides a disk`() throws {
        let file = try #require(Self.costFile)
        try LoopDevice.with(bytes: 1 << 20) { _, number in
            try writeText("\(number) enable=1", to: file)
            defer { try? writeText("\(number) enable=0", to: file) }
            let cgroup = try SandboxCgroup.create(
                name: TestMachine.name("io-cost"), limits: CgroupLimits(ioWeight: 10_000), layout: layout)
            #expect(try readText("\(cgroup.paths[0])/io.weight") == "default 10000\n")
            try cgroup.remove()
        }
    }

    @Test(.enabled(if: hasLoops, "needs root, and loop devices"))
    func `a weight is read back where BFQ divides a disk, up to what BFQ knows`() throws {
        try LoopDevice.with(bytes: 1 << 20) { path, _ in
            let scheduler = "/sys/block/\(path.dropFirst(5))/queue/scheduler"
            guard try readText(scheduler)?.contains("bfq") == true else { return }
            try writeText("bfq", to: scheduler)
            #expect(try IOWeight.disksWithBFQ().contains(String(path.dropFirst(5))))
            let cgroup = try SandboxCgroup.create(
                name: TestMachine.name("io-bfq"), limits: CgroupLimits(ioWeight: 300), layout: layout)
            let file = layout.hierarchy(for: .io)?.version == .v1 ? IOWeight.bfqFileV1 : IOWeight.bfqFile
            let text = try #require(try readText("\(cgroup.paths[0])/\(file)"))
            #expect(text.split(separator: "\n").first?.split(separator: " ").last == "300")
            try cgroup.remove()
            let heavy = TestMachine.name("io-heavy")
            do throws(CgroupError) {
                _ = try SandboxCgroup.create(name: heavy, limits: CgroupLimits(ioWeight: 1001), layout: layout)
                Issue.record("BFQ took 1001")
            } catch {
                #expect(error.code == .invalidLimit)
                #expect(error.hint?.contains("1 to 1000") == true)
            }
            #expect(TestMachine.leftovers { $0 == heavy } == [])
        }
    }

    @Test(.enabled(if: hasDisk, "needs a directory on a single disk")) func `disks are found by paths`() throws {
        let directory = try #require(TestMachine.diskDirectory)
        let disk = try BlockDeviceNumber.ofDisk(at: directory)
        #expect(disk.wholeDisk == disk)
        #expect(TestMachine.exists("/sys/dev/block/\(disk)/queue"))
        for path in ["/proc", "/nowhere/at/all", "/dev/null"] {
            let error = #expect(throws: CgroupError.self) { try BlockDeviceNumber.ofDisk(at: path) }
            #expect(error?.code == .invalidLimit)
            #expect(error?.hint?.contains("lsblk") == true)
        }
    }
}
