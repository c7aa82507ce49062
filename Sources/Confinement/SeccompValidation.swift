// SPDX-License-Identifier: Apache-2.0

extension SeccompProfile {
    /// - Throws: `.invalidRule` for a rule or action that cannot mean anything.
    func validate() throws(ConfinementError) {
        try Self.validate(defaultAction, in: "default \(defaultAction)")
        try Self.validate(foreignArchitectureAction, in: "foreign \(foreignArchitectureAction)")
        if let newerCallAction { try Self.validate(newerCallAction, in: "newer \(newerCallAction)") }
        for rule in rules { try rule.validate() }
    }

    fileprivate static func validate(_ action: Action, in subject: String) throws(ConfinementError) {
        if case .errno(let number) = action, !(0...4095).contains(number.rawValue) {
            throw ConfinementError(.invalidRule, subject: subject, hint: "an errno is 0 to 4095")
        }
    }
}

extension SeccompProfile.Rule {
    fileprivate func validate() throws(ConfinementError) {
        let arguments = conditions.map(\.argument)
        if calls.isEmpty {
            throw ConfinementError(.invalidRule, subject: "\(self)", hint: "name at least one system call")
        }
        if let argument = arguments.first(where: { !(0...5).contains($0) }) {
            throw ConfinementError(
                .invalidRule, subject: "\(self)", hint: "there is no argument \(argument); count from 0 to 5")
        }
        if Set(arguments).count != arguments.count {
            throw ConfinementError(
                .invalidRule, subject: "\(self)", hint: "compare each argument once; write a rule for each alternative")
        }
        for condition in conditions {
            guard case .maskedEqual(let mask) = condition.comparison, condition.value & ~mask != 0 else { continue }
            throw ConfinementError(
                .invalidRule, subject: "\(self)", hint: "the value has bits outside the mask, so nothing can match")
        }
        try SeccompProfile.validate(action, in: "\(self)")
    }
}
