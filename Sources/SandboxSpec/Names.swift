// SPDX-License-Identifier: Apache-2.0

/// A sandbox's name: letters, digits, `_`, `.` and `-`, beginning with a letter or digit, at most 63 characters.
public struct SandboxName: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    public init(_ text: String) throws(SpecError) {
        let bytes = text.utf8
        guard let first = bytes.first, isLetter(first) || isDigit(first), bytes.count <= 63, !text.contains(".."),
            text.consists(of: { isLetter($0) || isDigit($0) || $0 == 0x5f || $0 == 0x2e || $0 == 0x2d })
        else {
            throw SpecError(
                "\(text.quoted) is not a name; write letters, digits, '_', '.' and '-', at most 63, beginning with a "
                    + "letter or digit")
        }
        self.text = text
    }

    public var description: String { text }
}

/// A host name: labels of letters, digits and `-`, at most 63 characters in all. RFC 1123, section 2.1; sethostname(2)
public struct SandboxHostname: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    public init(_ text: String) throws(SpecError) {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        let valid = labels.allSatisfy { label in
            !label.isEmpty && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == 0x2d }
        }
        guard valid, text.utf8.count <= 63 else {
            throw SpecError(
                "\(text.quoted) is not a host name; write letters, digits and '-', in labels divided by '.', at most 63"
            )
        }
        self.text = text
    }

    public var description: String { text }
}

/// An absolute path inside the sandbox, in its shortest form.
public struct SandboxPath: Sendable, Hashable, CustomStringConvertible {
    public let text: String

    public init(_ text: String) throws(SpecError) {
        guard text.hasPrefix("/") else {
            throw SpecError(
                "\(text.quoted) is not an absolute path in the sandbox; write \("/\(text.prefix(40))".quoted)")
        }
        guard text.utf8.count < 4096 else { throw SpecError("a path of \(text.utf8.count) bytes is longer than 4095") }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
            throw SpecError("\(text.quoted) holds control characters, which no path here may")
        }
        let components = pathComponents(text).filter { $0 != "." }
        guard !components.contains("..") else {
            throw SpecError("\(text.quoted) holds '..'; write the path that is meant")
        }
        guard components.allSatisfy({ $0.utf8.count <= 255 }) else {
            throw SpecError("\(text.quoted) holds a name longer than 255 bytes")
        }
        self.text = "/" + components.joined(separator: "/")
    }

    public var description: String { text }
}

/// Who the agent is inside: numbers, or names looked up in the sandbox's own /etc/passwd and /etc/group.
public struct UserReference: Sendable, Hashable, CustomStringConvertible {
    public enum Identifier: Sendable, Hashable {
        case number(UInt32)
        case name(String)
    }
    public let user: Identifier
    public let group: Identifier?

    public init(user: Identifier, group: Identifier? = nil) {
        self.user = user
        self.group = group
    }

    /// Reads `USER` or `USER:GROUP`. What looks like a number is one, or an error: never a name, never 0 by accident.
    public init(_ text: String) throws(SpecError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw SpecError("\(text.quoted) is not a user; write UID, UID:GID, or names") }
        user = try Self.identifier(parts[0], whole: text)
        group = parts.count == 2 ? try Self.identifier(parts[1], whole: text) : nil
    }

    private static func identifier(_ part: Substring, whole: String) throws(SpecError) -> Identifier {
        if let number = plainNumber(part) {
            guard number <= 65535 else {
                throw SpecError("\(whole.quoted): the ids of a sandbox end at 65535; write one from 0 to 65535")
            }
            return .number(UInt32(number))
        }
        // As useradd(8): a letter or '_' first; so neither "+5", "0x10", "1e3" nor " 1" is a name.
        guard let first = part.utf8.first, isLetter(first) || first == 0x5f, part.utf8.count <= 32,
            part.utf8.allSatisfy({ isLetter($0) || isDigit($0) || $0 == 0x5f || $0 == 0x2d || $0 == 0x2e })
        else { throw SpecError("\(whole.quoted) is not a user; write UID, UID:GID, or names") }
        return .name(String(part))
    }

    public var description: String {
        func text(_ identifier: Identifier) -> String {
            switch identifier {
            case .number(let number): "\(number)"
            case .name(let name): name
            }
        }
        return text(user) + (group.map { ":" + text($0) } ?? "")
    }
}
