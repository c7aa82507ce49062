// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Resolves paths inside the new root, and makes what is missing, on file systems that init made itself.
///
/// The root is a descriptor; `RESOLVE_IN_ROOT` keeps every symlink, absolute or `..`, inside it, and no magic link is
/// followed. Nothing is ever created on a file system that came from the host: a mount point missing there is `EXDEV`.
struct NewRoot {
    private var descriptor = -1
    private var ownDevices: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    private var ownDeviceCount = 0
    private var lastParent = CachedParent()

    /// Makes an open directory the root that paths begin at, and the working directory, which option strings of overlay
    /// are resolved from.
    mutating func set(_ directory: Int) throws(StepError) {
        try sys(Int(SYS_fchdir), directory)
        if descriptor >= 0 { close(descriptor) }
        descriptor = directory
        forgetParent()
    }

    var raw: Int { descriptor }

    /// Notes that a file system is the sandbox's own.
    mutating func own(fileSystemOf mount: Int) throws(StepError) {
        let device = UInt64(try fileStatus(mount).st_dev)
        guard ownDeviceCount < 8 else { return }  // more are merely not written to
        withUnsafeMutableBytes(of: &ownDevices) {
            $0.storeBytes(of: device, toByteOffset: ownDeviceCount * 8, as: UInt64.self)
        }
        ownDeviceCount += 1
    }

    private func owns(_ device: UInt64) -> Bool {
        withUnsafeBytes(of: ownDevices) { bytes in
            for index in 0..<ownDeviceCount where bytes.load(fromByteOffset: index * 8, as: UInt64.self) == device {
                return true
            }
            return false
        }
    }

    // MARK: Opening

    /// Opens a path inside; by default a handle on it without access to its contents. openat2(2)
    func open(_ path: UnsafePointer<CChar>, _ flags: Int32 = O_PATH_ONLY, mode: UInt32 = 0) throws(StepError) -> Int {
        guard descriptor >= 0 else { throw StepError(ENOTCONN) }
        var how = open_how()
        how.flags = UInt64(UInt32(bitPattern: flags | O_CLOEXEC))
        how.mode = UInt64(mode)
        how.resolve = UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
        var tries = 0
        while true {
            do throws(StepError) {
                return try withWord(&how) { how throws(StepError) in
                    try sys(Int(SYS_openat2), descriptor, word(path), how, MemoryLayout<open_how>.size)
                }
            } catch where error.errno == EAGAIN && tries < 64 {
                tries += 1  // a rename somewhere in the path
            } catch { throw error }
        }
    }

    func open(_ path: StaticString, _ flags: Int32 = O_PATH_ONLY) throws(StepError) -> Int {
        try open(UnsafeRawPointer(path.utf8Start).assumingMemoryBound(to: CChar.self), flags)
    }

    // MARK: Making

    /// Opens a path, making it and its parents where they are missing and may be made.
    mutating func open(_ path: WireString, creating kind: TargetKind) throws(StepError) -> Int {
        if kind == .mustExist { return try open(path.start) }
        return try make(path, kind: kind, linksLeft: 8)
    }

    /// Makes what is missing first and asks only then what is there: in a new root nearly everything is missing.
    private mutating func make(_ path: WireString, kind: TargetKind, linksLeft: Int) throws(StepError) -> Int {
        let (parent, name) = try self.parent(of: path)
        let last = path.start + name
        do throws(StepError) {
            try requireOwn(parent)
            if kind == .directory {
                try sys(Int(SYS_mkdirat), parent.descriptor, word(last), 0o755)
                return try sys(
                    Int(SYS_openat), parent.descriptor, word(last),
                    Int(O_PATH_ONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), 0)
            }
            let flags = Int(O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)
            return try sys(Int(SYS_openat), parent.descriptor, word(last), flags, 0o644)
        } catch where error.errno == EEXIST || error.errno == EXDEV {
            return try openExisting(path, name: name, kind: kind, otherwise: error, linksLeft: linksLeft)
        } catch { throw error }
    }

