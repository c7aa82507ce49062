// SPDX-License-Identifier: Apache-2.0

/// Paths compared as the kernel compares them, byte by byte. Swift's strings compare characters, where a slash after
/// U+0600 is part of another character and no slash, and where two spellings of é are one name.
package enum PathBytes {
    package static func areSame(_ path: String, _ other: String) -> Bool { path.utf8.elementsEqual(other.utf8) }

    /// Whether a path is something in a directory, or deeper.
    package static func isBelow(_ path: String, _ directory: String) -> Bool {
        path.utf8.starts(with: directory.utf8) && path.utf8.dropFirst(directory.utf8.count).first == UInt8(ascii: "/")
    }

    /// Whether a path is this one, or ends in it after a slash.
    package static func endsIn(_ path: String, _ tail: String) -> Bool {
        let (bytes, end) = (path.utf8, tail.utf8)
        guard bytes.count >= end.count, bytes.suffix(end.count).elementsEqual(end) else { return false }
        return bytes.count == end.count || bytes.dropLast(end.count).last == UInt8(ascii: "/")
    }

    /// The names in a path, without empty ones.
    package static func names(_ path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
    }
}

/// A path as a key: equal to another only where every byte is. As strings, the names of two files can be equal.
struct PathKey: Hashable, Sendable {
    let path: String

    init(_ path: String) { self.path = path }

    static func == (a: Self, b: Self) -> Bool { PathBytes.areSame(a.path, b.path) }

    func hash(into hasher: inout Hasher) {
        for byte in path.utf8 { hasher.combine(byte) }
    }
}

extension Set<PathKey> {
    init(paths: some Sequence<String>) { self.init(paths.map { PathKey($0) }) }

    func contains(_ path: String) -> Bool { contains(PathKey(path)) }

    mutating func insert(_ path: String) -> Bool { insert(PathKey(path)).inserted }
}

extension [PathKey: GuardPlan.Action] {
    subscript(path: String) -> GuardPlan.Action? {
        get { self[PathKey(path)] }
        set { self[PathKey(path)] = newValue }
    }
}
