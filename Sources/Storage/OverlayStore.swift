// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// A host directory that keeps an overlay's changes between runs (`--overlay DIR`), open and locked for one sandbox.
///
/// In it are `upper`, `work` and `lock`. Under a private id range the files in `upper` belong to the host's own ids on disk,
/// set-uid bits and all, so the directory must be entered by its owner alone: mode 0700, and owned by whoever runs this.
///
/// With a limit `upper` and `work` belong to a project with a quota where the file system has such, and otherwise are in an
/// image beside the lock; the file `kind` says which. What was begun without a limit stays so, and the other way round.
public struct OverlayStore: ~Copyable, Sendable {
    /// The directory itself.
    public let directory: Descriptor
    /// The overlay's `upperdir`.
    public let upper: Descriptor
    /// The overlay's `workdir`, on the same mount.
    public let work: Descriptor
    /// Holds the directory: free again once this and every duplicate of it are closed. flock(2)
    public let lock: Descriptor
    /// The image's file system, which holds `upper` and `work`: mounted, attached nowhere. `nil` where the directory does.
    public let image: Descriptor?
    /// Whether it holds no more than a limit of its own, now or from an earlier time.
    public let isLimited: Bool

    /// How a limit is held.
    public struct Means: Sendable {
        /// Where the lock on project ids is.
        public var stateDirectory: String
        /// The caller's `PATH`, for e2fsprogs.
        public var searchPath: String?

        public init(stateDirectory: String = "/run/martinet", searchPath: String? = nil) {
            self.stateDirectory = stateDirectory
            self.searchPath = searchPath
        }
    }

    /// Opens the directory; makes it and what belongs in it where that is missing.
    ///
    /// - Parameters:
    ///   - path: as the user gave it; its last part must not be a symlink.
    ///   - limit: what it may hold from now on; `nil` is what it was given before, if anything. Takes root: quotas and
    ///     mounts do.
    /// - Throws: `.inUse`, `.unsafePath`, `.unsupportedFileSystem`, `.exists` where it has contents and no limit, or a larger
    ///   one than an image can be shrunk to, `.toolMissing`, `.toolFailed`, `.system`.
    /// - SeeAlso: Documentation/filesystems/overlayfs.rst
    public static func open(
        _ path: String, limit: DiskLimit? = nil, means: Means = Means()
    ) throws(StorageError) -> OverlayStore {
        let (parent, name) = splitLast(path)
        let path = name.isEmpty ? "/" : parent == "." ? name : parent == "/" ? "/" + name : parent + "/" + name
        let directory = try openDirectory(path)
        try requireOwnerOnly(directory, path)
        // Before anything is touched inside: another sandbox's overlay may be mounted on it.
        let lock = try takeLock(directory, path)
        let record = try StoreRecord.read(in: directory, path)
        let opening = Opening(path: path, means: means)
        switch (record, limit) {
        case (nil, nil): return try opening.plain(directory, lock)
        case (nil, .some(let limit)): return try opening.limited(directory, lock, limit)
        case (.some(let record), _):
            switch record.kind {
            case .quota(let project): return try opening.quota(directory, lock, record, project, limit)
            case .image: return try opening.image(directory, lock, record, limit)
            }
        }
    }

    private static func openDirectory(_ path: String) throws(StorageError) -> Descriptor {
        do throws(SystemError) {
            try makeDirectory(path, mode: 0o700)
        } catch where error.errno == .exists {
        } catch {
            throw StorageError(
                "make overlay directory", path, error,
                hint: error.errno == .noEntry ? "make its parent directory first" : nil)
        }
        do throws(SystemError) {
            return try LinuxKernel.open(
                path, [.directory, .noFollow], at: .workingDirectory, resolving: [.noMagicLinks])
        } catch where error.errno == .notDirectory || error.errno == .tooManyLinks {
            let isLink = (try? status(of: path))?.kind == .symlink
            throw StorageError(
                .unsafePath, "open overlay", path, isLink ? "it is a symbolic link" : "it is not a directory",
                hint: isLink ? "name the directory that it leads to" : nil, underlying: error)
        } catch {
            throw StorageError("open overlay", path, error)
        }
    }

