// SPDX-License-Identifier: Apache-2.0

/// One thing that may be done about a call, in order of precedence.
struct FilterAlternative: Hashable {
    var conditions: [SeccompProfile.Condition]
    var action: SeccompProfile.Action
}

extension FilterGraph {
    /// The code for a call's alternatives: the first whose conditions all hold decides.
    ///
    /// - Parameter fallback: what is done where none holds.
    mutating func decide(_ alternatives: [FilterAlternative], otherwise fallback: SeccompProfile.Action) -> ID {
        var next = Entry(fresh: answer(fallback.filterValue))
        for alternative in alternatives.reversed() {
            let comparisons = alternative.conditions.map(WordComparison.init).sorted { $0.argument < $1.argument }
            next = entry(comparisons, decided: answer(alternative.action.filterValue), otherwise: next)
        }
        return next.fresh
    }

    /// Where an alternative's code can be entered.
    private struct Entry {
        /// Whatever the accumulator holds.
        var fresh: ID
        /// With the word that it looks at first already loaded: alternatives in a row often look at one argument.
        var loaded: (word: UInt32, start: ID)?

        func start(holding word: UInt32?) -> ID {
            guard let loaded, loaded.word == word else { return fresh }
            return loaded.start
        }
    }

    /// All comparisons must hold. Written from the last one, as all code is.
    private mutating func entry(_ comparisons: [WordComparison], decided: ID, otherwise next: Entry) -> Entry {
        var entry = Entry(fresh: decided)
        for comparison in comparisons.reversed() {
            entry = self.entry(comparison, holds: entry, fails: next)
        }
        return entry
    }

    /// One comparison of 64 bits: of the upper word, and where that leaves it open, of the lower.
    private mutating func entry(_ comparison: WordComparison, holds: Entry, fails: Entry) -> Entry {
        let (yes, no) = comparison.isNegated ? (fails, holds) : (holds, fails)
        var result = yes
        if comparison.lower.mask != 0 || comparison.order != .equal {
            result = word(comparison.lower, comparison.order, yes: yes, no: no, open: nil)
        }
        if comparison.upper.mask != 0 {
            let open = result
            result = word(comparison.upper, comparison.order, yes: yes, no: no, open: open)
        }
        return result
    }

    /// One comparison of 32 bits.
    ///
    /// - Parameter open: where equal upper words lead; `nil` for the lower word, which decides.
    private mutating func word(
        _ word: WordComparison.Word, _ order: WordComparison.Order, yes: Entry, no: Entry, open: Entry?
    ) -> Entry {
        let value = word.value
        if order == .equal {
            let equal = open ?? yes
            if word.mask == .max {
                let test = test(
                    .jumpIfEqual, value, yes: equal.start(holding: word.offset), no: no.start(holding: word.offset))
                return loading(word.offset, then: test)
            }
            // One instruction in place of two, and the word stays as it is.
            if value == 0 {
                let test = test(
                    .jumpIfAnyBit, word.mask, yes: no.start(holding: word.offset),
                    no: equal.start(holding: word.offset))
                return loading(word.offset, then: test)
            }
            if value == word.mask, word.mask.nonzeroBitCount == 1 {
                let test = test(
                    .jumpIfAnyBit, word.mask, yes: equal.start(holding: word.offset),
                    no: no.start(holding: word.offset))
                return loading(word.offset, then: test)
            }
            let test = test(.jumpIfEqual, value, yes: equal.start(holding: nil), no: no.start(holding: nil))
            let masked = mask(word.mask, then: test)
            return loading(word.offset, then: masked)
        }
        let above = yes.start(holding: word.offset)
        let below = no.start(holding: word.offset)
        guard let open else {
            let operation: FilterOperation = order == .greater ? .jumpIfGreater : .jumpIfGreaterOrEqual
            let decided = test(operation, value, yes: above, no: below)
            return loading(word.offset, then: decided)
        }
        let equal = test(.jumpIfEqual, value, yes: open.start(holding: word.offset), no: below)
        let greater = test(.jumpIfGreater, value, yes: above, no: equal)
        return loading(word.offset, then: greater)
    }

    private mutating func loading(_ offset: UInt32, then start: ID) -> Entry {
        Entry(fresh: load(offset, then: start), loaded: (offset, start))
    }
}

/// A condition as BPF can test it: words of 32 bits, of a little-endian machine.
private struct WordComparison {
    enum Order { case equal, greater, greaterOrEqual }

    struct Word {
        var offset: UInt32
        var value: UInt32
        var mask: UInt32
    }

    var argument: Int
    var order: Order
    /// The opposite decides: "less" is no "greater or equal".
    var isNegated: Bool
    var lower: Word
    var upper: Word

    init(_ condition: SeccompProfile.Condition) {
        argument = condition.argument
        var mask = UInt64.max
        (order, isNegated) =
            switch condition.comparison {
            case .equal, .maskedEqual: (.equal, false)
            case .notEqual: (.equal, true)
            case .greater: (.greater, false)
            case .lessOrEqual: (.greater, true)
            case .greaterOrEqual: (.greaterOrEqual, false)
            case .less: (.greaterOrEqual, true)
            }
        if case .maskedEqual(let bits) = condition.comparison { mask = bits }
        let offset = UInt32(16 + 8 * condition.argument)
        func word(_ shift: UInt64) -> Word {
            Word(
                offset: offset + UInt32(shift / 8), value: UInt32(truncatingIfNeeded: condition.value >> shift),
                mask: UInt32(truncatingIfNeeded: mask >> shift))
        }
        lower = word(0)
        upper = word(32)
    }
}
