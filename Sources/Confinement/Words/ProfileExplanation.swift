// SPDX-License-Identifier: Apache-2.0

/// What a profile allows, in words for a person.
public struct ProfileExplanation: Hashable, Sendable {
    /// How many calls of this machine's own ABI there are, as far as this module knows.
    public private(set) var knownCalls = 0
    /// How many are allowed whatever their arguments.
    public private(set) var allowedCalls = 0
    /// How many are decided by their arguments.
    public private(set) var conditionalCalls = 0
    /// Instructions of the compiled filter.
    public let instructions: Int
    /// The whole explanation, in lines of at most 100 columns.
    public private(set) var text = ""

    private static let width = 100

    /// - Throws: what the compiler throws.
    public init(_ profile: SeccompProfile) throws(ConfinementError) {
        instructions = try SeccompCompiler.program(for: profile).count
        let decisions = try Self.decisions(profile)
        knownCalls = decisions.reduce(0) { $0 + $1.calls.count }
        for decision in decisions.flatMap(\.calls) {
            if decision.always == .allow { allowedCalls += 1 } else if decision.always == nil { conditionalCalls += 1 }
        }
        text = "\(allowedCalls) of \(knownCalls) system calls are allowed, \(conditionalCalls) more by their arguments"
        text += " (\(instructions) instructions).\n"
        describe(decisions)
        describeTheRest(profile)
    }

    private struct Decision {
        var name: String
        var alternatives: [FilterAlternative]
        var fallback: SeccompProfile.Action

        /// What is done whatever the arguments.
        var always: SeccompProfile.Action? {
            guard let first = alternatives.first else { return fallback }
            return first.conditions.isEmpty ? first.action : nil
        }
    }

    private static func decisions(
        _ profile: SeccompProfile
    ) throws(ConfinementError) -> [(title: String, calls: [Decision])] {
        let ranges = try CallTable(profile, .native).ranges
        return SystemCallGroup.all.map { group in
            let calls = group.signatures.compactMap { signature -> Decision? in
                guard case .number(let number) = try? SystemCallNumbers.resolve(signature.name),
                    let range = ranges.last(where: { $0.start <= UInt32(bitPattern: number) })
                else { return nil }
                return Decision(name: signature.name, alternatives: range.alternatives, fallback: range.fallback)
            }
            return (group.title, calls)
        }
    }

    private mutating func describe(_ decisions: [(title: String, calls: [Decision])]) {
        var actions: [SeccompProfile.Action] = [.allow, .log]
        for call in decisions.flatMap(\.calls) {
            if let action = call.always, !actions.contains(action) { actions.append(action) }
        }
        for action in actions {
            let groups = decisions.map { ($0.title, $0.calls.filter { $0.always == action }.map(\.name)) }
                .filter { !$0.1.isEmpty }
            if !groups.isEmpty {
                text += "\n\(action.heading):\n"
                for (title, names) in groups { list(title, names) }
            }
            if action == .allow { describeConditions(decisions.flatMap(\.calls)) }
        }
    }

    private mutating func describeConditions(_ decisions: [Decision]) {
        let conditional = decisions.filter { $0.always == nil }
        if !conditional.isEmpty { text += "\nBy their arguments:\n" }
        // Calls with the same conditions are told together: chmod and fchmod, open and openat.
        var outcomes: [String] = []
        var headings: [String: [String]] = [:]
        for decision in conditional {
            let outcome = Self.outcomes(decision)
            if headings[outcome] == nil { outcomes.append(outcome) }
            headings[outcome, default: []].append(ConditionWords.heading(decision.name))
        }
        for outcome in outcomes {
            for heading in headings[outcome] ?? [] { text += "  \(heading)\n" }
            text += outcome
        }
    }

    private static func outcomes(_ decision: Decision) -> String {
        let words = ConditionWords(call: decision.name)
        var text = ""
        func add(_ condition: String, _ action: SeccompProfile.Action) {
            let lines = wrapped("\(condition): \(action.inWords)", width: width - 8)
            text += "      " + lines.joined(separator: "\n        ") + "\n"
        }
        for line in ConditionWords.lines(decision.alternatives) {
            add(line.choices.isEmpty ? "otherwise" : words.words(line), line.action)
        }
        if decision.alternatives.last?.conditions.isEmpty != true { add("otherwise", decision.fallback) }
        return text
    }

    private mutating func list(_ title: String, _ names: [String]) {
        text += "  \(title)\n"
        for line in Self.wrapped(names.joined(separator: " "), width: Self.width - 6) { text += "      \(line)\n" }
    }

    private mutating func describeTheRest(_ profile: SeccompProfile) {
        text += "\n"
        let (rest, newer) = (profile.defaultAction, profile.newerCallAction ?? profile.defaultAction)
        if newer == rest {
            text += "Every other call, and those that newer kernels have: \(rest.inWords).\n"
        } else {
            text +=
                "Every other call: \(rest.inWords); those newer than any named here: \(newer.inWords).\n"
        }
        let others = OCIVocabulary.foreignABIs
        let open = others.filter(profile.architectures.contains).map(\.inWords)
        let closed = others.filter { !profile.architectures.contains($0) }.map(\.inWords)
        if !open.isEmpty { text += "Calls of \(open.joined(separator: " and ")): by the same rules.\n" }
        if !closed.isEmpty {
            text += "Calls of \(closed.joined(separator: " and ")): \(profile.foreignArchitectureAction.inWords).\n"
        }
        if profile.flags.contains(.log) { text += "Every call that is not allowed is noted in the kernel's log.\n" }
        if profile.flags.contains(.allowSpeculation) {
            text += "Without the guard against speculative store bypass.\n"
        }
    }

    /// Words filled into lines.
    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.utf8.count + 1 + word.utf8.count > width {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return lines + [line]
    }
}

extension SeccompProfile.Action {
    /// What a caller gets, after a colon.
    fileprivate var inWords: String {
        switch self {
        case .allow: "allowed"
        case .errno(let number) where number.rawValue == 0: "returns 0, as if it were done"
        case .errno(.noSystemCall): "ENOSYS, as on a kernel without it"
        case .errno(let number): number.name
        case .killProcess: "kills the process"
        case .killThread: "kills the thread"
        case .trap: "SIGSYS"
        case .log: "allowed, and noted in the kernel's log"
        }
    }

    fileprivate var heading: String {
        switch self {
        case .allow: "Allowed"
        case .errno(let number) where number.rawValue == 0: "Not done, and returns 0"
        case .errno(let number): "Refused with \(number.name)"
        case .killProcess: "Kills the process"
        case .killThread: "Kills the thread"
        case .trap: "Refused with SIGSYS"
        case .log: "Allowed, and noted in the kernel's log"
        }
    }
}

extension SeccompProfile.Architecture {
    fileprivate var inWords: String {
        switch self {
        case .x86_64: "x86_64"
        case .x86: "32-bit x86"
        case .x32: "x32"
        case .aarch64: "aarch64"
        case .arm: "32-bit ARM"
        }
    }
}
