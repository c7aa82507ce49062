// SPDX-License-Identifier: Apache-2.0

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

    /// A path that does not exist yet, in a directory that does: made, guarded, and removed after the run.
    public struct Placeholder: Sendable, Equatable {
        public var path: String
        public var isDirectory: Bool
        public var action: Action
        /// What is in it: nothing, unless an empty file would mean something to those that read it.
        public var contents = ""
    }

    /// One mount, in the order they must be made: what lies deeper comes later.
    public enum Step: Sendable, Equatable {
        case pin(Pin)
        case match(Match)
        case placeholder(Placeholder)

        public var path: String {
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
    /// Names that are there and were passed over, with all below them, because the sandbox shows something else there.
    public var covered: [String] = []

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
