// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Flags of open(2) and openat2(2). Close-on-exec is always added.
public struct OpenFlags: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    init(_ flag: Int32) { rawValue = UInt64(UInt32(bitPattern: flag)) }

    public static let readOnly = OpenFlags([])
    public static let writeOnly = OpenFlags(O_WRONLY)
    public static let readWrite = OpenFlags(O_RDWR)
    public static let create = OpenFlags(O_CREAT)
    public static let exclusive = OpenFlags(O_EXCL)
    public static let truncate = OpenFlags(O_TRUNC)
    public static let append = OpenFlags(O_APPEND)
    public static let directory = OpenFlags(O_DIRECTORY)
    public static let noFollow = OpenFlags(O_NOFOLLOW)
    public static let nonBlocking = OpenFlags(O_NONBLOCK)
    public static let noControllingTerminal = OpenFlags(O_NOCTTY)
    /// A handle on the path alone: no access to contents. Linux 2.6.39
    public static let pathOnly = OpenFlags(0o10000000)
    /// An unnamed file in the directory opened. Linux 3.11
    public static let unnamed = OpenFlags(0o20000000 | O_DIRECTORY)
}

/// How openat2(2) resolves a path. Linux 5.6
public struct ResolveFlags: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let noCrossDevice = ResolveFlags(rawValue: UInt64(RESOLVE_NO_XDEV))
    public static let noMagicLinks = ResolveFlags(rawValue: UInt64(RESOLVE_NO_MAGICLINKS))
    public static let noSymlinks = ResolveFlags(rawValue: UInt64(RESOLVE_NO_SYMLINKS))
    public static let beneath = ResolveFlags(rawValue: UInt64(RESOLVE_BENEATH))
    public static let inRoot = ResolveFlags(rawValue: UInt64(RESOLVE_IN_ROOT))
}

/// What a path begins at.
public enum PathBase: Sendable {
    case workingDirectory
    /// A directory descriptor, borrowed for the call.
    case descriptor(Int32)

    var raw: Int {
        switch self {
        case .workingDirectory: Int(AT_FDCWD)
        case .descriptor(let raw): Int(raw)
        }
    }
}

/// Opens a path. openat(2)
public func open(
    _ path: String, _ flags: OpenFlags = .readOnly, mode: UInt32 = 0, at base: PathBase = .workingDirectory
) throws(SystemError) -> Descriptor {
    try withPath("open", path) { name throws(SystemError) in
        Descriptor(
            owning: Int32(
                try kernel(
                    "open", path, Int(SYS_openat), base.raw, name,
                    Int(flags.rawValue) | Int(O_CLOEXEC), Int(mode))))
    }
}

/// Opens a path under resolution rules. Retries `EAGAIN`, which a concurrent rename can cause. openat2(2), Linux 5.6
public func open(
    _ path: String, _ flags: OpenFlags, mode: UInt32 = 0, at base: PathBase, resolving resolve: ResolveFlags
) throws(SystemError) -> Descriptor {
    var how = open_how()
    how.flags = flags.rawValue | UInt64(O_CLOEXEC)
    how.mode = UInt64(mode)
    how.resolve = resolve.rawValue
    var attempt = 0
    while true {
        do throws(SystemError) {
            return try withPath("openat2", path) { name throws(SystemError) in
                let raw = try withAddress(&how) { rules throws(SystemError) in
                    try kernel("open", path, Int(SYS_openat2), base.raw, name, rules, MemoryLayout<open_how>.size)
                }
                return Descriptor(owning: Int32(raw))
            }
        } catch where error.errno == .again && attempt < 64 {
            attempt += 1
        } catch {
            throw error
        }
    }
}

/// Reads up to `count` bytes; empty at the end of the file. read(2)
public func read(_ descriptor: borrowing Descriptor, upTo count: Int) throws(SystemError) -> [UInt8] {
    try read(raw: descriptor.rawValue, upTo: count)
}

/// Reads from a descriptor that someone else owns. read(2)
public func read(raw descriptor: Int32, upTo count: Int) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        do throws(SystemError) {
            initialized = try kernel(
                "read", "descriptor \(descriptor)", Int(SYS_read), Int(descriptor),
                Int(bitPattern: buffer.baseAddress), count)
        } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
}

/// Reads a file to its end. Files longer than `limit` bytes are `EFBIG`: nothing is cut off silently.
public func readAll(_ descriptor: borrowing Descriptor, limit: Int = 1 << 20) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
        let more = try read(descriptor, upTo: min(limit + 1 - bytes.count, max(4096, bytes.count)))
        if more.isEmpty { return bytes }
        if bytes.isEmpty { bytes = more } else { bytes += more }
        if bytes.count > limit { throw SystemError("read", .fileTooLarge, "descriptor \(descriptor.rawValue)") }
    }
}

