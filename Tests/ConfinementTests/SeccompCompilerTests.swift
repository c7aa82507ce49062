// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import LinuxKernel
import Testing

@testable import Confinement

/// The first rule that matches decides: the profile's meaning, without a compiler.
private func expected(_ profile: SeccompProfile, _ name: String, _ arguments: [UInt64]) -> SeccompProfile.Action {
    for rule in profile.rules where rule.calls.contains(name) {
        let matches = rule.conditions.allSatisfy { condition in
            let argument = arguments[condition.argument]
            return switch condition.comparison {
            case .equal: argument == condition.value
            case .notEqual: argument != condition.value
            case .less: argument < condition.value
            case .lessOrEqual: argument <= condition.value
            case .greater: argument > condition.value
            case .greaterOrEqual: argument >= condition.value
            case .maskedEqual(let mask): argument & mask == condition.value & mask
            }
        }
        if matches { return rule.action }
    }
    return profile.defaultAction
}

private let interestingValues: [UInt64] = [
    0, 1, 2, 7, 8, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001, 0x5412, 0x1_0000_5412, .max - 1,
    .max,
]

private func randomProfile(_ generator: inout Generator) -> SeccompProfile {
    let actions: [SeccompProfile.Action] = [.allow, .errno(.notPermitted), .errno(.noSystemCall), .killProcess]
    let rules = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
        var arguments = [0, 1, 2].shuffled(using: &generator)
        arguments.removeLast(Int.random(in: 0...3, using: &generator))
        let conditions = arguments.map { argument in
            let value = interestingValues.randomElement(using: &generator)!
            let mask = interestingValues.dropFirst().randomElement(using: &generator)!
            let comparisons: [SeccompProfile.Comparison] = [
                .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .maskedEqual(mask: mask),
            ]
            let comparison = comparisons.randomElement(using: &generator)!
            let masked = if case .maskedEqual = comparison { value & mask } else { value }
            return SeccompProfile.Condition(argument: argument, comparison, masked)
        }
        return SeccompProfile.Rule(actions.randomElement(using: &generator)!, ["read", "write"], when: conditions)
    }
    return SeccompProfile(rules: rules, defaultAction: actions.randomElement(using: &generator)!)
}

@Suite struct `The seccomp compiler` {
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `compiles any profile to a filter in which the first match decides`(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        for _ in 0..<60 {
            let profile = randomProfile(&generator)
            let compiled = try CompiledProfile(profile)
            for _ in 0..<150 {
                let arguments = (0..<3).map { _ in interestingValues.randomElement(using: &generator)! }
                let action = try compiled.action("read", arguments[0], arguments[1], arguments[2])
                #expect(action == expected(profile, "read", arguments), "\(profile)\(arguments)")
            }
            #expect(try compiled.action("close") == profile.defaultAction)
        }
    }

    @Test func `keeps apart two comparisons that libseccomp merges into a wrong one`() throws {
        let rules = [
            SeccompProfile.Rule(.killProcess, ["read"], when: [.init(argument: 0, .greater, 0x1_0000_0000)]),
            .init(.killProcess, ["read"], when: [.init(argument: 0, .less, 0x8000_0000)]),
        ]
        let compiled = try CompiledProfile(SeccompProfile(rules: rules, defaultAction: .allow))
        #expect(try compiled.action("read", 0xffff_ffff) == .allow)
        #expect(try compiled.action("read", 0x1_0000_0000) == .allow)
        #expect(try compiled.action("read", 0x1_0000_0001) == .killProcess)
        #expect(try compiled.action("read", 0x7fff_ffff) == .killProcess)
    }

    @Test func `says a denied value of an allowed call, which libseccomp alone cannot`() throws {
        let profile = SeccompProfile(
            rules: [
                .init(.killProcess, ["ioctl"], when: [.int(1, equals: 5)]), .init(.allow, ["ioctl"]),
                .init(.trap, ["ioctl"]),
            ], defaultAction: .log)
        let compiled = try CompiledProfile(profile)
        #expect(try compiled.action("ioctl", 0, 5) == .killProcess)
        #expect(try compiled.action("ioctl", 0, 6) == .allow)
        #expect(try compiled.action("read") == .log)
    }

