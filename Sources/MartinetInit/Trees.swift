// SPDX-License-Identifier: Apache-2.0
import CLinux

// Copies of mounts, and how they are put over what is open. open_tree(2), move_mount(2), mount_setattr(2)

/// A detached copy of what an open path shows.
func clone(_ path: Int, recursive: Bool = false) throws(StepError) -> Int {
    try sys(
        Int(SYS_open_tree), path, literal(""),
        Int(MT_OPEN_TREE_CLONE | MT_OPEN_TREE_CLOEXEC) | Int(AT_EMPTY_PATH) | (recursive ? Int(AT_RECURSIVE) : 0))
}

func setAttributes(_ mount: Int, set: UInt64, clear: UInt64, recursive: Bool = false) throws(StepError) {
    var attributes = mount_attr()
    attributes.attr_set = set
    attributes.attr_clr = clear
    try withWord(&attributes) { attributes throws(StepError) in
        try sys(
            Int(SYS_mount_setattr), mount, literal(""), Int(AT_EMPTY_PATH) | (recursive ? Int(AT_RECURSIVE) : 0),
            attributes, MemoryLayout<mount_attr>.size)
    }
}

/// Mounts a tree over what is open; a symlink that was opened itself is covered itself.
func move(_ tree: Int, onto target: Int) throws(StepError) {
    try sys(
        Int(SYS_move_mount), tree, literal(""), target, literal(""),
        Int(MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
}

/// Lays a copy of what is open, and of the mounts in it, over it, with other attributes.
func bindOver(_ target: Int, set: UInt64, clear: UInt64 = 0) throws(StepError) {
    let tree = try clone(target, recursive: true)
    defer { close(tree) }
    try setAttributes(tree, set: set, clear: clear, recursive: true)
    try move(tree, onto: target)
}

/// An empty file and an empty directory that nobody may open, to be laid over others. They stay open as long as init
/// lives, and keep their names: a mount of what has none cannot be moved (ENOENT).
struct Masks {
    private var file = -1
    private var directory = -1

    init() {}

    /// Makes them, in a directory of the sandbox's own.
    init(makingIn parent: Int) throws(StepError) {
        let place = try sys(Int(SYS_openat), parent, literal("."), Int(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0)
        defer { close(place) }
        let create = Int(O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC)
        close(try sys(Int(SYS_openat), place, literal("file"), create, 0))
        try sys(Int(SYS_mkdirat), place, literal("directory"), 0)
        file = try sys(Int(SYS_openat), place, literal("file"), Int(O_PATH_ONLY | O_CLOEXEC), 0)
        directory = try sys(Int(SYS_openat), place, literal("directory"), Int(O_PATH_ONLY | O_CLOEXEC), 0)
    }

    func lay(over target: Int) throws(StepError) {
        let isDirectory = try fileStatus(target).st_mode & UInt32(S_IFMT) == UInt32(S_IFDIR)
        let source = isDirectory ? directory : file
        guard source >= 0 else { throw StepError(ENOTCONN) }
        let tree = try clone(source)
        defer { close(tree) }
        try setAttributes(
            tree, set: MT_MOUNT_ATTR_RDONLY | MT_MOUNT_ATTR_NOSUID | MT_MOUNT_ATTR_NODEV | MT_MOUNT_ATTR_NOEXEC,
            clear: 0)
        try move(tree, onto: target)
    }
}