    private mutating func openExisting(
        _ path: WireString, name: Int, kind: TargetKind, otherwise: StepError, linksLeft: Int
    ) throws(StepError) -> Int {
        do throws(StepError) {
            let place = try open(path.start)
            do throws(StepError) { try refuseOddPlace(place) } catch {
                close(place)
                throw error
            }
            return place
        } catch where error.errno == ENOENT {} catch { throw error }
        // There, and yet not there: a symlink whose target is missing, as /etc/resolv.conf often is. Or on the host.
        guard otherwise.errno == EEXIST else { throw otherwise }
        guard linksLeft > 0 else { throw StepError(ELOOP) }
        let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: 8192)
        defer { buffer.deallocate() }
        let target = buffer + name
        let parent = try self.parent(of: path).parent.descriptor
        let count = try sys(Int(SYS_readlinkat), parent, word(path.start + name), word(target), 4095)
        target[count] = 0
        if target[0] == slash {
            return try make(WireString(start: target, count: count), kind: kind, linksLeft: linksLeft - 1)
        }
        buffer.update(from: path.start, count: name)
        return try make(WireString(start: buffer, count: name + count), kind: kind, linksLeft: linksLeft - 1)
    }

    /// Names may be made only on a file system that init made.
    func requireOwn(_ parent: CachedParent) throws(StepError) {
        guard parent.isOwn else { throw StepError(EXDEV) }
    }

    func requireFileSystem(_ path: WireString, magic: UInt64) throws(StepError) {
        let place = try open(path.start)
        defer { close(place) }
        guard try fileSystemMagic(place) == magic else { throw StepError(ESTALE) }
    }

    /// Places that only a symlink of the root file system's leads to, and where no mount may go. In /proc and /sys it would
    /// cover what the kernel says about the sandbox, or the masks. On the root itself it would be in nobody's way: paths
    /// begin below it, guards would be looked for there, and "/.." leads to what is on top.
    /// CVE-2025-52881, CVE-2019-19921; path_resolution(7)
    private func refuseOddPlace(_ place: Int) throws(StepError) {
        let magic = try fileSystemMagic(place)
        for kernels in [PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP2_SUPER_MAGIC] where magic == UInt64(kernels) {
            throw StepError(ELOOP)
        }
        let found = try fileStatus(place)
        let top = try fileStatus(descriptor)
        guard found.st_dev != top.st_dev || found.st_ino != top.st_ino else { throw StepError(ELOOP) }
    }

    /// fstatfs(2)
    private func fileSystemMagic(_ place: Int) throws(StepError) -> UInt64 {
        // struct statfs begins with f_type, a word.
        try withUnsafeTemporaryAllocationOf(256) { facts throws(StepError) in
            try sys(Int(SYS_fstatfs), place, word(facts))
            return UnsafeRawPointer(facts).loadUnaligned(as: UInt64.self)
        }
    }

    func isOwn(_ descriptor: Int) throws(StepError) -> Bool { owns(UInt64(try fileStatus(descriptor).st_dev)) }

    // MARK: Parents

    /// The directory that a path's last component is in, made where it is missing, and where in the path that component
    /// begins. The directory stays open until another one is asked for: programs make many files in one place.
    mutating func parent(of path: WireString) throws(StepError) -> (parent: CachedParent, name: Int) {
        guard path.count > 0, path.count < 4096 else { throw StepError(ENAMETOOLONG) }
        guard path.start[path.count - 1] != slash else { throw StepError(EINVAL) }
        var name = path.count
        while name > 0, path.start[name - 1] != slash { name -= 1 }
        if lastParent.names(path, upTo: name) { return (lastParent, name) }
        forgetParent()
        let found = try openDirectory(path, upTo: name)
        do throws(StepError) { lastParent = CachedParent(found, path, upTo: name, isOwn: try isOwn(found)) } catch {
            close(found)
            throw error
        }
        return (lastParent, name)
    }

    private func openDirectory(_ path: WireString, upTo end: Int) throws(StepError) -> Int {
        if end <= 1 { return try open(end == 0 ? "." : "/") }
        return try withUnsafeTemporaryAllocationOf(end) { prefix throws(StepError) in
            prefix.update(from: path.start, count: end)
            prefix[end - 1] = 0  // the slash
            do throws(StepError) { return try open(prefix, O_PATH_ONLY | O_DIRECTORY) } catch
                where error.errno == ENOENT
            {
            } catch { throw error }
            return try makeDirectories(prefix)
        }
    }

    private func makeDirectories(_ path: UnsafeMutablePointer<CChar>) throws(StepError) -> Int {
        var parent = try open("/")
        var index = 0
        while true {
            while path[index] == slash { index += 1 }
            if path[index] == 0 { return parent }
            var next = index
            while path[next] != 0, path[next] != slash { next += 1 }
            let end = path[next]
            path[next] = 0
            let child: Int
            do throws(StepError) { child = try openOrMakeDirectory(path, name: index, in: parent) } catch {
                close(parent)
                throw error
            }
            close(parent)
            parent = child
            path[next] = end
            index = next
        }
    }

    private func openOrMakeDirectory(
        _ prefix: UnsafeMutablePointer<CChar>, name: Int, in parent: Int
    ) throws(StepError) -> Int {
        do throws(StepError) { return try open(prefix, O_PATH_ONLY | O_DIRECTORY) } catch where error.errno == ENOENT {
        } catch { throw error }
        guard try isOwn(parent) else { throw StepError(EXDEV) }
        try sys(Int(SYS_mkdirat), parent, word(prefix + name), 0o755)
        return try open(prefix, O_PATH_ONLY | O_DIRECTORY)
    }

    /// To be called whenever something is mounted: the directory kept may be another one by its path now.
    mutating func forgetParent() {
        if lastParent.descriptor >= 0 { close(lastParent.descriptor) }
        lastParent = CachedParent()
    }

    /// The same, where the mount's own path is known: mounts below the kept directory do not concern it.
    mutating func mounted(on path: WireString) {
        if lastParent.isAtOrBelow(path) { forgetParent() }
    }
}

