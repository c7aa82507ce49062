// SPDX-License-Identifier: Apache-2.0

/// Everything that one of `--protect` and `--hide` means, built-in lists included.
public struct GuardRules: Sendable {
    public var patterns: [GuardPattern]
    public var markers: [GuardMarker]

    public init(_ patterns: [GuardPattern] = [], markers: [GuardMarker] = []) {
        self.patterns = patterns
        self.markers = markers
    }
}

/// One glob, as the walk over a workspace needs it. Paths are relative to the workspace, without a slash at either end.
public struct GuardPattern: Sendable {
    /// What the last name of every match is like: by that alone most names are passed over.
    public enum NameTest: Sendable, Hashable {
        case exact(String), prefix(String), suffix(String)
        case any
    }

    /// The path that is guarded also where nothing is: the pattern's own, where it has no wildcards.
    public var literalPath: String?
    public var lastName: NameTest
    /// Whether it means no directories.
    public var sparesDirectories = false
    /// Whether it matches exactly this path.
    public var matches: @Sendable (String) -> Bool
    /// Whether it could match anything below this directory.
    public var couldMatchBelow: @Sendable (String) -> Bool

    public init(
        literalPath: String? = nil, lastName: NameTest = .any,
        matches: @escaping @Sendable (String) -> Bool, couldMatchBelow: @escaping @Sendable (String) -> Bool
    ) {
        self.literalPath = literalPath
        self.lastName = lastName
        self.matches = matches
        self.couldMatchBelow = couldMatchBelow
    }

    /// A pattern without wildcards.
    public init(literal path: String) {
        self.init(
            literalPath: path, lastName: .exact(splitLast(path).name), matches: { PathBytes.areSame($0, path) },
            couldMatchBelow: { PathBytes.isBelow(path, $0) })
    }

    /// A name, in whatever directory.
    public init(anywhere name: String) {
        self.init(
            literalPath: name, lastName: .exact(name),
            matches: { PathBytes.endsIn($0, name) }, couldMatchBelow: { _ in true })
    }
}

/// A name beside which certain paths are guarded wherever it is, as literal patterns are: where .git is, .git/hooks.
public struct GuardMarker: Sendable {
    public var name: String
    /// Whether a path that ends in the name is meant.
    public var matches: @Sendable (String) -> Bool
    /// Relative to the directory that the name is in.
    public var paths: [String]

    public init(_ name: String, paths: [String], matches: @escaping @Sendable (String) -> Bool = { _ in true }) {
        self.name = name
        self.paths = paths
        self.matches = matches
    }
}

/// Many patterns at once.
struct GuardRuleSet: Sendable {
    private let patterns: [GuardPattern]
    private let markers: [GuardMarker]

    init(_ rules: GuardRules) {
        patterns = rules.patterns
        markers = rules.markers
    }

    func matches(_ path: String, isDirectory: Bool) -> Bool {
        patterns.contains { !(isDirectory && $0.sparesDirectories) && $0.matches(path) }
    }

    /// Markers may be anywhere.
    func couldMatchBelow(_ directory: String) -> Bool {
        !markers.isEmpty || patterns.contains { $0.couldMatchBelow(directory) }
    }

    /// Paths that a name stands for.
    func paths(markedBy name: String, in directory: String) -> [String] {
        markers.flatMap { marker in
            guard PathBytes.areSame(marker.name, name),
                marker.matches(directory.isEmpty ? name : directory + "/" + name)
            else {
                return [String]()
            }
            return marker.paths.map { directory.isEmpty ? $0 : directory + "/" + $0 }
        }
    }
}

/// Tells by its bytes whether a name could be the last one of a match: the one question that is asked of every name in a
/// workspace.
struct GuardNameIndex: Sendable {
    private var all = false
    private var exact = Table(), prefixes = Table(), suffixes = Table()

    /// Texts by their first or last byte.
    private struct Table: Sendable {
        var texts = [[[UInt8]]](repeating: [], count: 256)
        mutating func add(_ text: String, by byte: UInt8?) {
            guard let byte else { return }
            texts[Int(byte)].append(Array(text.utf8))
        }
    }

    init(_ rules: [GuardRules]) {
        for marker in rules.flatMap(\.markers) { exact.add(marker.name, by: marker.name.utf8.first) }
        for test in Set(rules.flatMap(\.patterns).map(\.lastName)) {
            switch test {
            case .exact(let name): exact.add(name, by: name.utf8.first)
            case .prefix(let text): text.isEmpty ? all = true : prefixes.add(text, by: text.utf8.first)
            case .suffix(let text): text.isEmpty ? all = true : suffixes.add(text, by: text.utf8.last)
            case .any: all = true
            }
        }
    }

    func contains(_ name: UnsafeRawBufferPointer) -> Bool {
        guard !all, let first = name.first, let last = name.last else { return all }
        return exact.texts[Int(first)].contains { $0.count == name.count && name.elementsEqual($0) }
            || prefixes.texts[Int(first)].contains { name.starts(with: $0) }
            || suffixes.texts[Int(last)].contains { $0.count <= name.count && name.suffix($0.count).elementsEqual($0) }
    }
}

/// The directories above a relative path, nearest to the top first: `a/b/c` gives `a`, `a/b`.
func ancestors(of path: String) -> [String] {
    var found: [String] = []
    for index in path.utf8.indices where path.utf8[index] == UInt8(ascii: "/") && index > path.startIndex {
        found.append(String(path[..<index]))
    }
    return found
}
