// SPDX-License-Identifier: Apache-2.0

/// One glob of `--protect` or `--hide`, as the walk over a workspace needs it. Paths are relative to the workspace, without
/// a slash at either end.
public struct GuardPattern: Sendable {
    /// The path it names, where it is one without wildcards.
    public var literalPath: String?
    /// Whether it matches exactly this path.
    public var matches: @Sendable (String) -> Bool
    /// Whether it could match anything below this directory.
    public var couldMatchBelow: @Sendable (String) -> Bool

    public init(
        literalPath: String?, matches: @escaping @Sendable (String) -> Bool,
        couldMatchBelow: @escaping @Sendable (String) -> Bool
    ) {
        self.literalPath = literalPath
        self.matches = matches
        self.couldMatchBelow = couldMatchBelow
    }

    /// A pattern without wildcards.
    public init(literal path: String) {
        self.init(literalPath: path, matches: { $0 == path }, couldMatchBelow: { path.hasPrefix($0 + "/") })
    }
}

/// What is to be mounted over a workspace so that protected files cannot change and hidden files cannot be read.
public struct GuardPlan: Sendable, Equatable {
    /// What is done to a path.
    public enum Action: Sendable, Equatable {
        /// Readable, not writable.
        case protect
        /// Not readable, and not writable either.
        case hide
    }

    public enum Kind: Sendable, Equatable {
        case directory
        case file
        case symlink
        /// A fifo, socket or device.
        case other
    }

    /// A path that exists and is to be guarded.
    ///
    /// A symlink can be guarded itself: a mount on its own inode (`move_mount` onto a path-only descriptor opened with
    /// `O_NOFOLLOW`) keeps it from being removed or renamed. What it leads to, when that is in the workspace, is a match of
    /// its own.
    public struct Match: Sendable, Equatable {
        public var path: String
        public var kind: Kind
        public var action: Action
    }

    /// A path without symlinks on the way to a match. Bound over itself, it cannot be renamed away.
    public struct Pin: Sendable, Equatable {
        public var path: String
        /// `.directory`, or `.symlink` where a literal pattern leads through one.
        public var kind: Kind
    }

    /// A path that does not exist yet, in a directory that does: made empty, guarded, and removed after the run.
    public struct Placeholder: Sendable, Equatable {
        public var path: String
        public var isDirectory: Bool
        public var action: Action
    }

    /// One mount, in the order they must be made: what lies deeper comes later.
    public enum Step: Sendable, Equatable {
        case pin(Pin)
        case match(Match)
        case placeholder(Placeholder)

        var path: String {
            switch self {
            case .pin(let pin): pin.path
            case .match(let match): match.path
            case .placeholder(let placeholder): placeholder.path
            }
        }
    }

    public var matches: [Match] = []
    public var pins: [Pin] = []
    public var placeholders: [Placeholder] = []
    /// Directories that the caller may not read and does not own, so that nothing could be looked for inside.
    public var unreadable: [String] = []

    /// Everything to mount, a directory before what is in it.
    public var steps: [Step] {
        var all: [Step] = pins.map { .pin($0) }
        for match in matches { all.append(.match(match)) }
        for placeholder in placeholders { all.append(.placeholder(placeholder)) }
        return all.sorted { first, second in
            let (firstDepth, secondDepth) = (ancestors(of: first.path).count, ancestors(of: second.path).count)
            return firstDepth == secondDepth ? first.path < second.path : firstDepth < secondDepth
        }
    }
}

/// Many patterns at once. Those without wildcards, most of them, cost one look into a set.
struct GuardPatternSet: Sendable {
    let literals: [String]
    private let paths: Set<String>
    private let parents: Set<String>
    private let globs: [GuardPattern]

    init(_ patterns: [GuardPattern]) {
        literals = patterns.compactMap(\.literalPath)
        paths = Set(literals)
        parents = Set(literals.flatMap { ancestors(of: $0) })
        globs = patterns.filter { $0.literalPath == nil }
    }

    func matches(_ path: String) -> Bool {
        paths.contains(path) || globs.contains { $0.matches(path) }
    }

    func couldMatchBelow(_ directory: String) -> Bool {
        parents.contains(directory) || globs.contains { $0.couldMatchBelow(directory) }
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
