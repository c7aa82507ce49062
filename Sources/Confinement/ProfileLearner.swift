// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Makes the smallest profile under which a program does again what it was seen to do.
///
/// It is fed every call that a supervisor was notified of (`NotifyingFilter.Scope.everything`). What the base profile
/// allowed is allowed; where the base has conditions, only those that matched stay, so a program that was seen to use
/// AF_UNIX gets no AF_INET. What the base refused the program when it tried is refused with the same errno. All else is
/// ENOSYS, so that C libraries go back to what they were seen to use. The result does not depend on the order of calls.
///
/// A program does not do everything in one run: what it did not do, it may not do later. Let it run its tests.
public struct ProfileLearner: Sendable {
    private let base: SeccompProfile
    /// The base's rules for each number, by index.
    private let rulesByNumber: [Int32: [Int]]
    private let newestNumber: Int32

    /// Names by number, of all calls that were seen.
    private var names: [Int32: String] = [:]
    /// By number, the rules that decided; `withoutRule` stands for what the base does about the rest.
    private var deciding: [Int32: Set<Int>] = [:]
    /// Families that socket and socketpair were seen with, by number and deciding rule.
    private var families: [Decision: Set<UInt32>] = [:]
    /// clone was seen with one of CLONE_NEW*.
    private var makesNamespaces = false
    /// How many calls were recorded.
    public private(set) var recordedCalls = 0
    /// How many were not, since they were made through another ABI or have a number that no call has.
    public private(set) var passedOver = 0

    private struct Decision: Hashable {
        var number: Int32
        var rule: Int
    }

    private static let withoutRule = -1

    /// - Parameter base: the profile that the program runs under while it is watched.
    public init(base: SeccompProfile) {
        self.base = base
        var rules: [Int32: [Int]] = [:]
        for (index, rule) in base.rules.enumerated() {
            for call in rule.calls {
                guard case .number(let number) = try? SystemCallNumbers.resolve(call) else { continue }
                rules[number, default: []].append(index)
            }
        }
        rulesByNumber = rules
        newestNumber = rules.keys.max() ?? 0
        for name in Self.alwaysNeeded {
            guard case .number(let number) = try? SystemCallNumbers.resolve(name) else { continue }
            note(SeccompData(number: number), name)
        }
    }

    /// To start, to end, and to come back from a signal and a stop: a short run may not have done all of it.
    static let alwaysNeeded =
        FilterProgram.callsAtStart + ["exit", "exit_group", "restart_syscall", "rt_sigreturn"]

    /// Notes a call that the program made, allowed or not.
    public mutating func record(_ call: SeccompData) {
        let isNative = call.architecture == SeccompProfile.Architecture.native.auditToken
        guard isNative, let name = names[call.number] ?? SystemCallNumbers.name(of: call.number, on: .native) else {
            passedOver += 1
            return
        }
        recordedCalls += 1
        note(call, name)
    }

    private mutating func note(_ call: SeccompData, _ name: String) {
        names[call.number] = name
        let rule = (rulesByNumber[call.number] ?? []).first { index in
            base.rules[index].conditions.allSatisfy { $0.holds(for: call.arguments) }
        }
        let decision = Decision(number: call.number, rule: rule ?? Self.withoutRule)
        deciding[call.number, default: []].insert(decision.rule)
        guard action(decision).isPermission else { return }
        if name == "clone", call.arguments[0] & Self.namespaceFlags != 0 { makesNamespaces = true }
        if name == "socket" || name == "socketpair" {
            families[decision, default: []].insert(UInt32(truncatingIfNeeded: call.arguments[0]))
        }
    }

    private func action(_ decision: Decision) -> SeccompProfile.Action {
        guard decision.rule == Self.withoutRule else { return base.rules[decision.rule].action }
        return decision.number > newestNumber ? base.newerCallAction ?? base.defaultAction : base.defaultAction
    }

    /// CLONE_NEW*, as far as clone has them. linux/sched.h
    private static let namespaceFlags: UInt64 = 0x7e02_0000
}

