// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import Glibc
import LinuxKernel
import Testing

@testable import Confinement

/// libseccomp's own filter for profiles that it can express: one rule a call, each with (masked) equality only.
private func libseccompProgram(_ profile: SeccompProfile) throws -> FilterProgram {
    struct Failure: Error { var step: String }
    guard let context = seccomp_init(profile.defaultAction.filterValue) else { throw Failure(step: "init") }
    defer { seccomp_release(context) }
    for architecture in profile.architectures where architecture != .native {
        guard seccomp_arch_add(context, architecture.token) == 0 else { throw Failure(step: "\(architecture)") }
    }
    seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, profile.foreignArchitectureAction.filterValue)
    for rule in profile.rules {
        for name in rule.calls {
            let number = seccomp_syscall_resolve_name(name)
            let arguments = rule.conditions.map { condition in
                guard case .maskedEqual(let mask) = condition.comparison else {
                    return scmp_arg_cmp(
                        arg: UInt32(condition.argument), op: SCMP_CMP_EQ, datum_a: condition.value, datum_b: 0)
                }
                return scmp_arg_cmp(
                    arg: UInt32(condition.argument), op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: condition.value)
            }
            let result = seccomp_rule_add_array(
                context, rule.action.filterValue, number, UInt32(arguments.count), arguments)
            guard result == 0 else { throw Failure(step: "\(rule): \(result)") }
        }
    }
    let file = memfd_create("libseccomp", 0)
    defer { close(file) }
    guard seccomp_export_bpf(context, file) == 0 else { throw Failure(step: "export") }
    var bytes = [UInt8](repeating: 0, count: 4096 * 8)
    let size = pread(file, &bytes, bytes.count, 0)
    return try FilterProgram(Array(bytes.prefix(size)))
}

private let architectures: [SeccompProfile.Architecture] =
    SeccompProfile.Architecture.native == .x86_64 ? [.x86_64, .x86, .x32] : [.aarch64, .arm]

@Suite struct `The compiler and libseccomp` {
    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `agree on every call of every ABI`(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        // Names with a number of their own on every ABI may have conditions; the others are those that share one.
        let plain = ["read", "write", "ioctl", "execve", "mmap", "openat", "prctl", "rt_sigaction", "exit", "statx"]
        let shared = ["socket", "connect", "shmget", "semctl", "msgsnd"]
        let actions: [SeccompProfile.Action] = [.errno(.notPermitted), .killProcess, .trap, .errno(.noSystemCall)]
        var rules: [SeccompProfile.Rule] = []
        let abis = Array(architectures.prefix(Int.random(in: 1...architectures.count, using: &generator)))
        // On ABIs of 32 bits libseccomp compares the lower half only, ours both: the upper one is 0 there.
        let values: [UInt64] = abis.count == 1 ? [0, 0x10, 0x1_0000_0010] : [0, 0x10]
        for name in plain where Bool.random(using: &generator) {
            let mask: UInt64 = [0xffff_ffff, .max, 0xf0].randomElement(using: &generator)!
            let value = values.randomElement(using: &generator)! & mask
            let condition = SeccompProfile.Condition(
                argument: .random(in: 0...5, using: &generator), .maskedEqual(mask: mask), value)
            rules.append(
                .init(
                    actions.randomElement(using: &generator)!, [name],
                    when: Bool.random(using: &generator) ? [condition] : []))
        }
        for name in shared where Bool.random(using: &generator) {
            rules.append(.init(actions.randomElement(using: &generator)!, [name]))
        }
        var profile = SeccompProfile(rules: rules, defaultAction: .allow)
        profile.architectures = abis
        let theirs = try libseccompProgram(profile)
        let ours = try SeccompCompiler.program(for: profile)
        for architecture in architectures + [.aarch64, .x86_64] {
            for number in Int32(0)..<600 {
                let bit: Int32 = architecture == .x32 ? 0x4000_0000 : 0
                for _ in 0..<4 {
                    let values: [UInt64] = [0, 1, 2, 0x10, 0x11, 0x1_0000_0010]
                    let arguments = (0..<6).map { _ in
                        values.randomElement(using: &generator)!
                            & (architecture == .native ? .max : 0xffff_ffff)
                    }
                    let call = SeccompData(
                        number: number | bit, auditArchitecture: architecture.auditToken, arguments: arguments)
                    #expect(
                        ours.decision(on: call) == theirs.decision(on: call),
                        "\(architecture) \(number) \(arguments)\n\(profile)")
                }
            }
        }
    }
}
