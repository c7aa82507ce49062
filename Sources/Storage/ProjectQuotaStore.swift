// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Gives overlay directories projects of their own on file systems that hold projects to a quota (ext4, f2fs and xfs mounted
/// with `prjquota`), and keeps the ids apart.
///
/// Which id is whose is written nowhere but in the file system itself: an id is free while nothing there belongs to it. The
/// directories of a store belong to theirs from its first moment on, so that one lock, held while an id is found and given,
/// is enough.
struct ProjectQuotaStore {
    /// Far from what administrators write into /etc/projid by hand.
    static let firstID: UInt32 = 0x4D54_0000
    static let idCount: UInt32 = 0x1_0000

    /// Holds the lock file; made, mode 0700, where it does not exist.
    let lockDirectory: String

    /// Beside what is asked for: `upper`, `work` and what overlayfs makes in it, `reserve` and what is kept in it.
    private static let ownInodes: UInt64 = 21
    private static let ownBytes: UInt64 = 80 << 10

    /// Finds a free id, puts both directories into it, and returns it.
    func adopt(
        _ upper: borrowing Descriptor, _ work: borrowing Descriptor, _ reserve: borrowing Descriptor, _ path: String
    ) throws(StorageError) -> UInt32 {
        let lock = try takeLock()
        defer { withExtendedLifetime(lock.rawValue) {} }
        let start = Self.spread(path)
        for step in 0..<Self.idCount {
            let id = Self.firstID + (start + step) % Self.idCount
            let quota = try reporting("read the quota of project \(id) for", path) { () throws(SystemError) in
                try projectQuota(id, on: upper)
            }
            guard quota.inodesUsed == 0, quota.bytesUsed == 0 else { continue }
            try reporting("set the project of", path) { () throws(SystemError) in
                try setProject(of: upper, FileProject(id: id, inherits: true))
                try setProject(of: work, FileProject(id: id, inherits: true))
                try setProject(of: reserve, FileProject(id: id, inherits: true))
            }
            return id
        }
        throw StorageError(
            .exhausted, "give a project id to", path, "all \(Self.idCount) of them are in use",
            hint: "remove overlay directories that are no longer needed")
    }

    /// Sets, or changes, what the project may hold.
    func limit(
        _ id: UInt32, to limit: DiskLimit, on upper: borrowing Descriptor, _ path: String
    ) throws(StorageError) {
        try reporting("set the quota of", path) { () throws(SystemError) in
            try setProjectQuota(
                id, bytes: limit.bytes.map { $0 + Self.ownBytes } ?? 0,
                inodes: limit.inodes.map { $0 + Self.ownInodes } ?? 0,
                on: upper)
        }
    }

    /// Makes sure that a store is what its record says, and that the file system still holds it to that.
    func requireHeld(
        _ id: UInt32, _ upper: borrowing Descriptor, _ work: borrowing Descriptor, _ path: String
    ) throws(StorageError) {
        let (projects, isHeld) = try reporting("check the project of", path) { () throws(SystemError) in
            ([try project(of: upper), try project(of: work)], try enforcesProjectQuotas(upper))
        }
        guard projects.allSatisfy({ $0 == FileProject(id: id, inherits: true) }) else {
            throw StorageError(
                .unsafePath, "use as overlay", path, "its directories do not belong to project \(id), as after a copy",
                hint: "copy what is in upper into a new overlay directory")
        }
        guard isHeld else {
            throw StorageError(
                .unsupportedFileSystem, "use as overlay", path, "its file system is mounted without project quotas now",
                hint: "mount it with the option prjquota")
        }
    }

    private func takeLock() throws(StorageError) -> Descriptor {
        let folder = try openPrivateDirectory(lockDirectory)
        let path = lockDirectory + "/projects"
        let file = try reporting("open", path) { () throws(SystemError) in
            try open(
                "projects", [.readWrite, .create, .noFollow, .nonBlocking], mode: 0o600,
                at: .descriptor(folder.rawValue), resolving: [.beneath, .noSymlinks, .noMagicLinks])
        }
        for _ in 0..<1000 {
            if try reporting("lock", path, { () throws(SystemError) in try tryLock(file) }) { return file }
            _ = try? poll([], milliseconds: 10)
        }
        throw StorageError(.inUse, "lock", path, "another launcher has held it for ten seconds")
    }

    /// A beginning of its own for each path, so that the first id tried is usually free. FNV-1a
    private static func spread(_ path: String) -> UInt32 {
        path.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 } % idCount
    }
}
