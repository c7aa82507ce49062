// SPDX-License-Identifier: Apache-2.0

/// What a profile says about the calls of one ABI, by number.
struct CallTable: Hashable {
    /// Numbers from `start` up to the next range are decided alike.
    struct Range: Hashable {
        var start: UInt32
        var alternatives: [FilterAlternative]
        var fallback: SeccompProfile.Action

        func decidesLike(_ other: Range) -> Bool {
            alternatives == other.alternatives && fallback == other.fallback
        }
    }

    /// Ascending, from 0 on; neighbours differ.
    let ranges: [Range]

    /// - Throws: `.unknownSystemCall`.
    init(_ profile: SeccompProfile, _ architecture: SeccompProfile.Architecture) throws(ConfinementError) {
        var calls: [UInt32: [FilterAlternative]] = [:]
        var newest: UInt32 = 0
        for rule in profile.rules {
            for name in rule.calls {
                for target in try SystemCallNumbers.targets(of: name, on: architecture) {
                    let number = UInt32(bitPattern: target.number)
                    if target.multiplexed == nil { newest = max(newest, number) }
                    guard let alternative = Self.alternative(rule, target) else { continue }
                    // What comes after an unconditional rule never matches.
                    if calls[number]?.last?.conditions.isEmpty == true { continue }
                    calls[number, default: []].append(alternative)
                }
            }
        }
        ranges = Self.ranges(calls, newest: newest, profile)
    }

    /// A rule for one number, or `nil` where it cannot speak for it.
    private static func alternative(
        _ rule: SeccompProfile.Rule, _ target: SystemCallNumbers.Target
    ) -> FilterAlternative? {
        guard let multiplexed = target.multiplexed else {
            return FilterAlternative(conditions: rule.conditions, action: rule.action)
        }
        // The call's own arguments lie in memory, where a filter cannot see them. What is refused under a condition is
        // refused without it; what is allowed under one is not.
        if !rule.conditions.isEmpty, rule.action == .allow || rule.action == .log { return nil }
        return FilterAlternative(conditions: [multiplexed], action: rule.action)
    }

    private static func ranges(
        _ calls: [UInt32: [FilterAlternative]], newest: UInt32, _ profile: SeccompProfile
    ) -> [Range] {
        var ranges: [Range] = []
        func append(_ start: UInt32, _ alternatives: [FilterAlternative], _ fallback: SeccompProfile.Action) {
            let range = Range(start: start, alternatives: alternatives, fallback: fallback)
            if let last = ranges.last {
                if last.start == start { ranges.removeLast() }
                if let last = ranges.last, last.alternatives == alternatives, last.fallback == fallback { return }
            }
            ranges.append(range)
        }
        append(0, [], profile.defaultAction)
        for number in calls.keys.sorted() {
            append(number, Self.simplified(calls[number] ?? [], profile.defaultAction), profile.defaultAction)
            append(number + 1, [], profile.defaultAction)
        }
        if let newer = profile.newerCallAction { append(newest + 1, [], newer) }
        return ranges
    }

    /// Without the last ones that say what the fallback says.
    private static func simplified(
        _ alternatives: [FilterAlternative], _ fallback: SeccompProfile.Action
    ) -> [FilterAlternative] {
        var result = alternatives
        while let last = result.last, last.action == fallback { result.removeLast() }
        return result
    }
}
