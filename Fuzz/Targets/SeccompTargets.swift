// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

@testable import Confinement
@testable import Engine

/// Profiles, the programs made of them, and what is said about the calls an agent makes.
let seccompTargets = [
    FuzzTarget(name: "seccomp", run: readProfile),
    FuzzTarget(name: "filter", run: readFilter),
    FuzzTarget(name: "calls", run: readCalls),
]

/// A profile that can be read, on two machines; its program is one that the kernel takes, and decides as the rules read.
private func readProfile(_ bytes: [UInt8]) throws(Violation) {
    guard let profile = try reading({ () throws(ConfinementError) in try OCIProfile(json: bytes) }) else { return }
    let machines: [(CapabilitySet, KernelVersion)] = [
        ([], KernelVersion(major: 6, minor: 1)), (.all(), KernelVersion(major: 4, minor: 4)),
    ]
    for (capabilities, kernel) in machines {
        let resolution = try reading { () throws(ConfinementError) in
            try profile.resolved(capabilities: capabilities, kernel: kernel)
        }
        if let resolution { try check(resolution.profile) }
    }
}

private func check(_ profile: SeccompProfile) throws(Violation) {
    try requireVisible(profile.canonicalText)
    let compiled: FilterProgram
    do throws(ConfinementError) { compiled = try SeccompCompiler.program(for: profile) } catch {
        // A profile can be too large; all else has been looked at before.
        return try require(error.code == .filterTooLarge, "a valid profile is not compiled: \(error)")
    }
    let read = try requireSuccess("the compiled program is one") { try FilterProgram(compiled.bytes) }
    try require(read == compiled, "the program is another after writing it")
    for call in probes(of: profile) where isNative(call) || profile.architectures == [.native] {
        let expected = profile.action(on: call).filterValue
        let decided = compiled.returnValue(for: call)
        try require(decided == expected, "\(call): the filter says \(decided), the rules \(expected)\n\(profile)")
    }
    let json = try requireSuccess("what was read from JSON can be written as JSON") { try profile.ociJSON() }
    let again = try requireSuccess("JSON of ours is a profile: \(json)") {
        try OCIProfile(json: Array(json.utf8)).resolved(capabilities: [], kernel: KernelVersion(major: 6, minor: 1))
    }
    try require(
        again.profile.canonicalText == profile.canonicalText,
        "the profile is another after writing it:\n\(profile)\n\(again.profile)")
}

/// What rules mean for calls of other ABIs, `action(on:)` does not say.
private func isNative(_ call: SeccompData) -> Bool {
    call.architecture == SeccompProfile.Architecture.native.auditToken && (0..<0x4000_0000).contains(call.number)
}

/// Calls on both sides of every edge that the rules have, and some that no rule is about.
private func probes(of profile: SeccompProfile) -> [SeccompData] {
    var probes: [SeccompData] = []
    for number: Int32 in [0, 1, 57, 334, 335, 423, 424, 511, 512, 0x3fff_ffff, 0x4000_0000, -1, .min, .min + 1] {
        probes.append(SeccompData(number: number))
        probes.append(SeccompData(number: number, arguments: [UInt64](repeating: .max, count: 6)))
    }
    probes += [0, .max, 0xc000_003f].map { SeccompData(number: 1, auditArchitecture: $0) }
    for rule in profile.rules.prefix(64) {
        for name in rule.calls.prefix(4) {
            guard case .number(let number) = try? SystemCallNumbers.resolve(name) else { continue }
            probes += [number, number &+ 1, number &- 1].map { SeccompData(number: $0) }
            var matching = [UInt64](repeating: 0, count: 6)
            for condition in rule.conditions { matching[condition.argument] = condition.value }
            probes.append(SeccompData(number: number, arguments: matching))
            for condition in rule.conditions {
                var values = [condition.value &+ 1, condition.value &- 1, ~condition.value, condition.value | 1 << 32]
                if case .maskedEqual(let mask) = condition.comparison {
                    values += [condition.value | ~mask, condition.value ^ mask, mask]
                }
                for value in values {
                    var arguments = matching
                    arguments[condition.argument] = value
                    probes.append(SeccompData(number: number, arguments: arguments))
                }
            }
        }
    }
    return probes
}

/// A call of 64 bytes, then a program: what is taken ends on every call. The cache's files hold such programs.
private func readFilter(_ bytes: [UInt8]) throws(Violation) {
    if let filter = CachedFilter.decode(bytes, key: "k") {
        try require(CachedFilter.encode(filter, key: "k") == bytes, "the cached filter is another after writing it")
    }
    guard let call = SeccompData(bytes: bytes.prefix(SeccompData.size)) else { return }
    let instructions = Array(bytes.dropFirst(SeccompData.size))
    let stored = CachedFilter.encode(instructions, key: bytes.text)
    if instructions.count % 8 == 0, (1...SeccompCompiler.maximumInstructions * 8).contains(instructions.count) {
        try require(CachedFilter.decode(stored, key: bytes.text) == instructions, "the cache loses a filter")
    }
    guard let program = try reading({ () throws(ConfinementError) in try FilterProgram(instructions) }) else { return }
    try require(program.bytes == instructions, "the program is another after writing it")
    let value = program.returnValue(for: call)
    _ = program.decision(on: call)
    try require(program.returnValue(for: call) == value, "the program answers twice and differently")
}

/// Calls of 64 bytes as notifications tell of them, their registers the agent's choice: what is said about them, and the
/// profile that is learned from them, which must allow what was allowed.
private func readCalls(_ bytes: [UInt8]) throws(Violation) {
    let calls = stride(from: 0, to: min(bytes.count, 16 * SeccompData.size), by: SeccompData.size).compactMap {
        SeccompData(bytes: bytes[$0...].prefix(SeccompData.size))
    }
    let base = SeccompProfile.default(capabilities: [], denySetuidBits: true)
    var learner = ProfileLearner(base: base)
    for call in calls {
        let texts = Dictionary(uniqueKeysWithValues: SystemCallWords.textArguments(of: call).map { ($0, bytes.text) })
        try requireVisible(SystemCallWords.describe(call, texts: texts))
        _ = SystemCallWords.neededCapability(for: call)
        if let name = SystemCallWords.name(of: call) {
            _ = PathCalls.requests(name, call.arguments) { $0 }
        }
        learner.record(call)
    }
    let learned = learner.profile
    for call in calls where call.architecture == SeccompProfile.Architecture.native.auditToken {
        guard SystemCallNumbers.name(of: call.number, on: .native) != nil else { continue }
        let before = base.action(on: call)
        guard before == .allow else { continue }
        try require(learned.action(on: call) == .allow, "\(call) was allowed, and is \(learned.action(on: call))")
    }
    try check(learned)
}
