// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// A sandbox's own range of host user and group ids: inside id 0 is `base` outside.
public struct IdentityRange: ~Copyable, Sendable {
    /// The first id of the range, the same for users and groups.
    public let base: UInt32
    /// How many ids.
    public let count: UInt32
    /// Holds the range: it is free again once this and every duplicate of it are closed.
    public let lock: Descriptor

    /// Keeps only what holds the range.
    public consuming func intoLock() -> Descriptor { lock }
}

/// Hands out id ranges to sandboxes that root starts: each gets 65,536 ids that no other sandbox of this machine has.
///
/// The ranges lie in 0x70000000…0x7FFDFFFF, which systemd's list of uids leaves unused: above its container ranges, below
/// its foreign range at 0x7FFE0000 (systemd, UIDS-GIDS.md, "Summary"). useradd(8) gives out /etc/subuid ranges far below
/// (`SUB_UID_MAX` 600100000); an administrator who wrote ranges of their own up here must move them.
///
/// Which are taken is written nowhere: the byte of a slot in the file `ids` is locked while the range is in use, and the
/// kernel unlocks it when its last holder is gone, however it went. fcntl(2), open file description locks
public struct IdentityPool: Sendable {
    public static let firstID: UInt32 = 0x7000_0000
    public static let idsPerRange: UInt32 = 65_536
    public static let slotCount = 4094

    let directory: String

    /// - Parameter directory: holds the file `ids`; made, mode 0700, where it does not exist. Its parent must exist.
    public init(directory: String = "/run/martinet") { self.directory = directory }

    /// Takes a free range.
    ///
    /// - Parameter preferredSlot: where to begin looking; `nil` spreads callers by process and time, so that the first slot
    ///   tried is usually free.
    /// - Throws: `.exhausted`, `.unsafePath` where someone else could write the file, `.system`.
    public func allocate(preferredSlot: Int? = nil) throws(StorageError) -> IdentityRange {
        let lock = try openLockFile()
        let path = directory + "/ids"
        let start = Int((preferredSlot ?? Self.spreadSlot()).magnitude % UInt(Self.slotCount))
        for step in 0..<Self.slotCount {
            let slot = (start + step) % Self.slotCount
            let taken = try reporting("lock an id range in", path) { () throws(SystemError) in
                try tryLock(lock, byte: Int64(slot))
            }
            if taken {
                return IdentityRange(
                    base: Self.firstID + UInt32(slot) * Self.idsPerRange, count: Self.idsPerRange, lock: lock)
            }
        }
        throw StorageError(
            .exhausted, "allocate an id range from", path, "all \(Self.slotCount) ranges are in use",
            hint: "stop sandboxes that are no longer needed (martinet ps, martinet rm)")
    }

    private func openLockFile() throws(StorageError) -> Descriptor {
        let folder = try openPrivateDirectory(directory)
        let path = directory + "/ids"
        let file = try reporting("open", path) { () throws(SystemError) in
            try open(
                "ids", [.readWrite, .create, .noFollow, .nonBlocking, .noControllingTerminal], mode: 0o600,
                at: .descriptor(folder.rawValue), resolving: [.beneath, .noSymlinks, .noMagicLinks])
        }
        let facts = try reporting("check", path) { () throws(SystemError) in try status(of: file) }
        try requirePrivate(facts, path, kind: .regular)
        return file
    }

    /// A slot that differs between processes and between moments. The modulus is even, so the factor is odd.
    private static func spreadSlot() -> Int {
        let (_, attoseconds) = monotonicNow().components
        return (Int(processID()) &* 31 &+ Int(attoseconds / 1_000_000_000_000))
    }
}

/// Opens a directory that only this user may enter; makes it, mode 0700, where nothing is there.
func openPrivateDirectory(_ path: String) throws(StorageError) -> Descriptor {
    do throws(SystemError) {
        try makeDirectory(path, mode: 0o700)
    } catch where error.errno == .exists {
    } catch {
        throw StorageError("make directory", path, error)
    }
    let folder = try reporting("open", path) { () throws(SystemError) in
        try open(path, [.directory, .noFollow], at: .workingDirectory)
    }
    let facts = try reporting("check", path) { () throws(SystemError) in try status(of: folder) }
    try requirePrivate(facts, path, kind: .directory)
    return folder
}

/// Refuses what belongs to someone else, lets anyone else in, or is of another kind.
func requirePrivate(_ facts: FileStatus, _ path: String, kind: FileKind) throws(StorageError) {
    let me = effectiveUID()
    guard facts.kind == kind else {
        throw StorageError(.unsafePath, "use", path, "it is not a \(kind == .directory ? "directory" : "regular file")")
    }
    guard facts.uid == me else {
        throw StorageError(
            .unsafePath, "use", path, "it belongs to uid \(facts.uid), not to uid \(me)",
            hint: "remove it, or give it to uid \(me)")
    }
    guard facts.permissions & 0o077 == 0 else {
        throw StorageError(
            .unsafePath, "use", path, "its mode \(String(facts.permissions, radix: 8)) lets other users in",
            hint: "chmod go= \(path)")
    }
}
