// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Mounts over names of the workspace, and their keeping.
///
/// Inside, nobody can remove or rename what is mounted on. Somebody outside can: where the host replaces, removes or moves
/// a guarded file (git and editors write a new one and rename it), the kernel takes the mount away, or along with the old
/// file, and the name leads to a file without a guard (`detach_mounts`, Linux 3.18). So every directory that holds a
/// guarded name is watched, and names that appear there are mounted over again. See docs/decisions/0015.
struct Guards {
    private struct Entry {
        let path: WireString
        let action: GuardAction
        let holdsGuards: Bool
        /// Its place in the program: what a failure is reported with.
        let instruction: UInt32
        /// The directory itself, open as long as it is watched.
        var directory = -1
    }

    private var root = -1
    private var masks = Masks()
    private var entries = UnsafeMutablePointer<Entry>.allocate(capacity: 1)
    private var count = 0
    private var capacity = 1

    /// Opens and watches the directory that the names are in: the root of a tree that nobody has attached yet. What is
    /// opened is that mount, wherever it is put afterwards, and whatever its path leads to by then.
    mutating func open(_ tree: Int, _ masks: Masks) throws(StepError) {
        guard root < 0 else { throw StepError(EBADMSG) }
        self.masks = masks
        root = try sys(
            Int(SYS_openat), tree, literal("."), Int(O_PATH_ONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), 0)
        try watch(try sys(Int(SYS_openat), root, literal("."), Int(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0))
    }

    /// Whatever is mounted on a name was mounted on this directory's, and not on another's by the same path.
    func requireMounted(_ path: WireString) throws(StepError) {
        let place = try openBeneath(path, O_PATH_ONLY)
        defer { close(place) }
        var found = statx()
        try withWord(&found) { found throws(StepError) in
            try sys(Int(SYS_statx), place, literal(""), Int(AT_EMPTY_PATH), 0, found)
        }
        guard found.stx_attributes & UInt64(STATX_ATTR_MOUNT_ROOT) != 0 else { throw StepError(ESTALE) }
    }

    /// Mounts over a name and keeps it in mind. The path lies in the program, which stays.
    mutating func add(_ operands: GuardOperands, instruction: UInt32) throws(StepError) {
        if count == capacity { grow() }
        (entries + count).initialize(
            to: Entry(
                path: operands.path, action: operands.action, holdsGuards: operands.holdsGuards,
                instruction: instruction))
        count += 1
        do throws(StepError) { try apply(count - 1) } catch where error.errno == ENOENT {
            // The host replaced or removed it since it was found. What is gone needs no guard until it is there again.
            if let failure = cover(count - 1) { throw StepError(failure) }
        }
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: entries, count: count)
        entries.deallocate()
        entries = larger
        capacity *= 2
    }

    /// Mounts over whatever is there and is not mounted on: outer names first, so that directories are watched before what
    /// is in them is looked at. Returns the place in the program of a guard that could not be put back, and why.
    mutating func restore() -> (instruction: UInt32, errno: Int32)? {
        for index in 0..<count {
            if let failure = cover(index) { return (entries[index].instruction, failure) }
        }
        return nil
    }

    /// Mounts over a name as often as somebody outside replaces what is there; returns why it stays uncovered.
    private mutating func cover(_ index: Int) -> Int32? {
        var failure = EAGAIN
        var tries = 0
        while isUncovered(entries[index].path) {
            if tries == 64 { return failure }
            tries += 1
            do throws(StepError) { try apply(index) } catch {
                failure = error.errno
                // Gone again, or part of a path that is just being rebuilt: look again, but not for ever.
                guard [ENOENT, ENOTDIR, ELOOP].contains(failure) else { return failure }
            }
        }
        return nil
    }

    /// Whether something is there on which nothing is mounted. statx(2), `STATX_ATTR_MOUNT_ROOT`, Linux 5.8
    private func isUncovered(_ path: WireString) -> Bool {
        var found = statx()
        let flags = Int(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)
        let result = withUnsafeMutablePointer(to: &found) {
            mt_syscall(Int(SYS_statx), root, word(path.start), flags, 0, Int(bitPattern: $0), 0)
        }
        return result == 0 && found.stx_attributes & UInt64(STATX_ATTR_MOUNT_ROOT) == 0
    }

    private mutating func apply(_ index: Int) throws(StepError) {
        let entry = entries[index]
        let target = try openBeneath(entry.path, O_PATH_ONLY)
        defer { close(target) }
        let attributes = MT_MOUNT_ATTR_NOSUID | MT_MOUNT_ATTR_NODEV
        switch entry.action {
        case .pin: try bindOver(target, set: attributes)
        case .protect: try bindOver(target, set: attributes | MT_MOUNT_ATTR_RDONLY)
        case .hide: try masks.lay(over: target)
        }
        guard entry.holdsGuards else { return }
        if entry.directory >= 0 { close(entry.directory) }
        entries[index].directory = -1
        let directory = try openBeneath(entry.path, O_RDONLY | O_DIRECTORY)
        entries[index].directory = directory
        try watch(directory)
    }

    /// The name itself, through no symlink at all: those on the way are guarded names too, and these paths are real ones.
    private func openBeneath(_ path: WireString, _ flags: Int32) throws(StepError) -> Int {
        var how = open_how()
        how.flags = UInt64(UInt32(bitPattern: flags | O_NOFOLLOW | O_CLOEXEC))
        how.resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
        return try withWord(&how) { how throws(StepError) in
            try sys(Int(SYS_openat2), root, word(path.start), how, MemoryLayout<open_how>.size)
        }
    }

    /// Has the kernel send SIGIO whenever a name appears in an open directory. fcntl(2), `F_NOTIFY`, Linux 2.4
    ///
    /// Not inotify(7): a user may have 128 of its instances (fs.inotify.max_user_instances), fewer than sandboxes, and its
    /// queue is one that an agent can fill. A signal that is pending already is enough to look once more.
    private func watch(_ directory: Int) throws(StepError) {
        try sys(Int(SYS_fcntl), directory, Int(F_NOTIFY), Int(DN_CREATE) | 0x8000_0000 /* DN_MULTISHOT */)
    }
}
