// SPDX-License-Identifier: Apache-2.0

/// 64-bit FNV-1a: quick, the same on every machine, and no defence against an adversary. It names files and notices
/// accidents; where a collision would matter the content itself is compared.
///
/// - SeeAlso: draft-eastlake-fnv
struct ContentHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func combine(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash = ContentHash()
        hash.combine(bytes)
        return hash.value
    }

    /// Sixteen hexadecimal digits.
    static func digits(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}
