// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Finds what `--protect` and `--hide` mean in a workspace as it is now.
///
/// The walk goes by descriptor, follows no symlink, and visits only directories in which a pattern could match. What it
/// cannot promise: a file that appears later under a pattern with wildcards, a second hard link made before the start under
/// a name that no pattern matches, and a pattern without wildcards whose parent directory does not exist yet.
public struct WorkspaceGuards {
    /// Where a walk gives up, as an error: a plan that covers half a workspace is none.
    public struct Bounds: Sendable {
        public var entries = 2_000_000
        /// Each level holds a descriptor open.
        public var depth = 128
        /// Matches, placeholders and pins: each is a mount.
        public var mounts = 4096
        public init() {}
    }

    /// Makes the plan.
    ///
    /// - Parameters:
    ///   - workspace: the open directory; path-only is enough.
    ///   - name: how messages call it.
    ///   - covered: paths that the sandbox shows something else on: neither they nor what is below them is guarded.
    /// - Throws: `.exhausted` where a bound is reached, `.changed` where a directory was replaced meanwhile, `.malformed`
    ///   where a match's name is not UTF-8, `.system`.
    public static func plan(
        workspace: borrowing Descriptor, name: String = "workspace", protect: GuardRules, hide: GuardRules,
        covered: Set<String> = [], bounds: Bounds = Bounds()
    ) throws(StorageError) -> GuardPlan {
        let number = workspace.rawValue
        let top = try reporting("open", name) { () throws(SystemError) in
            try open(".", [.directory], at: .descriptor(number))
        }
        var walk = GuardWalk(name, protect: protect, hide: hide, covered: covered, bounds: bounds)
        try walk.run(top)
        var guards = WorkspaceGuards(name: name, bounds: bounds, covered: covered, walk)
        try guards.followLinks(workspace)
        // Hiding first: where both name a path, it wins.
        try guards.addLiterals(hide.patterns.compactMap(\.literalPath) + walk.hiddenPaths, .hide, workspace)
        try guards.addLiterals(protect.patterns.compactMap(\.literalPath) + walk.protectedPaths, .protect, workspace)
        try guards.addPins()
        return guards.plan
    }

    private let name: String
    private let bounds: Bounds
    private let covered: Set<PathKey>
    private var plan = GuardPlan()
    /// What is done to each path in the plan.
    private var guarded: [PathKey: GuardPlan.Action] = [:]

    private init(name: String, bounds: Bounds, covered: Set<String>, _ walk: GuardWalk) {
        self.name = name
        self.covered = Set(paths: covered)
        self.bounds = bounds
        plan.matches = walk.matches
        plan.unreadable = walk.unreadable
        plan.covered = walk.passedOver
        for match in walk.matches { guarded[match.path] = match.action }
    }

    // MARK: - Symlinks and paths that do not exist

    /// Guards what matching symlinks lead to, where that lies in the workspace.
    private mutating func followLinks(_ workspace: borrowing Descriptor) throws(StorageError) {
        for match in plan.matches where match.kind == .symlink {
            guard let target = try resolve(match.path, workspace), !isUnder(target.path) else { continue }
            try addResolved(target, match.action)
        }
    }

    /// Looks up the paths without wildcards that the walk did not meet: through symlinked directories, or absent.
    private mutating func addLiterals(
        _ literals: [String], _ action: GuardPlan.Action, _ workspace: borrowing Descriptor
    ) throws(StorageError) {
        for path in literals where guarded[path] == nil && !isCovered(path, by: action) {
            if ancestors(of: path).contains(where: isUnreadable) || isUnder(path) { continue }
            if let found = try resolve(path, workspace) {
                if isUnder(found.path) { continue }
                try addLinkPins(on: path, workspace)
                try addResolved(found, action)
            } else {
                try addPlaceholder(path, action, workspace)
            }
        }
    }

    /// The path below the workspace at which a path, symlinks followed, really is; `nil` where nothing is there or it leads
    /// out.
    private func resolve(
        _ path: String, _ workspace: borrowing Descriptor
    ) throws(StorageError) -> (path: String, kind: GuardPlan.Kind)? {
        let number = workspace.rawValue
        return try reporting("resolve", name + "/" + path) { () throws(SystemError) in
            do throws(SystemError) {
                let found = try open(
                    path, [.pathOnly], at: .descriptor(number), resolving: [.beneath, .noMagicLinks])
                let kind = GuardPlan.Kind(try status(of: found).kind)
                let top = try readSymlink("/proc/self/fd/\(number)")
                let full = try readSymlink("/proc/self/fd/\(found.rawValue)")
                let prefix = top == "/" ? "/" : top + "/"
                guard full.utf8.starts(with: prefix.utf8) else { return nil }
                return (String(Substring(full.utf8.dropFirst(prefix.utf8.count))), kind)
            } catch
                where [.noEntry, .notDirectory, .crossDevice, .tooManyLinks, .permissionDenied].contains(error.errno)
            {
                return nil
            } catch {
                throw error
            }
        }
    }

    /// Pins the symlinks on the way of a literal path, so that they keep leading where they lead now.
    private mutating func addLinkPins(on path: String, _ workspace: borrowing Descriptor) throws(StorageError) {
        for ancestor in ancestors(of: path) {
            guard let parent = try openParent(of: ancestor, workspace) else { return }
            let last = splitLast(ancestor).name
            let kind = try reporting("look at", name + "/" + ancestor) { () throws(SystemError) in
                try status(of: ByteName(last), in: parent)?.kind
            }
            if kind == .symlink, !plan.pins.contains(where: { PathBytes.areSame($0.path, ancestor) }) {
                plan.pins.append(GuardPlan.Pin(path: ancestor, kind: .symlink))
            }
        }
    }

