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
            // A name that this libseccomp does not know yet: not in both.
            guard number != -1 else { continue }
            let arguments = rule.conditions.map(argument)
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

private func argument(_ condition: SeccompProfile.Condition) -> scmp_arg_cmp {
    let number = UInt32(condition.argument)
    func compare(_ operation: scmp_compare) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: number, op: operation, datum_a: condition.value, datum_b: 0)
    }
    return switch condition.comparison {
    case .equal: compare(SCMP_CMP_EQ)
    case .notEqual: compare(SCMP_CMP_NE)
    case .less: compare(SCMP_CMP_LT)
    case .lessOrEqual: compare(SCMP_CMP_LE)
    case .greater: compare(SCMP_CMP_GT)
    case .greaterOrEqual: compare(SCMP_CMP_GE)
    case .maskedEqual(let mask):
        scmp_arg_cmp(arg: number, op: SCMP_CMP_MASKED_EQ, datum_a: mask, datum_b: condition.value)
    }
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

    /// Values next to each other, with and without an upper half, a sign, and nothing but ones.
    private static let edges: [UInt64] = [
        0, 1, 2, 0x10, 0x11, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001,
        0x1_0000_0010, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, 0xffff_ffff_0000_0000, .max - 1, .max,
    ]

    @Test(arguments: 1...12 as ClosedRange<UInt64>)
    func `agree on every comparison of arguments of 64 bits`(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        let comparisons: [SeccompProfile.Comparison] = [
            .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .maskedEqual(mask: .max),
            .maskedEqual(mask: 0xffff_ffff), .maskedEqual(mask: 0xf000_0000_0000_000f),
        ]
        var rules: [SeccompProfile.Rule] = []
        for name in ["read", "write", "ioctl", "execve", "mmap", "openat", "prctl", "exit", "statx", "clone", "dup"] {
            var arguments = Array(0...5)
            arguments.shuffle(using: &generator)
            let conditions = arguments.prefix(Int.random(in: 1...3, using: &generator)).map { argument in
                let comparison = comparisons.randomElement(using: &generator)!
                var value = Self.edges.randomElement(using: &generator)!
                if case .maskedEqual(let mask) = comparison { value &= mask }
                return SeccompProfile.Condition(argument: argument, comparison, value)
            }
            rules.append(.init(.errno(.notPermitted), [name], when: conditions))
        }
        var profile = SeccompProfile(rules: rules, defaultAction: .allow)
        profile.architectures = [.native]
        let theirs = try libseccompProgram(profile)
        let ours = try SeccompCompiler.program(for: profile)
        for rule in rules {
            guard case .number(let number) = try SystemCallNumbers.resolve(rule.calls[0]) else { continue }
            for _ in 0..<2000 {
                let arguments = (0..<6).map { _ in Self.edges.randomElement(using: &generator)! }
                let call = SeccompData(number: number, arguments: arguments)
                #expect(ours.decision(on: call) == theirs.decision(on: call), "\(rule) \(arguments)")
            }
        }
    }

    @Test func `agree on Docker's profile, call by call`() throws {
        for capabilities in [[], .all()] as [CapabilitySet] {
            var profile = try Fixtures.docker(capabilities: capabilities).profile
            profile.architectures = [.native]
            let theirs = try libseccompProgram(profile)
            let ours = try SeccompCompiler.program(for: profile)
            var generator = Generator(seed: 9)
            let values: [UInt64] = Self.edges + [8, 0x20000, 0x20008, 40, 16, 0x7e02_0000, 0x1000_0000, 0x2001_0011]
            for number in Int32(0)..<450 {
                for _ in 0..<200 {
                    let arguments = (0..<6).map { _ in values.randomElement(using: &generator)! }
                    let call = SeccompData(number: number, arguments: arguments)
                    #expect(ours.decision(on: call) == theirs.decision(on: call), "\(number) \(arguments)")
                }
            }
        }
    }
}
