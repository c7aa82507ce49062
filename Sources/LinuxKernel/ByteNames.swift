// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A file name as the kernel has it: bytes, which need not be UTF-8.
///
/// Whoever removes or guards a tree that an agent wrote must reach every name in it, so those walks use names, not strings.
public struct ByteName: Sendable, Hashable {
    public var bytes: [UInt8]

    public init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }
    public init(_ text: String) { bytes = Array(text.utf8) }

    /// The name as text; `nil` where it is not UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }

    /// The name as text, what is not UTF-8 replaced by U+FFFD.
    public var repairedText: String { String(decoding: bytes, as: UTF8.self) }
}

/// One name in a directory, by its bytes.
public struct ByteDirectoryEntry: Sendable, Hashable {
    public var name: ByteName
    /// `nil` where the file system does not say.
    public var kind: FileKind?

    public init(name: ByteName, kind: FileKind?) {
        self.name = name
        self.kind = kind
    }
}

/// The names in an open directory, without `.` and `..`, in the kernel's order, byte by byte. getdents64(2)
public func byteEntries(of directory: borrowing Descriptor) throws(SystemError) -> [ByteDirectoryEntry] {
    var entries: [ByteDirectoryEntry] = []
    try kernel("lseek", nil, Int(SYS_lseek), Int(directory.rawValue), 0, Int(SEEK_SET))
    try forEachName(in: directory) { name, kind in
        entries.append(ByteDirectoryEntry(name: ByteName(name), kind: kind))
    }
    return entries
}

/// Shows each name in a newly opened directory to `body`, without `.` and `..`, in the kernel's order. The bytes are valid only
/// during the call; the kind is `nil` where the file system does not say. getdents64(2)
public func forEachName(
    in directory: borrowing Descriptor, _ body: (UnsafeRawBufferPointer, FileKind?) -> Void
) throws(SystemError) {
    let raw = directory.rawValue
    try withUnsafeTemporaryAllocationOfBytes(32768) { buffer throws(SystemError) in
        while true {
            let count = try kernel(
                "getdents64", "descriptor \(raw)", Int(SYS_getdents64), Int(raw), Int(bitPattern: buffer.baseAddress),
                buffer.count)
            if count == 0 { return }
            var offset = 0
            // struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name (NUL-terminated)
            while offset < count {
                let length = Int(buffer.loadUnaligned(fromByteOffset: offset + 16, as: UInt16.self))
                let type = buffer[offset + 18]
                let start = offset + 19
                var end = start
                while end < offset + length, buffer[end] != 0 { end += 1 }
                let name = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
                if !(name.elementsEqual([0x2E]) || name.elementsEqual([0x2E, 0x2E])) {
                    body(name, FileKind(rawValue: UInt32(type) << 12))
                }
                offset += length
            }
        }
    }
}

/// Opens one name in a directory under resolution rules. openat2(2), Linux 5.6
public func open(
    _ name: ByteName, _ flags: OpenFlags, in directory: borrowing Descriptor, resolving resolve: ResolveFlags
) throws(SystemError) -> Descriptor {
    var how = open_how()
    how.flags = flags.rawValue | UInt64(O_CLOEXEC)
    how.resolve = resolve.rawValue
    let base = Int(directory.rawValue)
    var attempt = 0
    while true {
        do throws(SystemError) {
            let raw = try withBytes(of: name) { path throws(SystemError) in
                try withAddress(&how) { rules throws(SystemError) in
                    try kernel(
                        "open", name.repairedText, Int(SYS_openat2), base, path, rules, MemoryLayout<open_how>.size)
                }
            }
            return Descriptor(owning: Int32(raw))
        } catch where error.errno == .again && attempt < 64 {
            attempt += 1
        } catch {
            throw error
        }
    }
}

/// The status of one name in a directory, a symlink not followed; `nil` where nothing is there. newfstatat(2)
public func status(of name: ByteName, in directory: borrowing Descriptor) throws(SystemError) -> FileStatus? {
    var raw = stat()
    let base = Int(directory.rawValue)
    do throws(SystemError) {
        try withBytes(of: name) { path throws(SystemError) in
            try withAddress(&raw) { result throws(SystemError) in
                _ = try kernel(
                    "stat", name.repairedText, Int(SYS_newfstatat), base, path, result, Int(AT_SYMLINK_NOFOLLOW))
            }
        }
    } catch where error.errno == .noEntry {
        return nil
    } catch {
        throw error
    }
    return FileStatus(raw)
}

/// Removes one name from a directory: a file, or an empty directory. unlinkat(2)
public func remove(
    _ name: ByteName, directory isDirectory: Bool, in directory: borrowing Descriptor
) throws(SystemError) {
    let base = Int(directory.rawValue)
    try withBytes(of: name) { path throws(SystemError) in
        _ = try kernel(
            isDirectory ? "rmdir" : "unlink", name.repairedText, Int(SYS_unlinkat), base, path,
            isDirectory ? Int(AT_REMOVEDIR) : 0)
    }
}

/// Moves one name from a directory to another; an existing target is an error (EEXIST). renameat2(2), Linux 3.15
public func rename(
    _ old: ByteName, in directory: borrowing Descriptor, to new: ByteName, in target: borrowing Descriptor
) throws(SystemError) {
    let (from, onto) = (Int(directory.rawValue), Int(target.rawValue))
    try withBytes(of: old) { oldPath throws(SystemError) in
        try withBytes(of: new) { newPath throws(SystemError) in
            let noReplace = 1  // RENAME_NOREPLACE
            _ = try kernel("rename", old.repairedText, Int(SYS_renameat2), from, oldPath, onto, newPath, noReplace)
        }
    }
}

/// Sets the permission bits of what a path-only descriptor names, which fchmod(2) cannot. fchmodat(2) on /proc/self/fd
public func changeMode(ofPath descriptor: borrowing Descriptor, _ mode: UInt32) throws(SystemError) {
    let path = ByteName("/proc/self/fd/\(descriptor.rawValue)")
    try withBytes(of: path) { name throws(SystemError) in
        _ = try kernel("chmod", path.repairedText, Int(SYS_fchmodat), Int(AT_FDCWD), name, Int(mode))
    }
}

/// Calls `body` with the name as a C string.
private func withBytes<Result>(
    of name: ByteName, _ body: (Int) throws(SystemError) -> Result
) throws(SystemError) -> Result {
    if name.bytes.contains(0) { throw SystemError("path", .invalid, name.repairedText) }
    let terminated = name.bytes + [0]
    let result: Swift.Result<Result, SystemError> = terminated.withUnsafeBufferPointer { buffer in
        do throws(SystemError) {
            return .success(try body(Int(bitPattern: buffer.baseAddress)))
        } catch { return .failure(error) }
    }
    return try result.get()
}
