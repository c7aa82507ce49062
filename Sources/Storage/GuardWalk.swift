// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Looks through a workspace for what guards mean: by descriptor, following no symlink, into every directory in which
/// something could match.
///
/// With the built-in lists that is all of them, in every run, so a name that cannot match costs a comparison of bytes and a
/// directory four system calls.
struct GuardWalk {
    private let name: String
    private let protect: GuardRuleSet
    private let hide: GuardRuleSet
    private let names: GuardNameIndex
    private let bounds: WorkspaceGuards.Bounds
    private let covered: Set<PathKey>
    private(set) var matches: [GuardPlan.Match] = []
    /// Directories that the caller may not read and does not own.
    private(set) var unreadable: [String] = []
    /// Covered names that were met.
    private(set) var passedOver: [String] = []
    /// What markers stand for.
    private(set) var protectedPaths: [String] = []
    private(set) var hiddenPaths: [String] = []
    private var visited = 0

    init(
        _ name: String, protect: GuardRules, hide: GuardRules, covered: Set<String>, bounds: WorkspaceGuards.Bounds
    ) {
        self.covered = Set(paths: covered)
        self.name = name
        self.protect = GuardRuleSet(protect)
        self.hide = GuardRuleSet(hide)
        names = GuardNameIndex([protect, hide])
        self.bounds = bounds
    }

    mutating func run(_ top: borrowing Descriptor) throws(StorageError) {
        try visit(top, Place(path: "", depth: 0, isProtected: false, isNamed: true))
    }

    private struct Place {
        var path: String
        var depth: Int
        /// Whether a directory above is write-protected, so that only hiding is left to find.
        var isProtected: Bool
        /// Whether every name so far is UTF-8, so that the path can be written in a plan.
        var isNamed: Bool
    }

    private mutating func visit(_ directory: borrowing Descriptor, _ place: Place) throws(StorageError) {
        var candidates: [ByteDirectoryEntry] = []
        var directories: [ByteName] = []
        var count = 0
        let names = names
        try reporting("list", name + "/" + place.path) { () throws(SystemError) in
            try forEachName(in: directory) { name, kind in
                count += 1
                if names.contains(name) || kind == nil {
                    candidates.append(ByteDirectoryEntry(name: ByteName(name), kind: kind))
                } else if kind == .directory {
                    directories.append(ByteName(name))
                }
            }
        }
        visited += count
        if visited > bounds.entries { throw tooMuch("has more than \(bounds.entries) files to look through") }
        for entry in candidates { try consider(entry, directory, place) }
        for child in directories {
            var inner = place
            inner.path = place.path.isEmpty ? child.repairedText : place.path + "/" + child.repairedText
            try enter(child, directory, inner)
        }
    }

    private mutating func consider(
        _ entry: ByteDirectoryEntry, _ directory: borrowing Descriptor, _ place: Place
    ) throws(StorageError) {
        let text = entry.name.repairedText
        let path = place.path.isEmpty ? text : place.path + "/" + text
        guard let kind = try kind(of: entry, in: directory, path), !passesOver(path, kind) else { return }
        let hides = hide.matches(path, isDirectory: kind == .directory)
        let protects = !place.isProtected && !hides && protect.matches(path, isDirectory: kind == .directory)
        var inner = place
        inner.path = path
        inner.isProtected = place.isProtected || protects
        if hides || protects {
            guard place.isNamed && entry.name.text != nil else {
                throw StorageError(
                    .malformed, "guard", name + "/" + path, "a name on the way to it is not UTF-8",
                    hint: "rename it, or narrow the patterns")
            }
            matches.append(GuardPlan.Match(path: path, kind: kind, action: hides ? .hide : .protect))
            if matches.count > bounds.mounts {
                throw tooMuch("needs more than \(bounds.mounts) mounts for its protected and hidden files")
            }
        }
        guard !hides else { return }
        hiddenPaths += hide.paths(markedBy: text, in: place.path)
        if !place.isProtected { protectedPaths += protect.paths(markedBy: text, in: place.path) }
        if kind == .directory { try enter(entry.name, directory, inner) }
    }

    /// Goes into a directory, if something below it could match; `place` is the directory's own.
    private mutating func enter(
        _ child: ByteName, _ parent: borrowing Descriptor, _ place: Place
    ) throws(StorageError) {
        if passesOver(place.path, .directory) { return }
        guard hide.couldMatchBelow(place.path) || (!place.isProtected && protect.couldMatchBelow(place.path)) else {
            return
        }
        var inner = place
        inner.depth += 1
        inner.isNamed = place.isNamed && child.text != nil
        if inner.depth > bounds.depth { throw tooMuch("is deeper than \(bounds.depth) directories") }
        guard let opened = try openDirectory(child, in: parent, place.path) else { return }
        try visit(opened, inner)
    }

    private mutating func passesOver(_ path: String, _ kind: GuardPlan.Kind) -> Bool {
        guard covered.contains(path) else { return false }
        // What is mounted on a symlink's path is on what it leads to.
        if kind != .symlink { passedOver.append(path) }
        return true
    }

    private func kind(
        of entry: ByteDirectoryEntry, in directory: borrowing Descriptor, _ path: String
    ) throws(StorageError) -> GuardPlan.Kind? {
        if let kind = entry.kind { return GuardPlan.Kind(kind) }
        return try reporting("look at", name + "/" + path) { () throws(SystemError) in
            try status(of: entry.name, in: directory).map { GuardPlan.Kind($0.kind) }
        }
    }

    private mutating func openDirectory(
        _ entry: ByteName, in directory: borrowing Descriptor, _ path: String
    ) throws(StorageError) -> Descriptor? {
        do throws(SystemError) {
            return try open(
                entry, [.directory, .noFollow], in: directory, resolving: [.beneath, .noSymlinks, .noMagicLinks])
        } catch where error.errno == .noEntry {
            return nil
        } catch where error.errno == .notDirectory || error.errno == .tooManyLinks {
            throw StorageError(
                .changed, "walk", name + "/" + path, "it was replaced meanwhile", hint: "try again", underlying: error)
        } catch {
            // Unreadable, but ours: the agent, running as us, could open it up again.
            let owner = try? status(of: entry, in: directory)?.uid
            guard error.errno == .permissionDenied, let owner, owner != effectiveUID() else {
                throw StorageError(
                    "walk", name + "/" + path, error,
                    hint: error.errno == .permissionDenied ? "chmod u+rx it, or narrow the patterns" : nil)
            }
            unreadable.append(path)
            return nil
        }
    }

    private func tooMuch(_ cause: String) -> StorageError { WorkspaceGuards.tooMuch(name, cause) }
}
