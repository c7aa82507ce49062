// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxKernel
import Testing

@testable import Confinement

private func number(_ name: String) throws -> Int32 {
    guard case .number(let number) = try SystemCallNumbers.resolve(name) else { throw SystemCallIsAbsent(name: name) }
    return number
}

private struct SystemCallIsAbsent: Error { var name: String }

@Suite struct `A notifying filter` {
    private let filter: [UInt8]

    init() throws { filter = try SeccompCompiler.compile(.default()) }

    private func decision(_ notifying: NotifyingFilter, _ name: String, _ arguments: UInt64...) throws -> FilterReturn {
        notifying.program.decision(on: SeccompData(number: try number(name), arguments: arguments))
    }

    @Test func `notifies of denials, and leaves the rest and the original alone`() throws {
        let notifying = try NotifyingFilter(filter, notifying: .denials())
        #expect(try decision(notifying, "mount") == .notify)
        #expect(try decision(notifying, "ioctl", 0, 0x5412) == .notify)
        #expect(try decision(notifying, "ioctl", 0, 0x5413) == .allow)
        #expect(try decision(notifying, "clone3") == .notify)
        #expect(try decision(notifying, "read") == .allow)
        #expect(notifying.original.bytes == filter)
        #expect(notifying.program.count == notifying.original.count)
        let call = SeccompData(number: try number("mount"))
        #expect(notifying.original.decision(on: call) == .errno(.notPermitted))
    }

    @Test func `leaves the errnos that it is told to`() throws {
        let notifying = try NotifyingFilter(filter, notifying: .denials(except: [.noSystemCall]))
        #expect(try decision(notifying, "clone3") == .errno(.noSystemCall))
        #expect(try decision(notifying, "mount") == .notify)
    }

    @Test func `notifies of everything that is allowed or denied when learning, and of no killing`() throws {
        let rules: [SeccompProfile.Rule] = [
            .init(.killProcess, ["ptrace"]), .init(.trap, ["bpf"]), .init(.log, ["close"]), .init(.allow, ["read"]),
        ]
        let profile = SeccompProfile(rules: rules, defaultAction: .errno(.notPermitted))
        let notifying = try NotifyingFilter(SeccompCompiler.compile(profile), notifying: .everything)
        for name in ["close", "read", "write"] { #expect(try decision(notifying, name) == .notify) }
        #expect(try decision(notifying, "ptrace") == .killProcess)
        #expect(try decision(notifying, "bpf") == .trap(0))
        let denials = try NotifyingFilter(SeccompCompiler.compile(profile), notifying: .denials())
        #expect(try decision(denials, "close") == .log)
    }

    @Test func `watches no call that a supervisor could not decide as the filter does`() throws {
        let argument = SeccompProfile.Condition(argument: 1, .equal, 7)
        let rules: [SeccompProfile.Rule] = [
            .init(.killProcess, ["mkdir"]), .init(.trap, ["rmdir"]), .init(.log, ["chdir"]),
            .init(.errno(.notPermitted), ["unlink"]), .init(.killThread, ["rename"], when: [argument]),
        ]
        let filter = try SeccompCompiler.compile(SeccompProfile(rules: rules, defaultAction: .allow))
        let watched = ["mkdir", "rmdir", "chdir", "unlink", "rename", "openat"]
        let notifying = try NotifyingFilter(filter, notifying: .denials(), alwaysOn: watched)
        #expect(try decision(notifying, "mkdir") == .killProcess)
        #expect(try decision(notifying, "rmdir") == .trap(0))
        #expect(try decision(notifying, "chdir") == .log)
        #expect(try decision(notifying, "rename", 0, 7) == .killThread)
        #expect(try decision(notifying, "rename", 0, 8) == .allow)
        #expect(try decision(notifying, "unlink") == .notify)
        #expect(try decision(notifying, "openat") == .notify)
        #expect(try decision(notifying, "read") == .allow)
        // The profile that comes with Martinet kills nothing.
        let usual = try NotifyingFilter(self.filter, notifying: .denials(), alwaysOn: watched)
        for name in watched { #expect(try decision(usual, name) == .notify) }
    }

    @Test func `differs from the original in nothing but returns, whatever the call`() throws {
        var generator = Generator(seed: 4)
        let notifying = try NotifyingFilter(filter, notifying: .denials(except: [.noAddressFamily]))
        for number in Int32(0)..<480 {
            for _ in 0..<4 {
                let arguments = (0..<6).map { _ in generator.next() & 0x3f }
                let call = SeccompData(number: number, arguments: arguments)
                let before = notifying.original.decision(on: call)
                let expected: FilterReturn =
                    if case .errno(let number) = before, number != .noAddressFamily { .notify } else { before }
                #expect(notifying.program.decision(on: call) == expected)
            }
        }
    }

    @Test func `cannot be made of a filter that computes its answer, notifies already, or is none`() throws {
        let computed = try FilterProgram([.init(.loadWord, 0), .init(.returnAccumulator)]).bytes
        let notifies = try FilterProgram([.init(.returnConstant, 0x7fc0_0000)]).bytes
        for bytes in [computed, notifies, [], [1, 2, 3]] {
            let error = #expect(throws: ConfinementError.self) {
                try NotifyingFilter(bytes, notifying: .everything)
            }
            #expect(error?.code == .malformedFilter)
        }
    }

    @Test(arguments: [NotifyingFilter.Scope.denials(), .everything])
    func `gives a program, through its supervisor, what the original would have given`(
        scope: NotifyingFilter.Scope
    ) throws {
        let notifying = try NotifyingFilter(filter, notifying: scope)
        let calls: [(Int, [Int], Int)] = [
            (Int(SYS_unshare), [0x1000_0000], -Int(EPERM)), (Int(SYS_socket), [40, 1], -Int(EAFNOSUPPORT)),
            (Int(SYS_ioctl), [0, 0x5412], -Int(EPERM)), (0x0fff_fff0, [], -Int(ENOSYS)),
            (Int(SYS_getppid), [], Int(getppid())), (Int(SYS_close), [-1], -Int(EBADF)),
        ]
        nonisolated(unsafe) var results: [Int] = []
        results.reserveCapacity(calls.count)
        let thread = FilteredThread(
            filter: notifying.program.bytes, flags: Int(SECCOMP_FILTER_FLAG_NEW_LISTENER)
        ) { _ in
            for (number, arguments, _) in calls {
                let words = arguments + [Int](repeating: 0, count: 6 - arguments.count)
                results.append(mt_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]))
            }
        }
        let listener = thread.waitForFilter()
        try #require(listener >= 0)
        let notifications = Supervisor.supervise(Int32(listener), notifying)
        thread.join()
        #expect(results == calls.map(\.2))
        let denied = notifications.filter { !notifying.original.decision(on: $0).isAllowed }
        #expect(denied.map(\.number) == calls.prefix(4).map { Int32($0.0) })
        #expect(notifications.contains { $0.number == Int32(SYS_getppid) } == (scope == .everything))
    }
}
