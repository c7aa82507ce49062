// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Testing

@testable import Confinement

/// What is asked of each version of Landlock, and what it is called.
@Suite struct LandlockPolicyTests {
    private static let first: UInt64 = 0x1fff
    private static let refer: UInt64 = 1 << 13
    private static let truncate: UInt64 = 1 << 14
    private static let ioctl: UInt64 = 1 << 15
    private static let unix: UInt64 = 1 << 16

    @Test(
        "a version is asked for nothing that came later",
        arguments: [
            (1, first, 0, 0), (2, first | refer, 0, 0), (3, first | refer | truncate, 0, 0),
            (4, first | refer | truncate, 3, 0), (5, first | refer | truncate | ioctl, 3, 0),
            (6, first | refer | truncate | ioctl, 3, 3), (7, first | refer | truncate | ioctl, 3, 3),
            (8, first | refer | truncate | ioctl, 3, 3), (9, first | refer | truncate | ioctl | unix, 3, 3),
            (10, first | refer | truncate | ioctl | unix, 15, 3), (99, first | refer | truncate | ioctl | unix, 15, 3),
        ] as [(UInt32, UInt64, UInt64, UInt64)])
    func handled(abi: UInt32, files: UInt64, network: UInt64, scopes: UInt64) {
        let alone = LandlockPolicy.alone(abi: abi, usesNetwork: false)
        #expect(alone.handledFiles.rawValue == files)
        #expect(alone.handledNetwork.rawValue == network)
        #expect(alone.scopes.rawValue == scopes)
        // Beside namespaces sockets are reached by what was shown, ports by the network namespace, signals by the PID one.
        let beside = LandlockPolicy.besideNamespaces(abi: abi, sharesNetwork: false)
        #expect(beside.handledFiles.rawValue == files & ~Self.unix)
        #expect(beside.handledNetwork == [] && beside.scopes == [])
        let shared = LandlockPolicy.besideNamespaces(abi: abi, sharesNetwork: true)
        #expect(shared.scopes == (abi >= 6 ? .abstractSockets : []))
        #expect(LandlockPolicy.alone(abi: abi, usesNetwork: true).handledNetwork == [])
    }

    @Test("what is asked for the running kernel takes", arguments: 1...10 as ClosedRange<UInt32>)
    func isTaken(abi: UInt32) throws {
        guard case .abi(let kernel) = LandlockSupport.probe() else { return }
        let policy = LandlockPolicy.alone(abi: abi, usesNetwork: false)
        var attributes = mt_landlock_ruleset(
            handled_access_fs: policy.handledFiles.rawValue, handled_access_net: policy.handledNetwork.rawValue,
            scoped: policy.scopes.rawValue)
        let result = withUnsafeMutablePointer(to: &attributes) {
            mt_syscall(Int(SYS_landlock_create_ruleset), Int(bitPattern: $0), 24, 0, 0, 0, 0)
        }
        // Versions 7 and 8 brought no right: what is asked for counts, not its version.
        let known = LandlockPolicy.alone(abi: min(abi, kernel), usesNetwork: false)
        let asksForMore =
            policy.handledFiles != known.handledFiles || policy.handledNetwork != known.handledNetwork
            || policy.scopes != known.scopes
        #expect((result >= 0) == !asksForMore, "\(result)")
        if result >= 0 { close(Int32(result)) }
    }

    @Test(
        "a rule holds only what is handled, and of a file only what files have",
        arguments: 1...10 as ClosedRange<UInt32>)
    func rights(abi: UInt32) {
        let policy = LandlockPolicy.alone(abi: abi, usesNetwork: false)
        for use in LandlockPolicy.Use.allCases {
            let rights = policy.rights(use)
            #expect(rights.isSubset(of: policy.handledFiles))
            #expect(policy.rights(use, isDirectory: false) == rights.intersection(.ofFiles))
            // No use makes a device node, or reaches a socket that was not named.
            #expect(rights.isDisjoint(with: [.makeCharacterDevice, .makeBlockDevice, .resolveUnix]))
            #expect(!rights.isEmpty)
        }
        #expect(policy.rights(.read).isDisjoint(with: policy.rights(.change)))
        #expect(policy.rights(.change).contains(.refer) == (abi >= 2))
        #expect(policy.rights(.change).contains(.truncate) == (abi >= 3))
        #expect(policy.rights(.control).contains(.deviceControl) == (abi >= 5))
    }

