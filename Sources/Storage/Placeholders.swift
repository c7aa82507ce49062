// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// A placeholder that this run made, known by its inode so that only it is ever removed.
public struct CreatedPlaceholder: Sendable, Equatable {
    /// Relative to the workspace.
    public var path: String
    public var device: UInt64
    public var inode: UInt64
    public var isDirectory: Bool
    /// Bytes that were written to it: with another size it is somebody else's.
    public var size: Int64

    public init(path: String, device: UInt64, inode: UInt64, isDirectory: Bool, size: Int64 = 0) {
        self.path = path
        self.device = device
        self.inode = inode
        self.isDirectory = isDirectory
        self.size = size
    }
}

/// Makes and removes the files and directories, empty but for one of git's, on which absent paths are guarded.
public enum Placeholders {
    /// Makes what the plan asks for, owned like the directory it is in. On an error everything made is removed again.
    ///
    /// A parent on a read-only file system needs none: the agent cannot make the file either.
    /// - Throws: `.changed` where something appeared in a place since the plan was made, `.system`.
    ///
    /// Each is made under a temporary name of this run's own and then renamed, so that whoever is told of the temporary
    /// name before, and of the inode before the renaming, can remove it after a crash at any moment.
    /// - Parameters:
    ///   - suffix: makes the temporary names this run's own.
    ///   - willMake: told the temporary path before it is made.
    ///   - willRename: told what was made, before it gets its path.
    public static func create(
        in workspace: borrowing Descriptor, plan: GuardPlan, suffix: String = String(processID()),
        willMake: (_ temporary: String, GuardPlan.Placeholder) -> Void = { _, _ in },
        willRename: (CreatedPlaceholder) -> Void = { _ in }
    ) throws(StorageError) -> [CreatedPlaceholder] {
        var created: [CreatedPlaceholder] = []
        do throws(StorageError) {
            for (index, placeholder) in plan.placeholders.enumerated() {
                let new = try create(
                    placeholder, temporary: ".martinet-\(suffix)-\(index)", in: workspace.rawValue, willMake, willRename
                )
                if let new { created.append(new) }
            }
        } catch {
            remove(created, in: workspace)
            throw error
        }
        return created
    }

    /// Removes those that are still what was made: the same inode, with the same size. Anything else stays as it is.
    ///
    /// - Returns: the paths that stayed.
    @discardableResult
    public static func remove(_ created: [CreatedPlaceholder], in workspace: borrowing Descriptor) -> [String] {
        var kept: [String] = []
        for placeholder in created.reversed() where !removeOne(placeholder, in: workspace.rawValue) {
            kept.append(placeholder.path)
        }
        return kept
    }

    private static func create(
        _ placeholder: GuardPlan.Placeholder, temporary: String, in workspace: Int32,
        _ willMake: (String, GuardPlan.Placeholder) -> Void, _ willRename: (CreatedPlaceholder) -> Void
    ) throws(StorageError) -> CreatedPlaceholder? {
        let (parentPath, name) = splitLast(placeholder.path)
        do throws(SystemError) {
            guard let parent = try openBeneath(parentPath, [.directory], workspace) else {
                throw SystemError("open", .noEntry, parentPath)
            }
            willMake(parentPath == "." ? temporary : "\(parentPath)/\(temporary)", placeholder)
            let facts: FileStatus
            do throws(SystemError) { facts = try make(temporary, placeholder, in: parent) } catch {
                // The name is this run's own, unless somebody had it before.
                if error.errno != .exists {
                    try? LinuxKernel.remove(ByteName(temporary), directory: placeholder.isDirectory, in: parent)
                }
                throw error
            }
            let new = CreatedPlaceholder(
                path: placeholder.path, device: facts.device, inode: facts.inode,
                isDirectory: placeholder.isDirectory, size: Int64(placeholder.contents.utf8.count))
            willRename(new)
            do throws(SystemError) {
                try rename(ByteName(temporary), in: parent, to: ByteName(name), in: parent)
            } catch {
                try? LinuxKernel.remove(ByteName(temporary), directory: placeholder.isDirectory, in: parent)
                throw error
            }
            return new
        } catch where error.errno == .readOnlyFileSystem {
            return nil
        } catch where error.errno == .exists || error.errno == .noEntry {
            throw StorageError(
                .changed, "make placeholder", placeholder.path, "the workspace changed meanwhile",
                hint: "try again", underlying: error)
        } catch {
            throw StorageError("make placeholder", placeholder.path, error)
        }
    }

    /// Makes one file or directory, owned like the directory it is in: should it ever be left behind, whoever owns the
    /// directory can remove it.
    private static func make(
        _ name: String, _ placeholder: GuardPlan.Placeholder, in parent: borrowing Descriptor
    ) throws(SystemError) -> FileStatus {
        let base = PathBase.descriptor(parent.rawValue)
        let isDirectory = placeholder.isDirectory
        if isDirectory { try makeDirectory(name, mode: 0o755, at: base) }
        let flags: OpenFlags = isDirectory ? [.directory, .noFollow] : [.writeOnly, .create, .exclusive, .noFollow]
        let file = try open(
            name, flags, mode: isDirectory ? 0 : 0o644, at: base, resolving: [.beneath, .noSymlinks, .noMagicLinks])
        if !placeholder.contents.isEmpty { try writeAll(file, placeholder.contents.utf8) }
        let facts = try status(of: file)
        let owner = try status(of: parent)
        if facts.uid == effectiveUID(), (owner.uid, owner.gid) != (facts.uid, facts.gid) {
            try? changeOwner(file, uid: owner.uid, gid: owner.gid)
        }
        return facts
    }

    /// A kernel short of memory may not be a moment later: three times.
    private static func removeOne(_ placeholder: CreatedPlaceholder, in workspace: Int32) -> Bool {
        for _ in 0..<2 {
            do throws(SystemError) { return try removeOnce(placeholder, in: workspace) } catch {}
            blockThread(for: .milliseconds(1))
        }
        return (try? removeOnce(placeholder, in: workspace)) ?? false
    }

    private static func removeOnce(
        _ placeholder: CreatedPlaceholder, in workspace: Int32
    ) throws(SystemError) -> Bool {
        let (parentPath, name) = splitLast(placeholder.path)
        do throws(SystemError) {
            guard let parent = try openParent(parentPath, workspace) else { return false }
            guard let facts = try status(of: ByteName(name), in: parent), facts.inode == placeholder.inode,
                facts.device == placeholder.device, facts.kind == (placeholder.isDirectory ? .directory : .regular),
                placeholder.isDirectory || facts.size == placeholder.size
            else { return false }
            try LinuxKernel.remove(ByteName(name), directory: placeholder.isDirectory, in: parent)
            return true
        } catch where error.errno == .noEntry || error.errno == .notEmpty {
            return false
        } catch { throw error }
    }

    /// The directory that a placeholder is in. Where somebody has put a link into its place, it may be back in a moment.
    private static func openParent(_ path: String, _ workspace: Int32) throws(SystemError) -> Descriptor? {
        var tries = 0
        while true {
            if let parent = try openBeneath(path, [.directory], workspace) { return parent }
            tries += 1
            let kind = try status(of: path, at: .descriptor(workspace))?.kind
            guard tries < 100, kind == .symlink || kind == .directory else { return nil }
            if tries > 10 { _ = try poll([], milliseconds: 1) }
        }
    }
}
