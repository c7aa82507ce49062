// SPDX-License-Identifier: Apache-2.0

/// A set of CPUs or memory nodes as the kernel lists them: `0-3,5`. Kept sorted, with neighbouring ranges joined, so equal
/// sets are equal values.
struct NumberList: Sendable, Equatable, CustomStringConvertible {
    private(set) var ranges: [ClosedRange<UInt32>]

    /// Higher than any CPU or node number a kernel can be built for.
    private static let highest: UInt32 = 65535

    /// `nil` unless the text is a list of numbers and rising ranges, separated by commas. An empty text is the empty set;
    /// a newline at the end, as control files have it, is none of the text.
    init?(_ text: some StringProtocol) {
        let body = text.last == "\n" ? text.dropLast() : text[...]
        var found: [ClosedRange<UInt32>] = []
        if !body.isEmpty {
            for item in body.split(separator: ",", omittingEmptySubsequences: false) {
                let ends = item.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
                guard let first = UInt32(decimal: ends[0]), let last = UInt32(decimal: ends[ends.count - 1]),
                    first <= last, last <= Self.highest
                else { return nil }
                found.append(first...last)
            }
        }
        ranges = Self.joined(found)
    }

    private init(ranges: [ClosedRange<UInt32>]) { self.ranges = ranges }

    var isEmpty: Bool { ranges.isEmpty }

    var description: String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }

    /// What is in this set and not in the other.
    func subtracting(_ other: NumberList) -> NumberList {
        var rest = ranges
        for taken in other.ranges {
            rest = rest.flatMap { range -> [ClosedRange<UInt32>] in
                guard range.overlaps(taken) else { return [range] }
                var pieces: [ClosedRange<UInt32>] = []
                if range.lowerBound < taken.lowerBound { pieces.append(range.lowerBound...(taken.lowerBound - 1)) }
                if range.upperBound > taken.upperBound { pieces.append((taken.upperBound + 1)...range.upperBound) }
                return pieces
            }
        }
        return NumberList(ranges: rest)
    }

    private static func joined(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound + 1 {
                result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }
}

extension FixedWidthInteger {
    /// Digits alone: no sign, which the standard initializer takes and the kernel does not.
    init?(decimal text: some StringProtocol) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        self.init(text)
    }
}
