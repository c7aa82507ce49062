// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

/// What tells a sandbox from every other of its user: 16 hexadecimal digits, chosen at random.
public struct SandboxID: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    /// What lists show, and the name of a sandbox that was given none: the first 12 digits.
    public var short: String { String(text.prefix(12)) }

    /// Reads an id; `nil` for anything but 16 lower-case hexadecimal digits.
    public init?(_ text: String) {
        guard text.utf8.count == 16, text.utf8.allSatisfy(Self.isDigit) else { return nil }
        self.text = text
    }

    /// A new one. getrandom(2)
    static func random() throws(SystemError) -> SandboxID {
        let digits = String(try randomNumber(), radix: 16)
        guard let id = SandboxID(String(repeating: "0", count: 16 - digits.utf8.count) + digits) else {
            preconditionFailure("64 bits are 16 hexadecimal digits")
        }
        return id
    }

    /// Whether a text could be the beginning of one.
    static func isPrefix(_ text: String) -> Bool {
        (1...16).contains(text.utf8.count) && text.utf8.allSatisfy(isDigit)
    }

    /// Whether a name would be taken for an id, or for what lists show of one.
    static func isMistakable(_ name: SandboxName) -> Bool {
        name.text.utf8.count >= 12 && isPrefix(name.text)
    }

    public var description: String { text }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
