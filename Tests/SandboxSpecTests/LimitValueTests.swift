// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

@Suite struct LimitValueTests {
    @Test(arguments: [("0", "0"), ("3,1", "1,3"), ("0-3,5", "0-3,5"), ("5,0-1,1-2", "0-2,5"), ("1,2,3", "1-3")])
    func `Lists of numbers are sorted and joined`(text: String, printed: String) throws {
        #expect(try NumberList(text).description == printed)
    }

    @Test(arguments: ["", ",", "1,", "-1", "3-1", "1-", "a", "0-8192", "1 ,2", "0x1"])
    func `What is no list of numbers is refused`(text: String) {
        #expect(throws: SpecError.self) { try NumberList(text) }
    }

    @Test func `A rate's path may hold colons`() throws {
        let rate = try DeviceRate("/dev/disk/by-path/pci-0000:00:1f.2:10MiB")
        #expect(rate.path == "/dev/disk/by-path/pci-0000:00:1f.2")
        #expect(rate.rate.bytes == 10 << 20)
    }

    @Test(arguments: ["", "/dev/vda", ":1", "/dev/vda:", "/dev/vda:0", "/dev/vda:x"])
    func `What is no rate is refused`(text: String) {
        #expect(throws: SpecError.self) { try DeviceRate(text) }
    }

    @Test(arguments: [
        ("/dev/fuse", "/dev/fuse", "rw"), ("/dev/kvm:r", "/dev/kvm", "r"), ("/dev/sda:/dev/xvdc", "/dev/xvdc", "rw"),
        ("/dev/sda:/dev/xvdc:rwm", "/dev/xvdc", "rwm"),
    ])
    func `Devices are read as Docker's`(text: String, target: String, access: String) throws {
        let device = try DeviceMount(text)
        #expect(device.target.text == target)
        #expect(device.access == access)
    }

    @Test(arguments: [
        "", "fuse", "/etc/passwd", "/dev/../etc/passwd", "/dev/fuse:/srv/fuse", "/dev/fuse:/dev/pts/0", "/dev/null",
        "/dev/fuse:/dev/tty",
        "/dev/fuse:/dev/.nodes/x", "/dev/fuse:x",
        "/dev/fuse:rr", "/dev/fuse:/dev/a:rw:x", "/dev/", "/dev/:/dev/a",
    ])
    func `What is no device is refused`(text: String) {
        #expect(throws: SpecError.self) { try DeviceMount(text) }
    }
}
