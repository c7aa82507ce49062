// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The file systems of the sandbox while they are being put together.
struct MountBuilder {
    var root = NewRoot()
    /// Init's own ids, which what it makes belongs to.
    let ownUID = UInt32(truncatingIfNeeded: mt_syscall(Int(SYS_geteuid), 0, 0, 0, 0, 0, 0))
    let ownGID = UInt32(truncatingIfNeeded: mt_syscall(Int(SYS_getegid), 0, 0, 0, 0, 0, 0))
    private var oldRoot = -1
    private(set) var masks = Masks()

    // MARK: Making mounts, detached

    /// fsopen(2), fsconfig(2), fsmount(2); Linux 5.2
    mutating func createFileSystem(_ operands: CreateFileSystemOperands, _ slots: Slots) throws(StepError) {
        let context = try sys(Int(SYS_fsopen), word(operands.type.start), Int(FSOPEN_CLOEXEC))
        defer { close(context) }
        var options = operands.options
        for _ in 0..<options.count {
            try configure(context, option: try wire { () throws(WireError) in try options.next() })
        }
        try sys(Int(SYS_fsconfig), context, Int(FSCONFIG_CMD_CREATE.rawValue), 0, 0, 0)
        let mount = try sys(
            Int(SYS_fsmount), context, Int(FSMOUNT_CLOEXEC), Int(truncatingIfNeeded: operands.attributes))
        do throws(StepError) { try root.own(fileSystemOf: mount) } catch {
            close(mount)
            throw error
        }
        try slots.fill(operands.slot, mount)
    }

    private func configure(_ context: Int, option: WireString) throws(StepError) {
        var equals = 0
        while equals < option.count, option.start[equals] != CChar(bitPattern: UInt8(ascii: "=")) { equals += 1 }
        if equals == option.count {
            try sys(Int(SYS_fsconfig), context, Int(FSCONFIG_SET_FLAG.rawValue), word(option.start), 0, 0)
            return
        }
        try withUnsafeTemporaryAllocationOf(equals + 1) { key throws(StepError) in
            key.update(from: option.start, count: equals)
            key[equals] = 0
            try sys(
                Int(SYS_fsconfig), context, Int(FSCONFIG_SET_STRING.rawValue), word(key),
                word(option.start + equals + 1), 0)
        }
    }

    /// Copies a tree of the host's, as init's own mount namespace shows it, if it is still the one that the host saw.
    func cloneHostTree(_ operands: CloneHostTreeOperands, _ slots: Slots) throws(StepError) {
        let recursive = operands.recursive ? Int(AT_RECURSIVE) : 0
        let tree = try sys(
            Int(SYS_open_tree), Int(AT_FDCWD), word(operands.path.start),
            Int(MT_OPEN_TREE_CLONE | MT_OPEN_TREE_CLOEXEC) | recursive)
        do throws(StepError) {
            let found = try fileStatus(tree)
            guard UInt64(found.st_dev) == operands.device, UInt64(found.st_ino) == operands.inode else {
                throw StepError(ESTALE)
            }
        } catch {
            close(tree)
            throw error
        }
        try slots.fill(operands.slot, tree)
    }

    func cloneTree(_ operands: CloneTreeOperands, _ slots: Slots) throws(StepError) {
        let path = try root.open(operands.path.start)
        defer { close(path) }
        try slots.fill(operands.slot, try clone(path))
    }

    func setPropagation(_ flags: UInt64) throws(StepError) {
        var attributes = mount_attr()
        attributes.propagation = flags
        try withWord(&attributes) { attributes throws(StepError) in
            try sys(
                Int(SYS_mount_setattr), Int(AT_FDCWD), literal("/"), Int(AT_RECURSIVE), attributes,
                MemoryLayout<mount_attr>.size)
        }
    }

    // MARK: Putting mounts into place

    /// Covers "/" with a mount, which depends on no directory of the host's, and makes it the root that paths begin at.
    mutating func attachRoot(_ slot: UInt32, _ slots: Slots) throws(StepError) {
        let mount = try slots[slot]
        try sys(Int(SYS_move_mount), mount, literal(""), Int(AT_FDCWD), literal("/"), Int(MOVE_MOUNT_F_EMPTY_PATH))
        try root.set(try sys(Int(SYS_fcntl), mount, Int(F_DUPFD_CLOEXEC), 3))
        try slots.empty(slot)
    }

