// SPDX-License-Identifier: Apache-2.0

/// Why a confinement cannot be built as asked: which rule of which kind, about what, and the cure where it is known.
public struct ConfinementError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong. Callers switch on this, never on the text.
    public enum Code: String, Hashable, Sendable {
        /// The name is no system call on any architecture that libseccomp or this module knows.
        case unknownSystemCall = "unknown system call"
        /// The name is no capability of Linux.
        case unknownCapability = "unknown capability"
        /// A profile's file that cannot be read.
        case unreadableProfile = "read seccomp profile"
        /// A document that is no profile, or asks for what a sandbox cannot have; the subject has place and path.
        case invalidProfile = "invalid seccomp profile"
        /// A rule names no call, an argument past the sixth, or compares one argument twice.
        case invalidRule = "invalid seccomp rule"
        /// The compiled filter has more instructions than the kernel takes (4096).
        case filterTooLarge = "seccomp filter too large"
        /// Bytes that are no filter the kernel would take, or none that can be supervised.
        case malformedFilter = "malformed seccomp filter"
    }

    public var code: Code
    /// The name, rule or step this is about.
    public var subject: String
    /// What to do about it, where that is known.
    public var hint: String?

    public init(_ code: Code, subject: String, hint: String? = nil) {
        self.code = code
        self.subject = subject
        self.hint = hint
    }

    public var description: String {
        var text = "\(code.rawValue): \(printable(subject))"
        if let hint { text += "\nhint: \(hint)" }
        return text
    }
}

/// The text with every character outside printable ASCII escaped, so that a hostile name cannot drive a terminal
/// or pass for another line of a canonical text.
func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        if scalar.value >= 0x20, scalar.value < 0x7f, scalar != "\\" {
            result.unicodeScalars.append(scalar)
        } else {
            result += "\\u{\(String(scalar.value, radix: 16))}"
        }
    }
    return result
}
