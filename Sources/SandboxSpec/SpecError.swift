// SPDX-License-Identifier: Apache-2.0

/// Something asked for that cannot be: where it stands, what is wrong, and what to write instead.
public struct SpecError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The field's path, as `limits.memory` or `bind[2]`; empty for the document as a whole.
    public var path: String
    public var message: String
    public var hint: String?
    /// The place in a document: `job.yaml:3:11`.
    public var location: String?

    public init(_ message: String, path: String = "", hint: String? = nil, location: String? = nil) {
        self.path = path
        self.message = message
        self.hint = hint
        self.location = location
    }

    /// `job.yaml:3:11: limits.memory: "12 parsecs" is not a size; write 512MiB`
    public var description: String {
        [location.map(escapingControls), path.isEmpty ? nil : path, message].compactMap { $0 }.joined(separator: ": ")
            + (hint.map { "\nhint: \($0)" } ?? "")
    }

    /// The same error, one level further out.
    public func within(_ outer: String) -> SpecError {
        var error = self
        error.path = path.isEmpty ? outer : path.hasPrefix("[") ? outer + path : "\(outer).\(path)"
        return error
    }
}

/// The text with control and direction characters escaped: for terminals and logs.
func escapingControls(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        if scalar.isUnfitForTerminals {
            result += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
    return result
}

extension Unicode.Scalar {
    /// Control characters, and those that hide or reorder text.
    var isUnfitForTerminals: Bool {
        value < 0x20 || (0x7f..<0xa0).contains(value) || (0x200b...0x200f).contains(value)
            || (0x2028...0x202e).contains(value) || (0x2066...0x2069).contains(value)
    }
}

extension String {
    /// The text for a message: quoted, control characters escaped, and cut where it is very long.
    package var quoted: String {
        var result = "\""
        for scalar in unicodeScalars.prefix(120) {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default:
                if scalar.isUnfitForTerminals {
                    result += "\\u{\(String(scalar.value, radix: 16))}"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + (unicodeScalars.count > 120 ? "…\"" : "\"")
    }

    /// Whether every byte is one of these ASCII characters.
    func consists(of allowed: (UInt8) -> Bool) -> Bool { utf8.allSatisfy(allowed) }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a }

/// The names in a path: divided by the byte `/`, as the kernel divides them. `split` on a string would see "/" with a
/// combining mark after it as another character.
func pathComponents(_ text: String) -> [Substring] {
    text.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
}

/// A whole number in plain decimal digits: no sign, space, exponent, or digits of other scripts. `nil` otherwise, and on
/// overflow.
public func plainNumber(_ text: Substring) -> UInt64? {
    guard !text.isEmpty, text.utf8.allSatisfy(isDigit) else { return nil }
    return UInt64(text)
}
