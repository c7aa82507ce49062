// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Removes directory trees that an agent, or a failed build, left behind.
///
/// Nothing outside the tree can be reached: every directory is opened by one name beneath a descriptor, symlinks are removed
/// and never followed, and a mounted file system inside is an error, not something to empty. The depth of the tree costs
/// neither stack nor descriptors: a directory's subdirectories are first moved up beside it, so three descriptors are open
/// at most. A removal that was stopped half way can be repeated.
public enum TreeRemoval {
    /// Removes whatever is at `path`; nothing there is not an error. A symlink is removed itself.
    ///
    /// - Throws: `.system`; `.unsafePath` where a file system is mounted inside.
    public static func remove(_ path: String) throws(StorageError) {
        let (parentPath, name) = splitLast(path)
        guard name != "", name != ".", name != ".." else {
            throw StorageError(.malformed, "remove", path, "the path does not end in a name")
        }
        let parent: Descriptor
        do throws(SystemError) {
            parent = try open(parentPath, [.directory])
        } catch where error.errno == .noEntry {
            return
        } catch {
            throw StorageError("remove", path, error)
        }
        try remove(ByteName(name), in: parent, path)
    }

    /// Removes one name from an open directory, with everything below it.
    public static func remove(_ name: String, in directory: borrowing Descriptor) throws(StorageError) {
        guard !name.utf8.contains(UInt8(ascii: "/")), name != "", name != ".", name != ".." else {
            throw StorageError(.malformed, "remove", name, "it is not one name")
        }
        try remove(ByteName(name), in: directory, name)
    }

    /// Removes everything in an open directory, and leaves that.
    public static func removeContents(of directory: borrowing Descriptor, path: String) throws(StorageError) {
        try reportingRemoval(path) { () throws(SystemError) in try empty(directory) }
    }

    private static func remove(
        _ name: ByteName, in directory: borrowing Descriptor, _ path: String
    ) throws(StorageError) {
        try reportingRemoval(path) { () throws(SystemError) in
            guard let facts = try status(of: name, in: directory) else { return }
            if facts.kind == .directory { try empty(try openDirectory(name, in: directory)) }
            try unlink(name, directory: facts.kind == .directory, in: directory)
        }
    }

    private static func reportingRemoval(
        _ path: String, _ body: () throws(SystemError) -> Void
    ) throws(StorageError) {
        do throws(SystemError) {
            try body()
        } catch where error.errno == .crossDevice || error.errno == .busy {
            throw StorageError(
                .unsafePath, "remove", path, "a file system is mounted on \(error.subject ?? "a directory") inside",
                hint: "unmount it first: findmnt -R \(path)", underlying: error)
        } catch {
            throw StorageError("remove", path, error)
        }
    }

    /// Removes everything in a directory.
    private static func empty(_ top: borrowing Descriptor) throws(SystemError) {
        var moved = 0
        while true {
            let entries = try byteEntries(of: top)
            if entries.isEmpty { return }
            for entry in entries {
                if try !isDirectory(entry, in: top) {
                    try unlink(entry.name, directory: false, in: top)
                    continue
                }
                try lift(contentsOf: entry.name, into: top, &moved)
                try unlink(entry.name, directory: true, in: top)
            }
        }
    }

    /// Empties one subdirectory: files are removed, its own subdirectories move up beside it, for a later round.
    private static func lift(
        contentsOf name: ByteName, into top: borrowing Descriptor, _ moved: inout Int
    ) throws(SystemError) {
        let child = try openDirectory(name, in: top)
        for entry in try byteEntries(of: child) {
            if try !isDirectory(entry, in: child) {
                try unlink(entry.name, directory: false, in: child)
                continue
            }
            // Removed in place when empty: most directories are leaves, or become so.
            do throws(SystemError) {
                try LinuxKernel.remove(entry.name, directory: true, in: child)
                continue
            } catch where error.errno == .notEmpty || error.errno == .exists {
            } catch where error.errno == .noEntry {
                continue
            }
            try moveUp(entry.name, from: child, to: top, &moved)
        }
    }

    private static func moveUp(
        _ name: ByteName, from child: borrowing Descriptor, to top: borrowing Descriptor, _ moved: inout Int
    ) throws(SystemError) {
        while true {
            moved += 1
            do throws(SystemError) {
                try rename(name, in: child, to: ByteName(".removing-\(moved)"), in: top)
                return
            } catch where error.errno == .exists || error.errno == .notEmpty {
                continue
            } catch where error.errno == .permissionDenied {
                // Moving a directory rewrites its "..", so its owner needs write permission on it.
                let path = try open(
                    name, [.pathOnly, .directory, .noFollow], in: child, resolving: [.beneath, .noSymlinks])
                guard try status(of: path).permissions & 0o700 != 0o700 else { throw error }
                try changeMode(ofPath: path, 0o700)
            }
        }
    }

    /// Opens a subdirectory for listing and emptying; gives its owner the permission where that is what is missing.
    private static func openDirectory(
        _ name: ByteName, in directory: borrowing Descriptor
    ) throws(SystemError) -> Descriptor {
        let rules: ResolveFlags = [.beneath, .noSymlinks, .noMagicLinks, .noCrossDevice]
        let path = try open(name, [.pathOnly, .directory, .noFollow], in: directory, resolving: rules)
        if try status(of: path).permissions & 0o700 != 0o700 { try? changeMode(ofPath: path, 0o700) }
        return try open(name, [.directory, .noFollow], in: directory, resolving: rules)
    }

    private static func isDirectory(
        _ entry: ByteDirectoryEntry, in directory: borrowing Descriptor
    ) throws(SystemError) -> Bool {
        if let kind = entry.kind { return kind == .directory }
        return try status(of: entry.name, in: directory)?.kind == .directory
    }

    /// Removes a name; one that is gone already is as good.
    private static func unlink(
        _ name: ByteName, directory isDirectory: Bool, in directory: borrowing Descriptor
    ) throws(SystemError) {
        do throws(SystemError) {
            try LinuxKernel.remove(name, directory: isDirectory, in: directory)
        } catch where error.errno == .noEntry {
        } catch {
            throw error
        }
    }
}

/// A path's parent and last name, trailing slashes ignored: `/a/b/` is `/a` and `b`.
func splitLast(_ path: String) -> (parent: String, name: String) {
    var bytes = path.utf8[...]
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes = bytes.dropLast() }
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return (".", String(Substring(bytes))) }
    let parent = bytes[..<slash]
    return (parent.isEmpty ? "/" : String(Substring(parent)), String(Substring(bytes[bytes.index(after: slash)...])))
}