extension ProfileLearner {
    /// What was learned so far.
    public var profile: SeccompProfile {
        let numbers = names.keys.sorted { (names[$0] ?? "", $0) < (names[$1] ?? "", $1) }
        var rules: [SeccompProfile.Rule] = []
        var plain: [SeccompProfile.Action: [String]] = [:]
        for number in numbers {
            guard let name = names[number] else { continue }
            if let action = unconditional(number, name) {
                plain[action, default: []].append(name)
            } else {
                rules += conditional(number, name)
            }
        }
        for action in plain.keys.sorted(by: { $0.description < $1.description })
        where action != .errno(.noSystemCall) {
            rules.append(SeccompProfile.Rule(action, plain[action] ?? []))
        }
        return SeccompProfile(rules: rules, defaultAction: .errno(.noSystemCall))
    }

    /// What was done about a call, if the same whatever its arguments.
    private func unconditional(_ number: Int32, _ name: String) -> SeccompProfile.Action? {
        guard let rules = deciding[number], rules.count == 1, let rule = rules.first else { return nil }
        let action = action(Decision(number: number, rule: rule))
        let narrows = action.isPermission && (["socket", "socketpair"].contains(name) || narrowsClone(name))
        guard !narrows else { return nil }
        // Nothing before the rule that decides, and no condition on it.
        guard rulesByNumber[number]?.first ?? Self.withoutRule == rule else { return nil }
        return rule == Self.withoutRule || base.rules[rule].conditions.isEmpty ? action : nil
    }

    private func narrowsClone(_ name: String) -> Bool { name == "clone" && !makesNamespaces }

    /// The base's rules for a call in their order: those that permitted it at least once, and all that refuse.
    private func conditional(_ number: Int32, _ name: String) -> [SeccompProfile.Rule] {
        var rules: [SeccompProfile.Rule] = []
        let indices = rulesByNumber[number] ?? []
        let decided = deciding[number] ?? []
        for index in indices + [Self.withoutRule] {
            let decision = Decision(number: number, rule: index)
            let action = action(decision)
            let conditions = index == Self.withoutRule ? [] : base.rules[index].conditions
            if action.isPermission {
                guard decided.contains(index) else { continue }
                for narrowed in narrowed(conditions, decision, name) {
                    rules.append(SeccompProfile.Rule(action, [name], when: narrowed))
                }
            } else if index != Self.withoutRule || action != .errno(.noSystemCall) {
                rules.append(SeccompProfile.Rule(action, [name], when: conditions))
            }
            // What comes after an unconditional rule decides nothing.
            if conditions.isEmpty { break }
        }
        // Refusals that nothing permitted comes after say what the end says; only those that differ are kept.
        while let last = rules.last, last.action == .errno(.noSystemCall) { rules.removeLast() }
        return rules
    }

    /// The conditions under which a rule permitted a call: the base's, and the families of sockets where the base does
    /// not tell them apart; no namespaces for clone where none were made.
    private func narrowed(
        _ conditions: [SeccompProfile.Condition], _ decision: Decision, _ name: String
    ) -> [[SeccompProfile.Condition]] {
        if let families = families[decision] {
            guard !conditions.contains(where: { $0.argument == 0 && $0.isEquality }) else { return [conditions] }
            let others = conditions.filter { $0.argument != 0 }
            return families.sorted().map { [.int(0, equals: $0)] + others }
        }
        if narrowsClone(name), !conditions.contains(where: { $0.argument == 0 }) {
            return [[.bits(0, clear: Self.namespaceFlags)] + conditions]
        }
        return [conditions]
    }
}

extension SeccompProfile.Action {
    /// The call is made.
    fileprivate var isPermission: Bool { self == .allow || self == .log }
}

extension SeccompProfile.Condition {
    fileprivate var isEquality: Bool {
        switch comparison {
        case .equal: true
        case .maskedEqual(let mask): mask & 0xffff_ffff == 0xffff_ffff
        case .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: false
        }
    }
}
