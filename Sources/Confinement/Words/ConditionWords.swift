// SPDX-License-Identifier: Apache-2.0

/// Alternatives of a call that do the same, told as one: `domain AF_INET or AF_INET6, type SOCK_STREAM or SOCK_DGRAM`.
struct ConditionWords {
    /// What may be true of one argument; any of the tests suffices.
    struct Choice: Hashable {
        var argument: Int
        var tests: [Test]
    }

    struct Test: Hashable {
        var comparison: SeccompProfile.Comparison
        var value: UInt64

        /// Whether tests like this one can be told as "A or B".
        var isEquality: Bool {
            switch comparison {
            case .equal, .maskedEqual: true
            case .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: false
            }
        }
    }

    struct Line: Hashable {
        var action: SeccompProfile.Action
        /// All hold.
        var choices: [Choice]
    }

    private let signature: SystemCallSignature?

    init(call: String) { signature = SystemCallSignature.named(call) }

    /// The call with its parameters, as the man page has it.
    static func heading(_ call: String) -> String {
        let parameters = SystemCallSignature.named(call)?.parameters.map(\.name) ?? []
        return "\(call)(\(parameters.joined(separator: ", ")))"
    }

    /// In order of precedence. Alternatives that follow each other, do the same and differ in one value are merged.
    static func lines(_ alternatives: [FilterAlternative]) -> [Line] {
        var lines: [Line] = []
        var seen: Set<[SeccompProfile.Condition]> = []
        for alternative in alternatives {
            let conditions = alternative.conditions.sorted { $0.argument < $1.argument }
            // What was said before decides already.
            guard seen.insert(conditions).inserted else { continue }
            let choices = conditions.map {
                Choice(argument: $0.argument, tests: [Test(comparison: $0.comparison, value: $0.value)])
            }
            lines.append(Line(action: alternative.action, choices: choices))
            // What was merged may fit what is before it in turn.
            while lines.count > 1, let merged = merge(lines[lines.count - 2], lines[lines.count - 1]) {
                lines.removeLast(2)
                lines.append(merged)
            }
        }
        return lines
    }

    private static func merge(_ first: Line, _ second: Line) -> Line? {
        guard first.action == second.action, first.choices.count == second.choices.count else { return nil }
        let different = first.choices.indices.filter { first.choices[$0] != second.choices[$0] }
        guard different.count == 1, let index = different.first else { return nil }
        let (left, right) = (first.choices[index], second.choices[index])
        guard left.argument == right.argument, (left.tests + right.tests).allSatisfy(\.isEquality) else { return nil }
        var merged = first
        merged.choices[index].tests += right.tests.filter { !left.tests.contains($0) }
        return merged
    }

    func words(_ line: Line) -> String {
        line.choices.map { words($0, of: line) }.joined(separator: "; ")
    }

    private func words(_ choice: Choice, of line: Line) -> String {
        let name = parameter(choice)?.name ?? "argument \(choice.argument + 1)"
        let vocabulary = vocabulary(choice, of: line)
        // What may stand beside any of the values is told once, at the end.
        let suffixes = Set(choice.tests.map { suffix($0, vocabulary) })
        let shared = suffixes.count == 1 ? suffixes.first ?? "" : ""
        let told = choice.tests.map { test in
            words(test, choice, vocabulary) + (suffixes.count == 1 ? "" : suffix(test, vocabulary))
        }
        return "\(name) \(Self.list(told))\(shared)"
    }

    private func words(_ test: Test, _ choice: Choice, _ vocabulary: Vocabulary?) -> String {
        let value = words(test.value, choice, vocabulary)
        switch test.comparison {
        case .equal: return value
        case .notEqual: return "other than \(value)"
        case .less: return "below \(value)"
        case .lessOrEqual: return "at most \(value)"
        case .greater: return "above \(value)"
        case .greaterOrEqual: return "at least \(value)"
        case .maskedEqual(let mask):
            if mask == 0xffff_ffff || !suffix(test, vocabulary).isEmpty { return value }
            return masked(test.value, mask, choice, vocabulary)
        }
    }

    /// Of a comparison that leaves out some flags only: those flags.
    private func suffix(_ test: Test, _ vocabulary: Vocabulary?) -> String {
        guard case .maskedEqual(let mask) = test.comparison, let vocabulary else { return "" }
        let ignored = ~mask & 0xffff_ffff
        let named = vocabulary.flags.reduce(0) { $0 | $1.value }
        guard ignored != 0, ignored.nonzeroBitCount <= 4, named & ignored == ignored else { return "" }
        return ", with or without \(bits(ignored, vocabulary).joined(separator: ", "))"
    }

    /// A comparison of some bits: `O_RDONLY, without O_CREAT, O_TRUNC`.
    private func masked(_ value: UInt64, _ mask: UInt64, _ choice: Choice, _ vocabulary: Vocabulary?) -> String {
        var isOctal = vocabulary?.isMode ?? false
        if case .octal = parameter(choice)?.kind { isOctal = true }
        func names(_ bits: UInt64) -> String {
            isOctal ? "0" + String(bits, radix: 8) : self.bits(bits, vocabulary).joined(separator: ", ")
        }
        var parts: [String] = []
        var base: UInt64 = 0
        if let vocabulary, vocabulary.valueMask != 0, mask & vocabulary.valueMask == vocabulary.valueMask {
            base = vocabulary.valueMask
            parts.append(vocabulary.words(value & base))
        }
        if value & ~base != 0 { parts.append("with \(names(value & ~base))") }
        if mask & ~value & ~base != 0 { parts.append("without \(names(mask & ~value & ~base))") }
        return parts.isEmpty ? "of any value" : parts.joined(separator: ", ")
    }

    /// Each bit by name; those without one together, as a number.
    private func bits(_ mask: UInt64, _ vocabulary: Vocabulary?) -> [String] {
        var names: [String] = []
        var rest = mask
        for flag in vocabulary?.flags ?? [] where flag.value.nonzeroBitCount == 1 && mask & flag.value != 0 {
            names.append(flag.name)
            rest &= ~flag.value
        }
        if rest != 0 { names.append("0x" + String(rest, radix: 16)) }
        return names
    }

    private func words(_ value: UInt64, _ choice: Choice, _ vocabulary: Vocabulary?) -> String {
        if let vocabulary { return vocabulary.words(value) }
        if case .octal = parameter(choice)?.kind { return "0" + String(value, radix: 8) }
        return Vocabulary.number(value)
    }

    private func parameter(_ choice: Choice) -> SystemCallSignature.Parameter? {
        guard let signature, choice.argument < signature.parameters.count else { return nil }
        return signature.parameters[choice.argument]
    }

    private func vocabulary(_ choice: Choice, of line: Line) -> Vocabulary? {
        guard case .named(let vocabulary) = parameter(choice)?.kind else { return nil }
        guard parameter(choice)?.name == "protocol" else { return vocabulary }
        guard let family = line.choices.first(where: { $0.argument == 0 }), family.tests.count == 1,
            family.tests[0].isEquality
        else { return nil }
        return Vocabulary.protocols(of: family.tests[0].value)
    }

    /// `A`, `A or B`, `A, B or C`.
    static func list(_ words: [String]) -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}