    static func requireUpperCapable(_ directory: borrowing Descriptor, _ path: String) throws(StorageError) {
        let type = try reporting("check file system of", path) { () throws(SystemError) in
            try fileSystemType(directory)
        }
        guard let name = unusableFileSystem(type) else { return }
        throw StorageError(
            .unsupportedFileSystem, "use as overlay", path, "\(name) cannot hold an overlay's changes",
            hint: "choose a directory on ext4, xfs, btrfs or tmpfs (stat -f DIR shows the type)")
    }

    private static func requireOwnerOnly(_ directory: borrowing Descriptor, _ path: String) throws(StorageError) {
        let number = directory.rawValue
        let facts = try reporting("check", path) { () throws(SystemError) in
            let facts = try status(raw: number)
            // A directory just made by hand for this, usually 0755: nothing is in it that could have been reached.
            guard facts.uid == effectiveUID(), facts.permissions & 0o077 != 0 else { return facts }
            let opened = try LinuxKernel.open(".", [.directory], at: .descriptor(number))
            guard try byteEntries(of: opened).isEmpty else { return facts }
            try changeMode(opened, 0o700)
            return try status(raw: number)
        }
        try requirePrivate(facts, path, kind: .directory)
    }

    private static func takeLock(
        _ directory: borrowing Descriptor, _ path: String
    ) throws(StorageError) -> Descriptor {
        let number = directory.rawValue
        let lock = try reporting("open", path + "/lock") { () throws(SystemError) in
            try LinuxKernel.open(
                "lock", [.readWrite, .create, .noFollow, .nonBlocking, .noControllingTerminal], mode: 0o600,
                at: .descriptor(number), resolving: [.beneath, .noSymlinks, .noMagicLinks])
        }
        let taken = try reporting("lock", path + "/lock") { () throws(SystemError) in try tryLock(lock) }
        if taken { return lock }
        throw StorageError(
            .inUse, "use as overlay", path, "another sandbox uses it",
            hint: "stop that sandbox, or name another directory")
    }

    static func openPart(
        _ name: String, mode: UInt32, in directory: borrowing Descriptor, _ path: String
    ) throws(StorageError) -> Descriptor {
        let base = PathBase.descriptor(directory.rawValue)
        return try reporting("open", path + "/" + name) { () throws(SystemError) in
            var isNew = true
            do throws(SystemError) {
                try makeDirectory(name, mode: mode, at: base)
            } catch where error.errno == .exists {
                isNew = false
            } catch {
                throw error
            }
            let part = try LinuxKernel.open(
                name, [.directory, .noFollow], at: base,
                resolving: [.beneath, .noSymlinks, .noMagicLinks, .noCrossDevice])
            if isNew { try changeMode(part, mode) }  // whatever the umask is
            return part
        }
    }

    /// The name of a file system that cannot be an overlay's upper layer, or not under id-mapped mounts; `nil` for others,
    /// which the kernel may still refuse. The numbers are those of statfs(2).
    static func unusableFileSystem(_ type: Int) -> String? {
        switch UInt32(truncatingIfNeeded: type) {
        case 0x794C_7630: "overlayfs"
        case 0x6969: "NFS"
        case 0x0102_1997: "9p"
        case 0xFF53_4D42, 0xFE53_4D42, 0x517B: "SMB"
        case 0x6573_5546: "FUSE"
        case 0x4D44: "vfat"
        case 0x2011_BAB0: "exfat"
        case 0x5346_544E, 0x7366_746E: "ntfs"
        case 0x9660: "iso9660"
        case 0x7371_7368: "squashfs"
        case 0xE0F5_E1E2: "erofs"
        case 0xF15F: "ecryptfs"
        case 0x5346_414F: "AFS"
        case 0x00C3_6400: "ceph"
        case 0x8584_58F6: "ramfs"
        case 0x9FA0: "proc"
        case 0x6265_6572: "sysfs"
        default: nil
        }
    }
}
