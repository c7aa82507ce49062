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

    /// Makes an open directory the root that paths begin at, and the working directory, which option strings of overlay
    /// are resolved from.
    mutating func set(_ directory: Int) throws(StepError) {
        try sys(Int(SYS_fchdir), directory)
        if descriptor >= 0 { close(descriptor) }
        descriptor = directory
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

    /// Opens a path, making it and its parents where they are missing and may be made.
    func open(_ path: WireString, creating kind: TargetKind) throws(StepError) -> Int {
        do throws(StepError) { return try open(path.start) } catch where error.errno == ENOENT && kind != .mustExist {
        } catch { throw error }
        return try make(path, kind: kind, mode: kind == .directory ? 0o755 : 0o644, linksLeft: 8)
    }

    /// Makes a path's missing parents and returns the parent's handle and the last component within the path.
    func openParent(_ path: WireString) throws(StepError) -> (parent: Int, name: Int) {
        guard path.count > 0, path.count < 4096 else { throw StepError(ENAMETOOLONG) }
        return try withUnsafeTemporaryAllocationOf(path.count + 1) { copy throws(StepError) in
            copy.update(from: path.start, count: path.count + 1)
            var end = path.count
            while end > 1, copy[end - 1] == slash { end -= 1 }
            copy[end] = 0
            var parent = try open("/")
            var index = 0
            while true {
                while copy[index] == slash { index += 1 }
                var next = index
                while copy[next] != 0, copy[next] != slash { next += 1 }
                if copy[next] == 0 { return (parent, index) }
                copy[next] = 0
                let child: Int
                do throws(StepError) { child = try openOrMakeDirectory(copy, name: index, in: parent) } catch {
                    close(parent)
                    throw error
                }
                close(parent)
                parent = child
                copy[next] = slash
                index = next
            }
        }
    }

    private func openOrMakeDirectory(
        _ prefix: UnsafeMutablePointer<CChar>, name: Int, in parent: Int
    ) throws(StepError) -> Int {
        do throws(StepError) { return try open(prefix) } catch where error.errno == ENOENT {} catch { throw error }
        try requireOwn(parent)
        try sys(Int(SYS_mkdirat), parent, word(prefix + name), 0o755)
        return try open(prefix, O_PATH_ONLY | O_DIRECTORY)
    }

    /// Whether names may be made in a directory: only on a file system that init made.
    func requireOwn(_ directory: Int) throws(StepError) {
        guard owns(UInt64(try fileStatus(directory).st_dev)) else { throw StepError(EXDEV) }
    }

    private func make(_ path: WireString, kind: TargetKind, mode: UInt32, linksLeft: Int) throws(StepError) -> Int {
        let (parent, name) = try openParent(path)
        defer { close(parent) }
        let last = path.start + name
        var linkTarget: (UInt64, UInt64) = (0, 0)
        let link = withUnsafeMutableBytes(of: &linkTarget) { buffer in
            mt_syscall(Int(SYS_readlinkat), parent, word(last), Int(bitPattern: buffer.baseAddress), buffer.count, 0, 0)
        }
        // A symlink whose target is missing, as /etc/resolv.conf often is: make the target instead.
        if link > 0 { return try makeTarget(ofLinkIn: parent, path: path, name: name, kind: kind, linksLeft: linksLeft) }
        try requireOwn(parent)
        if kind == .directory {
            try sys(Int(SYS_mkdirat), parent, word(last), Int(mode))
        } else {
            let flags = Int(O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)
            close(try sys(Int(SYS_openat), parent, word(last), flags, Int(mode)))
        }
        return try open(path.start)
    }

    private func makeTarget(
        ofLinkIn parent: Int, path: WireString, name: Int, kind: TargetKind, linksLeft: Int
    ) throws(StepError) -> Int {
        guard linksLeft > 0 else { throw StepError(ELOOP) }
        return try withUnsafeTemporaryAllocationOf(8192) { buffer throws(StepError) in
            let target = buffer + name
            let count = try sys(Int(SYS_readlinkat), parent, word(path.start + name), word(target), 4096)
            target[count] = 0
            if target[0] == slash { return try make(terminated(target, count), kind, linksLeft) }
            buffer.update(from: path.start, count: name)
            return try make(terminated(buffer, name + count), kind, linksLeft)
        }
    }

    private func terminated(_ start: UnsafeMutablePointer<CChar>, _ count: Int) -> WireString {
        WireString(start: start, count: count)
    }

    private func make(_ path: WireString, _ kind: TargetKind, _ linksLeft: Int) throws(StepError) -> Int {
        try make(path, kind: kind, mode: kind == .directory ? 0o755 : 0o644, linksLeft: linksLeft - 1)
    }
}

let slash = CChar(bitPattern: UInt8(ascii: "/"))
let O_PATH_ONLY: Int32 = 0o10000000

extension NewRoot {
    func open(_ path: StaticString) throws(StepError) -> Int {
        try open(UnsafeRawPointer(path.utf8Start).assumingMemoryBound(to: CChar.self))
    }
}

/// Scratch characters for the length of a call.
func withUnsafeTemporaryAllocationOf<Result>(
    _ count: Int, _ body: (UnsafeMutablePointer<CChar>) throws(StepError) -> Result
) throws(StepError) -> Result {
    let memory = UnsafeMutablePointer<CChar>.allocate(capacity: count)
    defer { memory.deallocate() }
    return try body(memory)
}
