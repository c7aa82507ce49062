// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

private let notPermitted = SeccompProfile.Action.errno(.notPermitted)
private let noSystemCall = SeccompProfile.Action.errno(.noSystemCall)
private let highBits: UInt64 = 0xdead_beef_0000_0000

@Suite struct `The strict profile` {
    let profile: CompiledProfile

    init() throws { profile = try CompiledProfile(.strict) }

    @Test func `allows only what the default profile allows too`() throws {
        let lenient = try CompiledProfile(.default())
        var generator = Generator(seed: 21)
        for number in Int32(0)..<500 {
            for _ in 0..<40 {
                let arguments = (0..<6).map { _ in generator.next() & generator.next() & 0xff_ffff }
                let call = SeccompData(number: number, arguments: arguments)
                guard profile.action(call) == .allow else { continue }
                #expect(lenient.action(call) == .allow, "\(number) \(arguments)")
            }
        }
    }

    @Test func `decides every call that the default profile knows, and names none twice`() throws {
        for name in DefaultRules.allowedCalls + DefaultRules.deniedCalls {
            let action = try profile.action(name)
            #expect(action == nil || action != noSystemCall || name == "openat2", "\(name)")
        }
        let names = StrictRules.allowedCalls + StrictRules.deniedCalls
        #expect(Set(names).count == names.count)
        for name in names { #expect(throws: Never.self) { try SystemCallNumbers.resolve(name) } }
        #expect(Set(StrictRules.allowedCalls).isSubset(of: DefaultRules.allowedCalls))
    }

    @Test func `allows clone for threads, and for nothing else`() throws {
        let thread: UInt64 = 0x3d0f00
        #expect(try profile.action("clone", thread) == .allow)
        #expect(try profile.action("clone", highBits | thread) == .allow)
        #expect(try profile.action("clone", 17) == notPermitted)
        #expect(try profile.action("clone", 0x4111) == notPermitted)  // vfork
        for flag: UInt64 in [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] {
            #expect(try profile.action("clone", thread | flag) == notPermitted)
        }
        #expect(try profile.action("clone3") == noSystemCall)
        for name in ["fork", "vfork"] {
            let action = try profile.action(name)
            #expect(action == nil || action == notPermitted)
        }
    }

    @Test(arguments: [0o1, 0o2, 0o3, 0o100, 0o1000, 0o1102, 0o20200002] as [UInt64])
    func `opens for reading only`(flags: UInt64) throws {
        for other: UInt64 in [0, 0o2000000, 0o100000, highBits] {
            #expect(try profile.action("openat", 3, 0, flags | other) == notPermitted)
            #expect(try profile.action("openat", 3, 0, other) == .allow)
            let open = try profile.action("open", 0, flags | other)
            #expect(open == nil || open == notPermitted)
        }
    }

    @Test func `has no sockets but a connected pair`() throws {
        for family: UInt64 in [0, 1, 2, 10, 16, 17, highBits | 1] {
            #expect(try profile.action("socket", family, 1) == .errno(.noAddressFamily))
            #expect(try profile.action("socketpair", family, 2) == .errno(.noAddressFamily))
        }
        #expect(try profile.action("socketpair", 1, 0o2004001) == .allow)
        for name in ["connect", "bind", "sendto", "sendmsg", "recvmsg", "accept4", "getpeername"] {
            #expect(try profile.action(name, 0, 1) == .errno(.notSocket))
        }
    }

    @Test func `starts an agent, and is cached under a key of its own`() throws {
        #expect(profile.program.callsRefusedAtStart == [])
        #expect(SeccompSource.strict.profile == .strict)
        let others = [SeccompSource.default(capabilities: [], denySetuidBits: false), .custom(.strict)]
        #expect(!others.map(\.cacheKey).contains(SeccompSource.strict.cacheKey))
        #expect(SeccompSource.strict.flags == [])
        var logging = SeccompProfile.strict
        logging.flags = .log
        #expect(SeccompSource.custom(logging).flags == .log)
    }
}
