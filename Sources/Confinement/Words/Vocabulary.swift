// SPDX-License-Identifier: Apache-2.0

/// The names of a parameter's values.
struct Vocabulary: Sendable {
    /// Bits that together hold one of `values`; the others are `flags`.
    let valueMask: UInt64
    let values: [(name: String, value: UInt64)]
    let flags: [(name: String, value: UInt64)]
    /// The kernel takes all 64 bits of the argument. Otherwise it drops the upper half.
    let isWide: Bool
    /// What has no name is a file's mode.
    let isMode: Bool

    /// One of some values.
    static func one(_ values: [(String, UInt64)], isWide: Bool = false) -> Vocabulary {
        Vocabulary(valueMask: .max, values: values, flags: [], isWide: isWide)
    }

    /// Any of some bits.
    static func bits(_ flags: [(String, UInt64)], isWide: Bool = false) -> Vocabulary {
        Vocabulary(valueMask: 0, values: [], flags: flags, isWide: isWide)
    }

    /// One of some values in some bits, and flags beside them.
    static func mixed(
        mask: UInt64, _ values: [(String, UInt64)], _ flags: [(String, UInt64)], isMode: Bool = false
    ) -> Vocabulary {
        Vocabulary(valueMask: mask, values: values, flags: flags, isMode: isMode)
    }

    /// The name of one value or flag; `nil` where it has none.
    func name(_ value: UInt64) -> String? {
        values.first { $0.value == value }?.name ?? flags.first { $0.value == value }?.name
    }

    private init(
        valueMask: UInt64, values: [(String, UInt64)], flags: [(String, UInt64)], isWide: Bool = false,
        isMode: Bool = false
    ) {
        self.valueMask = valueMask
        self.values = values.map { (name: $0.0, value: $0.1) }
        self.flags = flags.map { (name: $0.0, value: $0.1) }
        self.isWide = isWide
        self.isMode = isMode
    }

    /// A value in words: `O_WRONLY|O_CREAT`, and what has no name as a number.
    func words(_ argument: UInt64) -> String {
        var rest = isWide ? argument : argument & 0xffff_ffff
        // All bits are -1, which asks or fails, and are no flags.
        if rest == 0xffff_ffff { return Self.number(rest) }
        var parts: [String] = []
        if valueMask != 0 {
            let value = rest & valueMask
            rest &= ~valueMask
            if let known = values.first(where: { $0.value == value }) {
                parts.append(known.name)
            } else if value != 0 || flags.isEmpty {
                parts.append(Self.number(value))
            }
        }
        // Some flags contain others: what has more bits comes first.
        for flag in flags.sorted(by: { $0.value.nonzeroBitCount > $1.value.nonzeroBitCount })
        where flag.value != 0 && rest & flag.value == flag.value {
            parts.append(flag.name)
            rest &= ~flag.value
        }
        if rest != 0 { parts.append(isMode ? "0" + String(rest, radix: 8) : Self.number(rest)) }
        return parts.isEmpty ? "0" : parts.joined(separator: "|")
    }

    /// Small numbers as they are; others in hexadecimal.
    static func number(_ value: UInt64) -> String { value < 10 ? "\(value)" : "0x" + String(value, radix: 16) }
}
