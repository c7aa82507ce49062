// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

private let notPermitted = SeccompProfile.Action.errno(.notPermitted)
private let noSystemCall = SeccompProfile.Action.errno(.noSystemCall)
private let noAddressFamily = SeccompProfile.Action.errno(.noAddressFamily)
private let denied = SeccompProfile.Action.errno(.permissionDenied)

/// What the filter holds where nothing but Landlock stands beside it.
@Suite struct LandlockFilterTests {
    private static func profile(
        abi: UInt32 = 7, usesNetwork: Bool = false, sharesIdentity: Bool = true
    ) throws -> CompiledProfile {
        try CompiledProfile(
            .default(denySetuidBits: true).standingAlone(
                abi: abi, usesNetwork: usesNetwork, sharesIdentity: sharesIdentity))
    }

    private static let stream: UInt64 = 1
    private static let datagram: UInt64 = 2
    private static let sequenced: UInt64 = 5
    private static let closeOnExec: UInt64 = 0o2000000

    @Test func `without a network there is no socket of any`() throws {
        let profile = try Self.profile()
        for family in [2, 10, 16, 17, 40] as [UInt64] {
            for type in [Self.stream, Self.datagram, 3] {
                #expect(try profile.action("socket", family, type) == noAddressFamily, "\(family) \(type)")
            }
        }
    }

    @Test func `with the host's network there are those that the default profile has`() throws {
        let profile = try Self.profile(usesNetwork: true)
        for family in [2, 10] as [UInt64] {
            #expect(try profile.action("socket", family, Self.stream) == .allow)
            #expect(try profile.action("socket", family, Self.datagram | Self.closeOnExec) == .allow)
            #expect(try profile.action("socket", family, 3) == notPermitted)
        }
        #expect(try profile.action("socket", 16, 3, 0) == .allow)
        #expect(try profile.action("socket", 17, 3) == noAddressFamily)
    }

    @Test("before ABI 9 a Unix socket is half of a pair that sends nowhere else", arguments: [1, 6, 8] as [UInt32])
    func pairs(abi: UInt32) throws {
        for usesNetwork in [false, true] {
            let profile = try Self.profile(abi: abi, usesNetwork: usesNetwork)
            for type in [Self.stream, Self.datagram, Self.sequenced] {
                #expect(try profile.action("socket", 1, type) == noAddressFamily)
            }
            #expect(try profile.action("socketpair", 1, Self.stream | Self.closeOnExec) == .allow)
            #expect(try profile.action("socketpair", 1, Self.sequenced) == .allow)
            // A datagram socket sends to whatever address it is told.
            #expect(try profile.action("socketpair", 1, Self.datagram) == noAddressFamily)
            #expect(try profile.action("socketpair", 1, 3) == noAddressFamily)
            #expect(try profile.action("socketpair", 2, Self.stream) == noAddressFamily)
        }
    }

    @Test("from ABI 9 on Landlock tells paths apart, and Unix sockets can be made", arguments: [9, 10] as [UInt32])
    func unixSockets(abi: UInt32) throws {
        let profile = try Self.profile(abi: abi)
        #expect(try profile.action("socket", 1, Self.datagram) == .allow)
        #expect(try profile.action("socketpair", 1, Self.datagram) == .allow)
        #expect(try profile.action("socket", 2, Self.stream) == noAddressFamily)
    }

    @Test func `objects that the host knows by number or name are as on a kernel without them`() throws {
        let profile = try Self.profile()
        for name in ["shmget", "shmat", "msgget", "msgsnd", "semget", "semop", "mq_open", "mq_unlink"] {
            #expect(try profile.action(name) == noSystemCall, "\(name)")
        }
    }

    @Test func `limits are one's own, and those of others may be asked for`() throws {
        for sharesIdentity in [false, true] {
            let profile = try Self.profile(sharesIdentity: sharesIdentity)
            #expect(try profile.action("prlimit64", 0, 7, 0x1000) == .allow)
            #expect(try profile.action("prlimit64", 1234, 7, 0, 0x1000) == .allow)
            #expect(try profile.action("prlimit64", 1234, 0, 0x1000) == notPermitted)
            // A pid is an int: what the kernel drops does not make it another's.
            #expect(try profile.action("prlimit64", 0xdead_beef_0000_0000, 7, 0x1000) == .allow)
        }
    }

    @Test func `who has the caller's uid may not touch the caller's other processes, and nobody attributes by path`()
        throws
    {
        let shared = try Self.profile()
        let own = try Self.profile(sharesIdentity: false)
        for name in ["sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"] {
            #expect(try shared.action(name, 0) == .allow, "\(name)")
            #expect(try shared.action(name, 1234) == notPermitted, "\(name)")
            #expect(try own.action(name, 1234) == .allow, "\(name)")
        }
        #expect(try shared.action("setpriority", 0, 0) == .allow)
        #expect(try shared.action("setpriority", 0, 1234) == notPermitted)
        #expect(try shared.action("setpriority", 2, 0) == notPermitted)  // PRIO_USER, oneself
        #expect(try shared.action("ioprio_set", 1, 0) == .allow)
        #expect(try shared.action("ioprio_set", 3, 0) == notPermitted)
        for name in ["chown", "lchown", "fchownat", "setxattr", "lsetxattr", "removexattr"] {
            let action = try shared.action(name)
            #expect(action == nil || action == notPermitted, "\(name)")
            let ownAction = try own.action(name)
            #expect(ownAction == nil || ownAction == notPermitted, "\(name)")
        }
        // By descriptor they are those of files that Landlock let be opened.
        #expect(try shared.action("fchown") == .allow)
        #expect(try shared.action("fsetxattr") == .allow)
        #expect(try shared.action("chmod", 0, 0o644) == .allow)
    }

    @Test func `before ABI 3 no file is cut off that could not be opened for writing`() throws {
        let first = try Self.profile(abi: 2)
        let third = try Self.profile(abi: 3)
        let truncating: UInt64 = 0o1000
        #expect(try first.action("truncate") == denied)
        #expect(try third.action("truncate") == .allow)
        for (name, index) in [("open", 1), ("openat", 2)] {
            func opened(_ profile: CompiledProfile, _ flags: UInt64) throws -> SeccompProfile.Action? {
                index == 1 ? try profile.action(name, 0, flags) : try profile.action(name, 0, 0, flags)
            }
            guard let refused = try opened(first, truncating) else { continue }  // aarch64 has no open
            #expect(refused == denied, "\(name)")
            // For writing it is Landlock's to say.
            #expect(try opened(first, truncating | 1) == .allow, "\(name)")
            #expect(try opened(first, 0) == .allow, "\(name)")
            #expect(try opened(third, truncating) == .allow, "\(name)")
        }
        #expect(try first.action("openat2") == noSystemCall)
    }

    @Test func `what the profile refuses stays refused`() throws {
        let profile = try Self.profile(abi: 10, usesNetwork: true, sharesIdentity: false)
        for name in ["mount", "unshare", "setns", "bpf", "keyctl", "name_to_handle_at"] {
            #expect(try profile.action(name) == notPermitted, "\(name)")
        }
        #expect(try profile.action("chmod", 0, 0o4755) == notPermitted)
    }
}