    private mutating func addPlaceholder(
        _ path: String, _ action: GuardPlan.Action, _ workspace: borrowing Descriptor
    ) throws(StorageError) {
        let (parentPath, last) = splitLast(path)
        var place = path
        if parentPath != "." {
            guard let parent = try resolve(parentPath, workspace), parent.kind == .directory else { return }
            place = parent.path + "/" + last
            if isUnder(place) { return }
            if place != path { try addLinkPins(on: path, workspace) }
        }
        guard guarded[place] == nil, !isCovered(place, by: .protect), let parent = try openParent(of: place, workspace)
        else { return }
        let isAbsent = try reporting("look at", name + "/" + place) { () throws(SystemError) in
            try status(of: ByteName(last), in: parent) == nil
        }
        guard isAbsent else { return }
        plan.placeholders.append(
            GuardPlan.Placeholder(
                path: place, isDirectory: Self.isDirectoryName(path), action: action, contents: Self.contents(path)))
        guarded[place] = action
        try checkMounts()
    }

    /// The directory above a path, without following a symlink; `nil` where there is none.
    private func openParent(
        of path: String, _ workspace: borrowing Descriptor
    ) throws(StorageError) -> Descriptor? {
        let number = workspace.rawValue
        return try reporting("open parent of", name + "/" + path) { () throws(SystemError) in
            try openBeneath(splitLast(path).parent, [.directory, .pathOnly], number)
        }
    }

    // MARK: - The plan

    private mutating func add(_ match: GuardPlan.Match) throws(StorageError) {
        plan.matches.append(match)
        guarded[match.path] = match.action
        try checkMounts()
    }

    private mutating func addResolved(
        _ found: (path: String, kind: GuardPlan.Kind), _ action: GuardPlan.Action
    ) throws(StorageError) {
        if let existing = guarded[found.path] {
            guard existing == .protect, action == .hide else { return }
            plan.matches.removeAll { PathBytes.areSame($0.path, found.path) }
        } else if isCovered(found.path, by: action) {
            return
        }
        try add(GuardPlan.Match(path: found.path, kind: found.kind, action: action))
    }

    /// Whether the sandbox shows something else there.
    private func isUnder(_ path: String) -> Bool {
        covered.contains(path) || ancestors(of: path).contains { covered.contains($0) }
    }

    private func isUnreadable(_ path: String) -> Bool {
        plan.unreadable.contains { PathBytes.areSame($0, path) }
    }

    /// Whether a directory above is guarded at least as strictly.
    private func isCovered(_ path: String, by action: GuardPlan.Action) -> Bool {
        ancestors(of: path).contains { guarded[$0].map { $0 == .hide || action == .protect } ?? false }
    }

    /// Every directory between the workspace and a guarded path, as far as the first that is guarded itself.
    private mutating func addPins() throws(StorageError) {
        var pinned = Set<PathKey>(paths: plan.pins.map(\.path))
        let linked = plan.pins.map(\.path)
        for path in plan.matches.map(\.path) + plan.placeholders.map(\.path) + linked {
            for ancestor in ancestors(of: path) {
                if guarded[ancestor] != nil { break }
                if pinned.insert(ancestor) {
                    plan.pins.append(GuardPlan.Pin(path: ancestor, kind: .directory))
                }
            }
        }
        try checkMounts()
    }

    private func checkMounts() throws(StorageError) {
        if plan.matches.count + plan.placeholders.count + plan.pins.count > bounds.mounts {
            throw tooMuch("needs more than \(bounds.mounts) mounts for its protected and hidden files")
        }
    }

    private func tooMuch(_ cause: String) -> StorageError { Self.tooMuch(name, cause) }

    static func tooMuch(_ name: String, _ cause: String) -> StorageError {
        StorageError(
            .exhausted, "guard", name, "it " + cause,
            hint: "narrow the patterns of --protect and --hide, or turn the built-in ones off")
    }

    /// What a placeholder holds. Git takes an empty commondir for damage; the directory itself is what none means, and
    /// what one in its place would let an agent change: whose config and hooks count. gitrepository-layout(5)
    static func contents(_ path: String) -> String { splitLast(path).name == "commondir" ? ".\n" : "" }

    /// Whether an absent path is to be a directory, as the programs that use it expect.
    static func isDirectoryName(_ path: String) -> Bool {
        let directories = [
            ".git", ".git/hooks", ".vscode", ".idea", ".ssh", ".gnupg", ".aws", ".kube", ".docker", ".husky", ".cursor",
            ".claude", ".claude/commands", ".claude/agents", ".claude/hooks", ".claude/skills", ".github/workflows",
            ".devcontainer",
        ]
        return directories.contains { PathBytes.endsIn(path, $0) }
    }
}

extension GuardPlan.Kind {
    init(_ kind: FileKind) {
        self =
            switch kind {
            case .directory: .directory
            case .regular: .file
            case .symlink: .symlink
            default: .other
            }
    }
}

/// Opens a path beneath a directory, refusing symlinks; `nil` where nothing of that sort is there.
func openBeneath(_ path: String, _ flags: OpenFlags, _ directory: Int32) throws(SystemError) -> Descriptor? {
    do throws(SystemError) {
        return try open(
            path, flags.union(.noFollow), at: .descriptor(directory),
            resolving: [.beneath, .noSymlinks, .noMagicLinks])
    } catch where [.noEntry, .notDirectory, .tooManyLinks].contains(error.errno) {
        return nil
    } catch {
        throw error
    }
}