    /// Mounts a slot's tree onto a path; the slot is empty then.
    mutating func attach(_ operands: AttachOperands, _ slots: Slots) throws(StepError) {
        let tree = try slots[operands.slot]
        let target = try root.open(operands.path, creating: operands.create)
        defer { close(target) }
        try move(tree, onto: target)
        try slots.empty(operands.slot)
        root.mounted(on: operands.path)
    }

    mutating func enterRoot(_ path: WireString) throws(StepError) {
        try root.set(try root.open(path.start, O_PATH_ONLY | O_DIRECTORY))
    }

    /// pivot_root(2): "new_root and put_old may be the same directory"
    mutating func pivot() throws(StepError) {
        oldRoot = try sys(
            Int(SYS_openat), Int(AT_FDCWD), literal("/"), Int(O_PATH_ONLY | O_DIRECTORY | O_CLOEXEC), 0)
        root.forgetParent()
        try sys(Int(SYS_fchdir), root.raw)
        try sys(Int(SYS_pivot_root), literal("."), literal("."))
    }

    mutating func detachOldRoot() throws(StepError) {
        guard oldRoot >= 0 else { throw StepError(ENOTCONN) }
        try sys(Int(SYS_fchdir), oldRoot)
        // umount2 takes what lies topmost on a path: the scratch file system may still cover the old root, and is the one to
        // go first. Until "." is no mount of this namespace any more, which is EINVAL.
        try sys(Int(SYS_umount2), literal("."), Int(MT_MNT_DETACH))
        for _ in 0..<8 {
            do throws(StepError) { try sys(Int(SYS_umount2), literal("."), Int(MT_MNT_DETACH)) } catch
                where error.errno == EINVAL
            {
                break
            } catch { throw error }
        }
        close(oldRoot)
        oldRoot = -1
        try sys(Int(SYS_chdir), literal("/"))
        try requireBareRoot()
    }

    /// A mount left on top of the root shows nowhere but in "/..", and there it is a way out.
    private func requireBareRoot() throws(StepError) {
        var root = stat()
        var above = stat()
        try withWord(&root) { root throws(StepError) in
            try sys(Int(SYS_newfstatat), Int(AT_FDCWD), literal("/"), root, 0)
        }
        try withWord(&above) { above throws(StepError) in
            try sys(Int(SYS_newfstatat), Int(AT_FDCWD), literal("/.."), above, 0)
        }
        guard root.st_dev == above.st_dev, root.st_ino == above.st_ino else { throw StepError(EBUSY) }
    }

    /// Detaches what is mounted on a directory of the sandbox's own, and removes the directory. umount2(2), `MNT_DETACH`
    mutating func unmount(_ path: WireString) throws(StepError) {
        let mount = try root.open(path.start, O_PATH_ONLY | O_DIRECTORY | O_NOFOLLOW)
        defer { close(mount) }
        try sys(Int(SYS_fchdir), mount)
        try sys(Int(SYS_umount2), literal("."), Int(MT_MNT_DETACH))
        try sys(Int(SYS_fchdir), root.raw)
        root.mounted(on: path)
        let (parent, name) = try root.parent(of: path)
        try sys(Int(SYS_unlinkat), parent.descriptor, word(path.start + name), Int(AT_REMOVEDIR))
    }

    /// Lays a copy of a path's own mount over the path, with other attributes: read-only, or pinned in its place.
    mutating func bindOntoItself(_ operands: BindOntoItselfOperands) throws(StepError) {
        guard let target = try openIfThere(operands.path, operands.optional) else { return }
        defer { close(target) }
        try bindOver(target, set: operands.set, clear: operands.clear)
        root.mounted(on: operands.path)
    }

    private func openIfThere(_ path: WireString, _ optional: Bool) throws(StepError) -> Int? {
        do throws(StepError) { return try root.open(path.start) } catch where optional && error.errno == ENOENT {
            return nil
        } catch { throw error }
    }

    // MARK: Masks

    mutating func makeMask(_ path: WireString) throws(StepError) {
        let parent = try root.open(path, creating: .directory)
        defer { close(parent) }
        masks = try Masks(makingIn: parent)
    }

    mutating func mask(_ operands: MaskOperands) throws(StepError) {
        guard let target = try openIfThere(operands.path, operands.optional) else { return }
        defer { close(target) }
        try masks.lay(over: target)
        root.mounted(on: operands.path)
    }
}

/// Reads from the program; a malformed one is EBADMSG.
func wire<Value>(_ body: () throws(WireError) -> Value) throws(StepError) -> Value {
    do throws(WireError) { return try body() } catch { throw StepError(EBADMSG) }
}
