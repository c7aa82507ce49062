// SPDX-License-Identifier: Apache-2.0

/// A profile's ordered rules, cut into groups that libseccomp can compile one by one.
///
/// libseccomp knows no order: of two rules for one call that overlap, it keeps the wider or builds a tree in which
/// either may win; "ioctl, except TIOCSTI" cannot be said at all. Within a stage every call therefore has rules of one
/// action only, for which order does not matter; a call that no rule of a stage matches goes on to the next stage, and
/// after the last to the default action. Calls with a single unconditional rule, nearly all, are decided in stage 0.
///
/// Moreover libseccomp 2.5.4 merges `arg0 > 0x100000000` and `arg0 < 0x80000000` into a tree that matches 0xffffffff
/// (a random test found it), so a rule that compares by anything but (masked) equality has its call's stage to itself.
struct SeccompStages: Hashable {
    /// One libseccomp rule.
    struct Entry: Hashable {
        var number: Int32
        var action: SeccompProfile.Action
        var conditions: [SeccompProfile.Condition]
    }

    private(set) var stages: [[Entry]] = []

    /// Where the rules for one call stand so far.
    private struct Progress {
        var stage: Int
        var action: SeccompProfile.Action
        /// The rules so far may share their stage with more of the same action.
        var isShareable: Bool
        /// An unconditional rule was seen: later ones can never match.
        var isDecided: Bool
    }

    /// - Throws: `.unknownSystemCall`, `.invalidRule`.
    init(_ profile: SeccompProfile) throws(ConfinementError) {
        try Self.validate(profile.defaultAction, in: "default \(profile.defaultAction)")
        try Self.validate(profile.foreignArchitectureAction, in: "foreign \(profile.foreignArchitectureAction)")
        var progress: [Int32: Progress] = [:]
        for rule in profile.rules {
            try Self.validate(rule)
            for call in rule.calls {
                guard case .number(let number) = try SystemCallNumbers.resolve(call) else { continue }
                let before = progress[number]
                if let before, before.isDecided { continue }
                let sharesStage = before.map { $0.action == rule.action && $0.isShareable && rule.isShareable } ?? true
                let stage = before.map { $0.stage + (sharesStage ? 0 : 1) } ?? 0
                progress[number] = Progress(
                    stage: stage, action: rule.action, isShareable: rule.isShareable, isDecided: rule.conditions.isEmpty
                )
                append(Entry(number: number, action: rule.action, conditions: rule.conditions), to: stage)
            }
        }
    }

    private mutating func append(_ entry: Entry, to stage: Int) {
        while stages.count <= stage { stages.append([]) }
        stages[stage].append(entry)
    }

    private static func validate(_ rule: SeccompProfile.Rule) throws(ConfinementError) {
        let arguments = rule.conditions.map(\.argument)
        if rule.calls.isEmpty {
            throw ConfinementError(.invalidRule, subject: "\(rule)", hint: "name at least one system call")
        }
        if let argument = arguments.first(where: { !(0...5).contains($0) }) {
            throw ConfinementError(
                .invalidRule, subject: "\(rule)", hint: "there is no argument \(argument); count from 0 to 5")
        }
        if Set(arguments).count != arguments.count {
            throw ConfinementError(
                .invalidRule, subject: "\(rule)", hint: "compare each argument once; write a rule for each alternative")
        }
        for condition in rule.conditions {
            guard case .maskedEqual(let mask) = condition.comparison, condition.value & ~mask != 0 else { continue }
            throw ConfinementError(
                .invalidRule, subject: "\(rule)", hint: "the value has bits outside the mask, so nothing can match")
        }
        try validate(rule.action, in: "\(rule)")
    }

    private static func validate(_ action: SeccompProfile.Action, in subject: String) throws(ConfinementError) {
        if case .errno(let number) = action, !(1...4095).contains(number.rawValue) {
            throw ConfinementError(.invalidRule, subject: subject, hint: "an errno is 1 to 4095")
        }
    }
}

extension SeccompProfile.Rule {
    /// libseccomp may merge this rule with others of the same call.
    fileprivate var isShareable: Bool {
        conditions.allSatisfy { condition in
            switch condition.comparison {
            case .equal, .maskedEqual: true
            case .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: false
            }
        }
    }
}