/// A directory that is kept open, and the beginning of the path that named it: borrowed from the program, which stays.
struct CachedParent {
    private(set) var descriptor = -1
    private(set) var isOwn = false
    private var path = UnsafePointer<CChar>(bitPattern: 1)
    private var count = 0

    init() {}

    init(_ descriptor: Int, _ path: WireString, upTo count: Int, isOwn: Bool) {
        self.descriptor = descriptor
        self.isOwn = isOwn
        self.path = path.start
        self.count = count
    }

    /// Whether a path up to a position is the one that named this.
    func names(_ other: WireString, upTo end: Int) -> Bool {
        descriptor >= 0 && end == count && hasPrefix(other.start, end)
    }

    func isAtOrBelow(_ other: WireString) -> Bool {
        descriptor >= 0 && other.count <= count && hasPrefix(other.start, other.count)
    }

    private func hasPrefix(_ other: UnsafePointer<CChar>, _ length: Int) -> Bool {
        guard let path else { return false }
        for index in 0..<length where path[index] != other[index] { return false }
        return true
    }
}

let slash = CChar(bitPattern: UInt8(ascii: "/"))
let O_PATH_ONLY: Int32 = 0o10000000

/// Scratch characters for the length of a call.
func withUnsafeTemporaryAllocationOf<Result>(
    _ count: Int, _ body: (UnsafeMutablePointer<CChar>) throws(StepError) -> Result
) throws(StepError) -> Result {
    let memory = UnsafeMutablePointer<CChar>.allocate(capacity: count)
    defer { memory.deallocate() }
    return try body(memory)
}
