// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxKernel
import Testing

@testable import Confinement

private let noSystemCall = SeccompProfile.Action.errno(.noSystemCall)

private func call(_ name: String, _ arguments: UInt64...) throws -> SeccompData {
    guard case .number(let number) = try SystemCallNumbers.resolve(name) else { return SeccompData(number: -1) }
    return SeccompData(number: number, arguments: arguments)
}

private func learned(_ base: SeccompProfile, _ calls: [SeccompData]) -> SeccompProfile {
    var learner = ProfileLearner(base: base)
    for call in calls { learner.record(call) }
    return learner.profile
}

@Suite struct `A learned profile` {
    @Test func `has the calls that were seen, those that every program needs, and no other`() throws {
        let profile = learned(.default(), try [call("read"), call("openat"), call("read"), call("mmap")])
        #expect(
            profile.canonicalText == """
                architectures \(SeccompProfile.Architecture.native.rawValue)
                foreign errno ENOSYS
                allow: close_range execve exit exit_group mmap openat read restart_syscall rt_sigreturn
                default errno ENOSYS

                """)
        let compiled = try CompiledProfile(profile)
        #expect(try compiled.action("read") == .allow)
        #expect(try compiled.action("write") == noSystemCall)
        #expect(compiled.program.callsRefusedAtStart == [])
    }

    @Test func `has the conditions that matched`() throws {
        let calls = try [
            call("socket", 1, 0o2000001), call("socket", 2, 1, 6), call("clone", 0x3d0f00), call("ioctl", 1, 0x5401),
            call("personality", 8),
        ]
        let compiled = try CompiledProfile(learned(.default(), calls))
        #expect(try compiled.action("socket", 1, 5) == .allow)
        #expect(try compiled.action("socket", 2, 1) == .allow)
        // Neither datagrams nor the next version of the protocol were seen: refused as the base refuses a family.
        #expect(try compiled.action("socket", 2, 2) == .errno(.notPermitted))
        #expect(try compiled.action("socket", 10, 1) == .errno(.notPermitted))
        #expect(try compiled.action("socket", 40, 1) == .errno(.noAddressFamily))
        #expect(try compiled.action("socketpair", 1, 1) == noSystemCall)
        #expect(try compiled.action("clone", 17) == .allow)
        #expect(try compiled.action("clone", 0x1000_0000) == .errno(.notPermitted))
        #expect(try compiled.action("ioctl", 1, 0x5402) == .allow)
        #expect(try compiled.action("ioctl", 1, 0x5412) == .errno(.notPermitted))
        #expect(try compiled.action("personality", 8) == .allow)
        #expect(try compiled.action("personality", 0) == .errno(.notPermitted))
    }

    @Test func `refuses what was refused with the same errno`() throws {
        let calls = try [call("mount"), call("clone3"), call("unshare", 0x1000_0000), call("socket", 40, 1)]
        let compiled = try CompiledProfile(learned(.default(), calls))
        #expect(try compiled.action("mount") == .errno(.notPermitted))
        #expect(try compiled.action("unshare", 0) == .errno(.notPermitted))
        #expect(try compiled.action("clone3") == noSystemCall)
        #expect(try compiled.action("socket", 40, 1) == .errno(.noAddressFamily))
        #expect(try compiled.action("socket", 1, 1) == .errno(.noAddressFamily))
        #expect(try compiled.action("bpf") == noSystemCall)
    }

    @Test func `tells families apart, and new namespaces, where the base does not`() throws {
        let open = SeccompProfile(rules: [], defaultAction: .allow)
        let calls = try [
            call("socket", 1, 1), call("socket", 0xdead_0000_0010, 3), call("clone", 17), call("socketpair", 1, 2),
        ]
        for base in try [open, Fixtures.docker().profile] {
            let compiled = try CompiledProfile(learned(base, calls))
            for call in calls { #expect(compiled.action(call) == .allow) }
            #expect(
                try compiled.action("socket", 2, 1) == noSystemCall
                    || compiled.action("socket", 2, 1) == .errno(.notPermitted))
            #expect(try compiled.action("clone", 0x1000_0011) != .allow)
        }
        let withNamespaces = try CompiledProfile(learned(open, calls + [call("clone", 0x1000_0011)]))
        #expect(try withNamespaces.action("clone", 0x2000_0011) == .allow)
    }

    @Test func `is the same in whatever order calls came`() throws {
        var generator = Generator(seed: 17)
        var calls: [SeccompData] = []
        for name in ["read", "write", "socket", "ioctl", "clone", "mount", "personality", "openat", "fchmod"] {
            for _ in 0..<6 {
                calls.append(try call(name, generator.next() % 20, generator.next() % 4, generator.next() % 9))
            }
        }
        let first = learned(.default(denySetuidBits: true), calls)
        for _ in 0..<5 {
            #expect(learned(.default(denySetuidBits: true), calls.shuffled(using: &generator)) == first)
        }
        #expect(try first.ociJSON() == learned(.default(denySetuidBits: true), calls + calls).ociJSON())
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func `decides every call that was seen as the base did, and allows nothing that the base does not`(
        seed: UInt64
    ) throws {
        var generator = Generator(seed: seed)
        let bases = try [
            SeccompProfile.default(), .default(capabilities: .all(), denySetuidBits: true), .strict,
            Fixtures.docker().profile, Fixtures.podman().profile,
        ]
        for base in bases {
            func random() -> SeccompData {
                // Near the values that conditions are about.
                let interesting: [UInt64] = [0, 1, 2, 3, 8, 16, 40, 0x5412, 0x2_0000, 0o100, 0o4755, 0x1000_0000, 17]
                let arguments = (0..<6).map { _ in interesting.randomElement(using: &generator)! }
                return SeccompData(number: .random(in: 0...470, using: &generator), arguments: arguments)
            }
            let seen = (0..<60).map { _ in random() }.filter {
                SystemCallWords.name(of: $0) != nil
            }
            let profile = learned(base, seen)
            let compiled = try CompiledProfile(profile)
            let original = try CompiledProfile(base)
            for call in seen {
                let (ours, theirs) = (compiled.action(call), original.action(call))
                #expect(ours == theirs, "\(SystemCallWords.describe(call))\n\(profile)")
            }
            for _ in 0..<400 {
                let call = random()
                if compiled.action(call) == .allow { #expect(original.action(call) == .allow) }
            }
            let json = try profile.ociJSON()
            let read = try SeccompProfile(
                json: Array(json.utf8), capabilities: [], kernel: KernelVersion(major: 6, minor: 1))
            #expect(read == profile)
        }
    }

    @Test func `leaves out other ABIs and numbers without a call, and says how many`() throws {
        var learner = ProfileLearner(base: .default())
        learner.record(SeccompData(number: 3, auditArchitecture: 7))
        learner.record(SeccompData(number: 9999))
        learner.record(SeccompData(number: 0x4000_0001))
        learner.record(try call("read"))
        #expect(learner.passedOver == 3)
        #expect(learner.recordedCalls == 1)
        #expect(learner.profile == learned(.default(), [try call("read")]))
    }

    @Test func `lets the same program run again under the kernel, and nothing more`() throws {
        let base = SeccompProfile.default()
        let notifying = try NotifyingFilter(SeccompCompiler.compile(base), notifying: .everything)
        let numbers: [(Int, [Int])] = [
            (Int(SYS_getppid), []), (Int(SYS_socket), [Int(AF_UNIX), 1]), (Int(SYS_socket), [40, 1]),
            (Int(SYS_close), [-1]), (Int(SYS_unshare), [0x1000_0000]), (Int(SYS_umask), [0o22]),
        ]
        func work(_ results: inout [Int]) {
            for (number, arguments) in numbers {
                let words = arguments + [Int](repeating: 0, count: 6 - arguments.count)
                let result = mt_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5])
                results.append(number == Int(SYS_socket) ? min(result, 0) : result)
                if number == Int(SYS_socket), result >= 0 { _ = mt_syscall(Int(SYS_close), result, 0, 0, 0, 0, 0) }
            }
        }
        nonisolated(unsafe) var first: [Int] = []
        let thread = FilteredThread(
            filter: notifying.program.bytes, flags: Int(SECCOMP_FILTER_FLAG_NEW_LISTENER)
        ) { _ in work(&first) }
        let listener = thread.waitForFilter()
        try #require(listener >= 0)
        var learner = ProfileLearner(base: base)
        for call in Supervisor.supervise(Int32(listener), notifying) { learner.record(call) }
        thread.join()
        nonisolated(unsafe) var second: [Int] = []
        nonisolated(unsafe) var others: [Int] = []
        let installed = FilteredThread.run(try SeccompCompiler.compile(learner.profile)) {
            work(&second)
            others = [mt_syscall(Int(SYS_getsid), 0, 0, 0, 0, 0, 0), mt_syscall(Int(SYS_socket), 2, 1, 0, 0, 0, 0)]
        }
        #expect(installed == 0)
        #expect(first.count == numbers.count)
        #expect(first == second)
        #expect(others == [-Int(ENOSYS), -Int(EPERM)])
    }
}