    @Test func `names the nearest call when a name is unknown`() {
        let error = #expect(throws: ConfinementError.self) {
            try SeccompCompiler.compile(SeccompProfile(rules: [.init(.allow, ["opneat"])], defaultAction: .trap))
        }
        #expect(error?.code == .unknownSystemCall)
        #expect(error?.description == "unknown system call: opneat\nhint: did you mean openat?")
    }

    @Test func `does not take the part of a name before a NUL for the name`() {
        #expect(throws: ConfinementError.self) { try SystemCallNumbers.resolve("read\0x") }
    }

    @Test(arguments: [
        SeccompProfile.Rule(.allow, []),
        .init(.allow, ["read"], when: [.init(argument: 6, .equal, 0)]),
        .init(.allow, ["read"], when: [.init(argument: -1, .equal, 0)]),
        .init(.allow, ["read"], when: [.init(argument: 1, .less, 9), .init(argument: 1, .greater, 2)]),
        .init(.allow, ["read"], when: [.init(argument: 0, .maskedEqual(mask: 0xf0), 0x1f)]),
        .init(.errno(.init(rawValue: -1)), ["read"]),
        .init(.errno(.init(rawValue: 4096)), ["read"]),
    ])
    func `refuses rules that cannot mean anything`(rule: SeccompProfile.Rule) {
        let error = #expect(throws: ConfinementError.self) {
            try SeccompCompiler.compile(SeccompProfile(rules: [rule], defaultAction: .trap))
        }
        #expect(error?.code == .invalidRule)
    }

    @Test func `refuses a default action that no filter can return`() {
        let error = #expect(throws: ConfinementError.self) {
            try SeccompCompiler.compile(SeccompProfile(rules: [], defaultAction: .errno(.init(rawValue: 4096))))
        }
        #expect(error?.code == .invalidRule)
    }

    @Test func `refuses a filter larger than the kernel takes`() {
        let rules = (0..<6000).map { value in
            SeccompProfile.Rule(.allow, ["read"], when: [.init(argument: 0, .equal, UInt64(value))])
        }
        let error = #expect(throws: ConfinementError.self) {
            try SeccompCompiler.compile(SeccompProfile(rules: rules, defaultAction: .trap))
        }
        #expect(error?.code == .filterTooLarge)
    }

    @Test func `keeps a call of another architecture out of the filter`() throws {
        let profile = SeccompProfile(rules: [.init(.allow, ["socketcall", "read"])], defaultAction: .trap)
        let plain = SeccompProfile(rules: [.init(.allow, ["read"])], defaultAction: .trap)
        #expect(try SeccompCompiler.compile(profile) == SeccompCompiler.compile(plain))
    }

    @Test func `answers calls newer than any it names as the profile says`() throws {
        var profile = SeccompProfile(rules: [.init(.allow, ["read", "mseal"])], defaultAction: .trap)
        profile.newerCallAction = .errno(.noSystemCall)
        let compiled = try CompiledProfile(profile)
        #expect(compiled.action(SeccompData(number: 461)) == .trap)
        #expect(compiled.action(SeccompData(number: 462)) == .allow)
        #expect(compiled.action(SeccompData(number: 463)) == .errno(.noSystemCall))
        #expect(compiled.action(SeccompData(number: 0x3fff_ffff)) == .errno(.noSystemCall))
        #expect(profile.canonicalText.contains("newer errno ENOSYS\n"))
    }

    @Test func `writes code that jumps farther than a comparison can`() throws {
        let rules = (0..<900).map { (value: Int) -> SeccompProfile.Rule in
            let action: SeccompProfile.Action = value % 3 == 0 ? .trap : .allow
            let condition = SeccompProfile.Condition(argument: value % 2, .equal, UInt64(value) << 32 | 7)
            return SeccompProfile.Rule(action, ["read", "close"], when: [condition])
        }
        let profile = SeccompProfile(rules: rules, defaultAction: .errno(.notPermitted))
        let compiled = try CompiledProfile(profile)
        for value in 0..<902 {
            let arguments = value % 2 == 0 ? [UInt64(value) << 32 | 7, 1] : [1, UInt64(value) << 32 | 7]
            let action = try compiled.action("read", arguments[0], arguments[1])
            #expect(action == expected(profile, "read", arguments))
        }
        #expect(try compiled.action("open") == .errno(.notPermitted))
    }

    @Test func `decides calls without conditions by ABI and number alone, which the kernel's cache needs`() throws {
        let program = try SeccompCompiler.program(for: .default())
        #expect(program.count < 300)
        for name in ["read", "write", "openat", "futex", "mmap", "clock_nanosleep", "epoll_wait", "mseal"] {
            guard case .number(let number) = try SystemCallNumbers.resolve(name) else { continue }
            #expect(program.isAlwaysAllowed(number), "\(name)")
        }
        for name in ["ioctl", "socket", "clone", "mount"] {
            guard case .number(let number) = try SystemCallNumbers.resolve(name) else { continue }
            #expect(!program.isAlwaysAllowed(number), "\(name)")
        }
    }
}

extension FilterProgram {
    /// What kernel/seccomp.c's `seccomp_is_const_allow` finds out about a native call (Linux 5.11).
    fileprivate func isAlwaysAllowed(_ number: Int32) -> Bool {
        var accumulator: UInt32 = 0
        var position = 0
        while true {
            let instruction = instructions[position]
            position += 1
            let constant = instruction.constant
            func branch(_ condition: Bool) { position += Int(condition ? instruction.ifTrue : instruction.ifFalse) }
            switch instruction.operation {
            case .loadWord where constant == 0: accumulator = UInt32(number)
            case .loadWord where constant == 4: accumulator = SeccompProfile.Architecture.native.auditToken
            case .returnConstant: return constant == 0x7fff_0000
            case .jump: position += Int(constant)
            case .jumpIfEqual: branch(accumulator == constant)
            case .jumpIfGreaterOrEqual: branch(accumulator >= constant)
            case .jumpIfGreater: branch(accumulator > constant)
            case .jumpIfAnyBit: branch(accumulator & constant != 0)
            case .and: accumulator &= constant
            default: return false
            }
        }
    }
}
