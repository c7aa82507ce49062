// SPDX-License-Identifier: Apache-2.0

extension SeccompProfile {
    /// What the profile does about one call, without a compiler: the first rule that names it and whose conditions hold.
    /// For reports; what the kernel does is `FilterProgram`'s to say.
    public func action(on call: SeccompData) -> Action {
        rule(deciding: call)?.action ?? actionWithoutRule(call)
    }

    /// The rule that decides a call.
    ///
    /// - Returns: `nil` where none does, and for calls of other ABIs than the native.
    func rule(deciding call: SeccompData) -> Rule? {
        guard call.architecture == Architecture.native.auditToken,
            let name = SystemCallNumbers.name(of: call.number, on: .native)
        else { return nil }
        return rules.first { rule in
            rule.calls.contains(name) && rule.conditions.allSatisfy { $0.holds(for: call.arguments) }
        }
    }

    /// What a call gets that no rule decides.
    private func actionWithoutRule(_ call: SeccompData) -> Action {
        // A filter sees the number without its sign: -1 is above every call, and on x86 in x32's half.
        let number = UInt32(bitPattern: call.number)
        let isX32 = Architecture.native == .x86_64 && number >= 0x4000_0000
        guard call.architecture == Architecture.native.auditToken, !isX32 else { return foreignArchitectureAction }
        guard let newerCallAction else { return defaultAction }
        return number > UInt32(bitPattern: newestNumber) ? newerCallAction : defaultAction
    }

    /// The highest number that a rule names.
    var newestNumber: Int32 {
        rules.flatMap(\.calls).compactMap { name -> Int32? in
            guard case .number(let number) = try? SystemCallNumbers.resolve(name) else { return nil }
            return number
        }.max() ?? 0
    }
}

extension SeccompProfile.Condition {
    func holds(for arguments: [UInt64]) -> Bool {
        let argument = arguments[self.argument]
        return switch comparison {
        case .equal: argument == value
        case .notEqual: argument != value
        case .less: argument < value
        case .lessOrEqual: argument <= value
        case .greater: argument > value
        case .greaterOrEqual: argument >= value
        case .maskedEqual(let mask): argument & mask == value
        }
    }
}
