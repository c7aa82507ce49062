// SPDX-License-Identifier: Apache-2.0

/// A name or value within a message: on one line, and with nothing in it that a terminal would obey or that reorders what
/// stands around it. Line feeds and controls appear as `\u{a}`; what is left is text.
public func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isObeyed) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
        if isObeyed(scalar) {
            result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// Controls, and marks that hide or turn round what stands next to them.
private func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    default: false
    }
}
