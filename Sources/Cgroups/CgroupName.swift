// SPDX-License-Identifier: Apache-2.0

/// A name that a sandbox's cgroup can safely have: one path component, plain characters, never a control file's.
public struct CgroupName: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// - Throws: `.invalidName` unless the name is 1 to 128 of `A–Z a–z 0–9 _ - . : @`, beginning with a letter or digit,
    ///   and not with a controller's name and a dot, as control files do.
    public init(_ name: String) throws(CgroupError) {
        guard let reason = Self.objection(to: name) else {
            description = name
            return
        }
        throw CgroupError(.invalidName, Self.printable(name), reason: reason, hint: "use letters, digits, - and _")
    }

    private static func objection(to name: String) -> String? {
        guard let first = name.utf8.first else { return "the name is empty" }
        if name.utf8.count > 128 { return "\(name.utf8.count) bytes is longer than 128" }
        if !isAlphanumeric(first) { return "it must begin with a letter or digit" }
        let punctuation = Array("_-.:@".utf8)
        if !name.utf8.allSatisfy({ isAlphanumeric($0) || punctuation.contains($0) }) {
            return "it holds a character that is not allowed"
        }
        let reserved = ["cgroup"] + CgroupController.allCases.map(\.nameInV1) + ["io"]
        let isControlFile = reserved.contains { name.hasPrefix($0 + ".") } || name == "tasks"
        return isControlFile || name.hasPrefix("notify_on_release") ? "it is a control file's name" : nil
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }

    /// At most 64 characters, with control characters escaped: names come from anyone and go to a terminal.
    static func printable(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(64).map { $0.escaped(asASCII: true) }.joined()
        return "\"\(shown)\(text.unicodeScalars.count > 64 ? "…" : "")\""
    }
}