    @Test func `the level names what is held`() {
        func words(_ abi: UInt32, _ sharesNetwork: Bool = false) -> String {
            "\(LandlockPolicy.besideNamespaces(abi: abi, sharesNetwork: sharesNetwork).level)"
        }
        #expect(words(1) == "ABI 1: files")
        #expect(words(3) == "ABI 3: files, refer, truncate")
        #expect(words(7) == "ABI 7: files, refer, truncate, ioctl")
        #expect(words(7, true) == "ABI 7: files, refer, truncate, ioctl, abstract sockets")
        #expect(words(5, true) == "ABI 5: files, refer, truncate, ioctl")
        #expect(
            "\(LandlockPolicy.alone(abi: 6, usesNetwork: false).level)"
                == "ABI 6: files, refer, truncate, ioctl, TCP, abstract sockets, signals")
        #expect(
            "\(LandlockPolicy.alone(abi: 12, usesNetwork: false).level)"
                == "ABI 12: files, refer, truncate, ioctl, Unix sockets, TCP, UDP, abstract sockets, signals")
        #expect("\(LandlockLevel.none(.off))" == "none: left out as asked")
        #expect(LandlockPolicy.besideNamespaces(abi: 4, sharesNetwork: false).level.abi == 4)
        #expect(LandlockLevel.none(.notBuilt).abi == nil)
    }

    @Test func `refusals are audited only where the kernel can leave the rest out`() {
        func flags(_ abi: UInt32, _ audits: Bool) -> UInt32 {
            LandlockPolicy.besideNamespaces(abi: abi, sharesNetwork: false).restrictFlags(audits: audits)
        }
        #expect(flags(6, true) == 0)
        #expect(flags(7, true) == MT_LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON)
        #expect(flags(7, false) == 0)
    }

    @Test func `each version is known by the kernel that brought it`() {
        #expect(LandlockPolicy.kernel(bringing: 1) == "5.13")
        #expect(LandlockPolicy.kernel(bringing: 6) == "6.12")
        #expect(LandlockPolicy.kernel(bringing: 10) == "7.2")
        #expect(LandlockPolicy.kernel(bringing: 0) == nil)
        #expect(LandlockPolicy.kernel(bringing: 11) == nil)
    }

    @Test func `every reason has its words, and a cure where there is one`() {
        let reasons: [LandlockLevel.Reason] = [
            .off, .notBuilt, .notEnabled, .refused(.notPermitted), .forbidsMoving,
        ]
        #expect(Set(reasons.map(\.description)).count == reasons.count)
        #expect(reasons.map { $0.cure != nil } == [false, true, true, true, true])
        #expect(LandlockSupport.abi(3).reason == nil)
        #expect(LandlockSupport.notBuilt.reason == .notBuilt)
        #expect(LandlockSupport.notEnabled.reason == .notEnabled)
        #expect(LandlockSupport.refused(.permissionDenied).reason == .refused(.permissionDenied))
    }

    // MARK: The filter's part

    @Test func `mounting is refused whatever the capabilities open`() throws {
        let open = SeccompProfile.default(capabilities: .sysAdmin)
        let closed = open.refusingMounts()
        #expect(closed.rules.dropFirst() == open.rules[...])
        for call in SeccompProfile.mountCalls {
            let rule = try #require(closed.rules.first { $0.calls.contains(call) })
            #expect(rule.action == .errno(.notPermitted) && rule.conditions.isEmpty, "\(call)")
            #expect(open.rules.first { $0.calls.contains(call) }?.action == .allow, "\(call)")
        }
    }
}
