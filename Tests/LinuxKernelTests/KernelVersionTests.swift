// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import LinuxKernel

@Suite struct `A kernel's version` {
    @Test(arguments: [
        ("6.12.48-amd64", 6, 12), ("6.18", 6, 18), ("5.4-rc3", 5, 4), ("4.19.0+", 4, 19), ("6.1.0-9.1", 6, 1),
    ])
    func `is the first two numbers of its release`(release: String, major: Int, minor: Int) {
        #expect(KernelVersion(release: release) == KernelVersion(major: major, minor: minor))
    }

    @Test(arguments: ["", "6", "six.one", ".6.1", "6-rc.1", "99999999999999999999.1"])
    func `is nothing where there are none`(release: String) {
        #expect(KernelVersion(release: release) == nil)
    }

    @Test func `orders by number, and that of the running kernel is known`() throws {
        let running = try #require(KernelVersion.running)
        #expect(running > KernelVersion(major: 3, minor: 17))
        #expect(KernelVersion(major: 5, minor: 9) < KernelVersion(major: 5, minor: 10))
        #expect(KernelVersion.runningRelease.hasPrefix("\(running)"))
    }
}

@Suite struct `An errno's name` {
    @Test func `leads back to its number, for every errno and its aliases`() {
        for number in Int32(1)...133 where Errno(rawValue: number).name.hasPrefix("E") {
            #expect(Errno(name: Errno(rawValue: number).name)?.rawValue == number)
        }
        #expect(Errno(name: "ENOTSUP") == .notSupported)
        #expect(Errno(name: "EWOULDBLOCK") == .again)
        #expect(Errno(name: "") == nil)
        #expect(Errno(name: "eperm") == nil)
        #expect(Errno(name: "errno 200") == nil)
    }
}
