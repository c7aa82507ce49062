// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Per-mount attributes. mount_setattr(2), Linux 5.12
public struct MountAttributes: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let readOnly = MountAttributes(rawValue: MT_MOUNT_ATTR_RDONLY)
    public static let noSetuid = MountAttributes(rawValue: MT_MOUNT_ATTR_NOSUID)
    public static let noDevices = MountAttributes(rawValue: MT_MOUNT_ATTR_NODEV)
    public static let noExecute = MountAttributes(rawValue: MT_MOUNT_ATTR_NOEXEC)
    public static let noAccessTime = MountAttributes(rawValue: MT_MOUNT_ATTR_NOATIME)
    public static let noSymlinkFollow = MountAttributes(rawValue: MT_MOUNT_ATTR_NOSYMFOLLOW)
    public static let idMapped = MountAttributes(rawValue: MT_MOUNT_ATTR_IDMAP)
}

/// A detached copy of the mount tree at an open path. open_tree(2), Linux 5.2; needs CAP_SYS_ADMIN
public func cloneTree(_ path: borrowing Descriptor, recursive: Bool) throws(SystemError) -> Descriptor {
    try withPath("open_tree", "") { name throws(SystemError) in
        Descriptor(
            owning: Int32(
                try kernel(
                    "open_tree", "descriptor \(path.rawValue)", Int(SYS_open_tree), Int(path.rawValue), name,
                    Int(MT_OPEN_TREE_CLONE | MT_OPEN_TREE_CLOEXEC) | Int(AT_EMPTY_PATH)
                        | (recursive ? Int(AT_RECURSIVE) : 0))))
    }
}

/// Changes the attributes of a mount, or of the whole tree below it; `idMap` is the user namespace whose map is laid over
/// the files' owners. `makingPrivate` takes the mount out of its peer group. mount_setattr(2), Linux 5.12
public func setMountAttributes(
    _ mount: borrowing Descriptor, set: MountAttributes, clear: MountAttributes = [], idMap: Int32? = nil,
    recursive: Bool = false, makingPrivate: Bool = false
) throws(SystemError) {
    var attributes = mount_attr()
    attributes.propagation = makingPrivate ? 1 << 18 : 0  // MS_PRIVATE
    attributes.attr_set = set.rawValue | (idMap == nil ? 0 : MT_MOUNT_ATTR_IDMAP)
    attributes.attr_clr = clear.rawValue
    attributes.userns_fd = UInt64(idMap ?? 0)
    let raw = mount.rawValue
    try withPath("mount_setattr", "") { name throws(SystemError) in
        try withAddress(&attributes) { attributes throws(SystemError) in
            _ = try kernel(
                "mount_setattr", "descriptor \(raw)", Int(SYS_mount_setattr), Int(raw), name,
                Int(AT_EMPTY_PATH) | (recursive ? Int(AT_RECURSIVE) : 0), attributes, MemoryLayout<mount_attr>.size)
        }
    }
}

/// The magic number of the file system that holds an open file. fstatfs(2)
public func fileSystemType(_ descriptor: borrowing Descriptor) throws(SystemError) -> Int {
    try withUnsafeTemporaryAllocationOfBytes(256) { buffer throws(SystemError) in
        try kernel(
            "fstatfs", "descriptor \(descriptor.rawValue)", Int(SYS_fstatfs), Int(descriptor.rawValue),
            Int(bitPattern: buffer.baseAddress))
        return buffer.load(as: Int.self)
    }
}

/// A new mount of a file system, attached nowhere and in nobody's mount table: it goes with its last descriptor. fsopen(2),
/// fsconfig(2), fsmount(2); Linux 5.2. Needs CAP_SYS_ADMIN.
///
/// - Parameter options: `key=value`, or `key` for a flag.
/// - Throws: with the file system's type and options as the subject.
public func makeFileSystem(
    _ type: String, options: [String], attributes: MountAttributes
) throws(SystemError) -> Descriptor {
    let subject = ([type] + options).joined(separator: " ")
    let context = try withPath("fsopen", type) { name throws(SystemError) in
        Descriptor(owning: Int32(try kernel("fsopen", subject, Int(SYS_fsopen), name, Int(FSOPEN_CLOEXEC))))
    }
    let raw = Int(context.rawValue)
    for option in options {
        let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
        try withPath("fsconfig", parts.first ?? "") { key throws(SystemError) in
            try withPath("fsconfig", parts.count == 2 ? parts[1] : "") { value throws(SystemError) in
                let command = parts.count == 2 ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG
                _ = try kernel(
                    "fsconfig", subject, Int(SYS_fsconfig), raw, Int(command.rawValue), key,
                    parts.count == 2 ? value : 0, 0)
            }
        }
    }
    try kernel("mount", subject, Int(SYS_fsconfig), raw, Int(FSCONFIG_CMD_CREATE.rawValue), 0, 0, 0)
    return Descriptor(
        owning: Int32(
            try kernel("fsmount", subject, Int(SYS_fsmount), raw, Int(FSMOUNT_CLOEXEC), Int(attributes.rawValue))))
}

/// Whether nothing can be written where an open file is: a read-only mount, or file system. fstatfs(2), `ST_RDONLY`
public func isOnReadOnlyMount(_ descriptor: borrowing Descriptor) throws(SystemError) -> Bool {
    try withUnsafeTemporaryAllocationOfBytes(256) { buffer throws(SystemError) in
        try kernel(
            "fstatfs", "descriptor \(descriptor.rawValue)", Int(SYS_fstatfs), Int(descriptor.rawValue),
            Int(bitPattern: buffer.baseAddress))
        // struct statfs of 64-bit kernels: f_flags is its eleventh word.
        return buffer.load(fromByteOffset: 80, as: Int.self) & 1 != 0
    }
}
