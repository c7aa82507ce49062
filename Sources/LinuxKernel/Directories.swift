// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What kind of file a path names.
public enum FileKind: UInt32, Sendable {
    case fifo = 0o010000
    case characterDevice = 0o020000
    case directory = 0o040000
    case blockDevice = 0o060000
    case regular = 0o100000
    case symlink = 0o120000
    case socket = 0o140000
}

/// The facts stat(2) gives that this project uses.
public struct FileStatus: Sendable, Equatable {
    public var device: UInt64
    public var inode: UInt64
    public var mode: UInt32
    public var uid: UInt32
    public var gid: UInt32
    public var size: Int64
    public var specialDevice: UInt64
    /// Seconds since 1970 of the last change of contents.
    public var modified: Int64

    public var kind: FileKind { FileKind(rawValue: mode & 0o170000) ?? .regular }
    public var permissions: UInt32 { mode & 0o7777 }

    init(_ raw: stat) {
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        mode = raw.st_mode
        uid = raw.st_uid
        gid = raw.st_gid
        size = Int64(raw.st_size)
        specialDevice = UInt64(raw.st_rdev)
        modified = Int64(raw.st_mtim.tv_sec)
    }
}

/// The status of an open file. fstat(2)
public func status(of descriptor: borrowing Descriptor) throws(SystemError) -> FileStatus {
    try status(raw: descriptor.rawValue)
}

/// The status of a descriptor that someone else owns. fstat(2)
public func status(raw descriptor: Int32) throws(SystemError) -> FileStatus {
    var raw = stat()
    try withAddress(&raw) { result throws(SystemError) in
        _ = try kernel("fstat", "descriptor \(descriptor)", Int(SYS_fstat), Int(descriptor), result)
    }
    return FileStatus(raw)
}

/// The status of a path; `nil` where nothing is there. A last symlink is not followed unless asked. newfstatat(2)
public func status(
    of path: String, at base: PathBase = .workingDirectory, followingSymlinks: Bool = false
) throws(SystemError) -> FileStatus? {
    var raw = stat()
    do throws(SystemError) {
        try withPath("stat", path) { name throws(SystemError) in
            try withAddress(&raw) { result throws(SystemError) in
                _ = try kernel(
                    "stat", path, Int(SYS_newfstatat), base.raw, name, result,
                    followingSymlinks ? 0 : Int(AT_SYMLINK_NOFOLLOW))
            }
        }
    } catch where error.errno == .noEntry || error.errno == .notDirectory {
        return nil
    } catch {
        throw error
    }
    return FileStatus(raw)
}

/// Makes a directory. mkdirat(2)
public func makeDirectory(
    _ path: String, mode: UInt32 = 0o755, at base: PathBase = .workingDirectory
) throws(SystemError) {
    try withPath("mkdir", path) { name throws(SystemError) in
        _ = try kernel("mkdir", path, Int(SYS_mkdirat), base.raw, name, Int(mode))
    }
}

/// Removes a file, or an empty directory. unlinkat(2)
public func remove(
    _ path: String, directory: Bool = false, at base: PathBase = .workingDirectory
) throws(SystemError) {
    try withPath("unlink", path) { name throws(SystemError) in
        _ = try kernel(
            directory ? "rmdir" : "unlink", path, Int(SYS_unlinkat), base.raw, name, directory ? Int(AT_REMOVEDIR) : 0)
    }
}

/// Renames within one directory or between two. renameat2(2)
public func rename(
    _ old: String, to new: String, at base: PathBase = .workingDirectory, toBase: PathBase = .workingDirectory
) throws(SystemError) {
    try withPath("rename", old) { oldName throws(SystemError) in
        try withPath("rename", new) { newName throws(SystemError) in
            _ = try kernel("rename", old, Int(SYS_renameat2), base.raw, oldName, toBase.raw, newName, 0)
        }
    }
}

/// Gives an unnamed file (`OpenFlags.unnamed`) a name. linkat(2) through /proc/self/fd
public func link(
    _ descriptor: borrowing Descriptor, as path: String, at base: PathBase = .workingDirectory
) throws(SystemError) {
    try withPath("link", "/proc/self/fd/\(descriptor.rawValue)") { source throws(SystemError) in
        try withPath("link", path) { name throws(SystemError) in
            _ = try kernel(
                "link", path, Int(SYS_linkat), Int(AT_FDCWD), source, base.raw, name, Int(AT_SYMLINK_FOLLOW))
        }
    }
}