/// The text of a small file, as those of /proc and /sys; `nil` where it does not exist.
public func readText(
    _ path: String, at base: PathBase = .workingDirectory, limit: Int = 1 << 20
) throws(SystemError) -> String? {
    do throws(SystemError) {
        let file = try open(path, at: base)
        return String(decoding: try readAll(file, limit: limit), as: UTF8.self)
    } catch where error.errno == .noEntry {
        return nil
    } catch {
        throw error
    }
}

/// Writes all bytes. write(2)
public func writeAll(_ descriptor: borrowing Descriptor, _ bytes: some Collection<UInt8>) throws(SystemError) {
    try writeAll(raw: descriptor.rawValue, bytes)
}

/// Writes all bytes to a descriptor that someone else owns. write(2)
public func writeAll(raw descriptor: Int32, _ bytes: some Collection<UInt8>) throws(SystemError) {
    let bytes = ContiguousArray(bytes)
    var written = 0
    var failure: SystemError?
    bytes.withUnsafeBytes { buffer in
        do throws(SystemError) {
            while written < buffer.count {
                written += try kernel(
                    "write", "descriptor \(descriptor)", Int(SYS_write), Int(descriptor),
                    Int(bitPattern: buffer.baseAddress) + written, buffer.count - written)
            }
        } catch { failure = error }
    }
    if let failure { throw failure }
}

/// Writes a text to an existing control file in one write, as the kernel's files want it.
public func writeText(_ text: String, to path: String, at base: PathBase = .workingDirectory) throws(SystemError) {
    let file = try open(path, .writeOnly, at: base)
    var text = text
    var failure: SystemError?
    text.withUTF8 { buffer in
        do throws(SystemError) {
            try kernel(
                "write", path, Int(SYS_write), Int(file.rawValue), Int(bitPattern: buffer.baseAddress), buffer.count)
        } catch { failure = error }
    }
    if let failure { throw failure }
}

/// Writes what can be written now and returns how much. write(2)
public func writeSome(raw descriptor: Int32, _ bytes: [UInt8]) throws(SystemError) -> Int {
    var outcome: Result<Int, SystemError> = .success(0)
    bytes.withUnsafeBytes { buffer in
        do throws(SystemError) {
            outcome = .success(
                try kernel(
                    "write", "descriptor \(descriptor)", Int(SYS_write), Int(descriptor),
                    Int(bitPattern: buffer.baseAddress), buffer.count))
        } catch { outcome = .failure(error) }
    }
    return try outcome.get()
}

/// A second, owned descriptor for a file that someone else has open; 10 or above. fcntl(2), `F_DUPFD_CLOEXEC`
public func duplicate(_ raw: Int32) throws(SystemError) -> Descriptor {
    Descriptor(
        owning: Int32(try kernel("fcntl F_DUPFD_CLOEXEC", nil, Int(SYS_fcntl), Int(raw), Int(F_DUPFD_CLOEXEC), 10)))
}

/// Makes reads and writes answer `EAGAIN` instead of waiting, or wait again. fcntl(2), `F_SETFL`
public func setNonBlocking(_ raw: Int32, _ isNonBlocking: Bool = true) throws(SystemError) {
    let flags = try kernel("fcntl F_GETFL", nil, Int(SYS_fcntl), Int(raw), Int(F_GETFL)) & ~Int(O_NONBLOCK)
    try kernel(
        "fcntl F_SETFL", nil, Int(SYS_fcntl), Int(raw), Int(F_SETFL), isNonBlocking ? flags | Int(O_NONBLOCK) : flags)
}

/// Sets the length of an open file; what is new reads as zeros and takes no space. ftruncate(2)
public func setSize(of file: borrowing Descriptor, _ bytes: UInt64) throws(SystemError) {
    try kernel("ftruncate", "descriptor \(file.rawValue)", Int(SYS_ftruncate), Int(file.rawValue), Int(bytes))
}

/// Waits until an open file, or directory, is on its disk. fsync(2)
public func synchronize(_ file: borrowing Descriptor) throws(SystemError) {
    try kernel("fsync", "descriptor \(file.rawValue)", Int(SYS_fsync), Int(file.rawValue))
}

/// Reads from a place in an open file, whatever its position; fewer bytes at the end. pread(2)
public func read(
    _ file: borrowing Descriptor, at offset: UInt64, upTo count: Int
) throws(SystemError) -> [UInt8] {
    try read(raw: file.rawValue, at: offset, upTo: count)
}

/// Reads from a place in a file that someone else has open. pread(2)
public func read(raw: Int32, at offset: UInt64, upTo count: Int) throws(SystemError) -> [UInt8] {
    let raw = Int(raw)
    // What lies beyond the largest offset is nowhere in the file.
    guard let offset = Int(exactly: offset) else { return [] }
    return try withUnsafeTemporaryAllocationOfBytes(count) { buffer throws(SystemError) in
        let read = try kernel(
            "pread", "descriptor \(raw)", Int(SYS_pread64), raw, Int(bitPattern: buffer.baseAddress), count, offset)
        return Array(buffer[0..<read])
    }
}