/// Makes a symbolic link. symlinkat(2)
public func makeSymlink(
    _ path: String, to target: String, at base: PathBase = .workingDirectory
) throws(SystemError) {
    try withPath("symlink", target) { targetName throws(SystemError) in
        try withPath("symlink", path) { name throws(SystemError) in
            _ = try kernel("symlink", path, Int(SYS_symlinkat), targetName, base.raw, name)
        }
    }
}

/// The target of a symbolic link. readlinkat(2)
public func readSymlink(_ path: String, at base: PathBase = .workingDirectory) throws(SystemError) -> String {
    try withUnsafeTemporaryAllocationOfBytes(4096) { buffer throws(SystemError) in
        let count = try withPath("readlink", path) { name throws(SystemError) in
            try kernel(
                "readlink", path, Int(SYS_readlinkat), base.raw, name, Int(bitPattern: buffer.baseAddress), buffer.count
            )
        }
        return String(decoding: UnsafeRawBufferPointer(rebasing: buffer[0..<count]), as: UTF8.self)
    }
}

/// Sets owner and group of an open file. fchown(2)
public func changeOwner(_ descriptor: borrowing Descriptor, uid: UInt32, gid: UInt32) throws(SystemError) {
    try kernel(
        "fchown", "descriptor \(descriptor.rawValue)", Int(SYS_fchown), Int(descriptor.rawValue), Int(uid), Int(gid))
}

/// Sets the permission bits of an open file. fchmod(2)
public func changeMode(_ descriptor: borrowing Descriptor, _ mode: UInt32) throws(SystemError) {
    try kernel("fchmod", "descriptor \(descriptor.rawValue)", Int(SYS_fchmod), Int(descriptor.rawValue), Int(mode))
}

/// Makes a device node with exactly these permissions, whatever the umask. Needs CAP_MKNOD. mknodat(2)
///
/// - Parameter device: as `FileStatus.specialDevice`.
public func makeDevice(
    _ name: String, _ kind: FileKind, device: UInt64, mode: UInt32, in directory: borrowing Descriptor
) throws(SystemError) {
    let raw = Int(directory.rawValue)
    try withPath("mknod", name) { path throws(SystemError) in
        try kernel("mknod", name, Int(SYS_mknodat), raw, path, Int(kind.rawValue | mode), Int(device))
        try kernel("chmod", name, Int(SYS_fchmodat), raw, path, Int(mode))
    }
}

/// Whether a file has an extended attribute of this name, as `system.posix_acl_access`. A last symlink is followed.
/// getxattr(2)
public func hasAttribute(_ name: String, _ path: String) throws(SystemError) -> Bool {
    do throws(SystemError) {
        try withPath("getxattr", path) { file throws(SystemError) in
            try withPath("getxattr", name) { name throws(SystemError) in
                _ = try kernel("getxattr", path, Int(SYS_getxattr), file, name, 0, 0)
            }
        }
        return true
    } catch where error.errno.rawValue == ENODATA || error.errno == .notSupported {
        return false
    } catch {
        throw error
    }
}

/// One name in a directory.
public struct DirectoryEntry: Sendable, Equatable {
    public var name: String
    /// `nil` where the file system does not say.
    public var kind: FileKind?
}

/// The names in an open directory, without `.` and `..`, in the kernel's order. Names that are not UTF-8 are repaired and
/// so will not open: callers treat that as any other missing file. getdents64(2)
public func entries(of directory: borrowing Descriptor) throws(SystemError) -> [DirectoryEntry] {
    try byteEntries(of: directory).map { DirectoryEntry(name: $0.name.repairedText, kind: $0.kind) }
}

/// Scratch memory for the length of a call.
func withUnsafeTemporaryAllocationOfBytes<Value>(
    _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(SystemError) -> Value
) throws(SystemError) -> Value {
    let result: Result<Value, SystemError> = withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { buffer in
        do throws(SystemError) { return .success(try body(buffer)) } catch { return .failure(error) }
    }
    return try result.get()
}

/// The status of a descriptor that may not be open at all, as a caller's standard ones: `noEntry` then. fstat(2)
public func statusIfOpen(_ raw: Int32) throws(SystemError) -> FileStatus {
    let flags = mt_syscall(Int(SYS_fcntl), Int(raw), Int(F_GETFD), 0, 0, 0, 0)
    guard flags >= 0 else {
        let errno = flags == -Int(EBADF) ? Errno.noEntry : Errno(rawValue: Int32(-flags))
        throw SystemError("fstat", errno, "descriptor \(raw)")
    }
    return try status(raw: raw)
}
