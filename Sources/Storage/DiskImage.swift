// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// A file system of a certain size in a sparse file: what a kept overlay lives in where the file system around it has no
/// quota for it.
///
/// It is made and enlarged with e2fsprogs, which get the open file as their standard input, and mounted by the kernel
/// through a loop device, attached nowhere: only the descriptor that `mount` returns leads into it. Nobody but the kernel
/// and e2fsprogs ever writes to the file, so what the kernel reads there is what it wrote.
struct DiskImage {
    static let name = "disk.img"
    private static let temporaryName = "disk.img.new"

    /// The overlay directory, borrowed, and its path for messages.
    let directory: Int32
    let path: String
    let tools: ToolRun

    private var imagePath: String { "\(path)/\(Self.name)" }

    // MARK: Making

    /// What mke2fs is told about the image.
    private struct Shape {
        let limit: UInt64
        let inodes: UInt64
        /// Small ones have small blocks: a journal has at least 1,024 of them.
        var blockSize: UInt64 { limit < 64 << 20 ? 1024 : 4096 }
        var journalMebibytes: UInt64 { blockSize == 1024 ? 1 : min(64, max(4, limit >> 26)) }
        static let inodeSize: UInt64 = 256

        /// A first guess; what counts is what is free in the end.
        var blocks: UInt64 {
            let tables = inodes * Self.inodeSize + journalMebibytes << 20
            let kept = min(limit / 50, 4096 * blockSize)
            return (limit + tables + kept + (limit + tables) / 1000 + 256 << 10) / blockSize
        }

        /// The features are named one by one: what a distribution's mke2fs.conf adds, an older kernel may not know.
        var arguments: [String] {
            [
                "-q", "-F", "-t", "ext4", "-b", "\(blockSize)", "-I", "\(Self.inodeSize)", "-m", "0", "-N", "\(inodes)",
                "-J", "size=\(journalMebibytes)", "-e", "remount-ro", "-L", "martinet", "-O",
                "none,has_journal,ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,"
                    + "dir_nlink,extra_isize,metadata_csum",
                "-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0",
            ]
        }
    }

    /// Beside what is asked for: the ten inodes of ext4's own, `lost+found`, `upper`, `work` with what overlayfs makes in
    /// it, `reserve` with the sixteen files that are kept in it.
    private static let ownInodes: UInt64 = 32
    private static let ownBytes: UInt64 = 80 << 10

    /// Makes an empty image. One that was begun and not finished is made anew.
    func make(bytes: UInt64, inodes: UInt64) throws(StorageError) {
        let shape = Shape(limit: bytes, inodes: inodes + Self.ownInodes)
        let file = try open(Self.temporaryName, .create)
        try lock(file)  // mke2fs of a launcher that was killed may still be at it
        let wanted = bytes + Self.ownBytes
        var blocks = shape.blocks
        for _ in 0..<6 {
            try resizing { () throws(SystemError) in
                try setSize(of: file, 0)
                try setSize(of: file, blocks * shape.blockSize)
            }
            try tools.run("mke2fs", shape.arguments, on: file, "make", imagePath)
            let usable = try superblock(of: file).usableBytes
            if usable >= wanted, usable - wanted <= max(bytes / 200, 8 * shape.blockSize) { break }
            // What is missing, with what it takes besides: the map of its blocks, and the fiftieth that is kept.
            blocks =
                usable < wanted
                ? blocks + ((wanted - usable) * 103 / 100) / shape.blockSize + 1
                : blocks - (usable - wanted) / shape.blockSize
        }
        try resizing { () throws(SystemError) in
            try synchronize(file)
            let base = PathBase.descriptor(directory)
            try rename(Self.temporaryName, to: Self.name, at: base, toBase: base)
        }
    }

    // MARK: Enlarging

    /// Enlarges an image that is not mounted. The record says how far it has come, and is written by the caller's `note`
    /// before anything is changed.
    func grow(
        _ record: inout StoreRecord, to bytes: UInt64, note: (StoreRecord) throws(StorageError) -> Void
    ) throws(StorageError) {
        let file = try openLocked()
        // resize2fs wants it, and it is right: the last to write to it may have been a machine that stopped.
        try check(file)
        var state = try superblock(of: file)
        if record.usableBefore == nil {
            record.usableBefore = state.usableBytes
            try note(record)
        }
        let before = record.usableBefore ?? 0
        let wanted = bytes - (record.limit.bytes ?? 0)
        for _ in 0..<6 {
            let gained = state.usableBytes > before ? state.usableBytes - before : 0
            guard gained + max(wanted / 200, 8 * state.blockSize) < wanted else { break }
            let blocks = state.blocks + ((wanted - gained) * 103 / 100) / state.blockSize + 1
            try resizing { () throws(SystemError) in try setSize(of: file, blocks * state.blockSize) }
            try tools.run("resize2fs", [], on: file, "enlarge", imagePath)
            state = try superblock(of: file)
        }
        try resizing { () throws(SystemError) in try synchronize(file) }
        record.limit.bytes = bytes
        record.usableBefore = nil
        try note(record)
    }

    private func check(_ file: borrowing Descriptor) throws(StorageError) {
        // Exit status 1: there were errors and they are corrected. e2fsck(8)
        try tools.run("e2fsck", ["-f", "-p"], on: file, "check", imagePath, accepting: [0, 1])
    }

    // MARK: Mounting

    /// Mounts the image, attached nowhere. It is unmounted, and its loop device free again, when the last descriptor and the
    /// last mount made from it are gone.
    func mount() throws(StorageError) -> Descriptor {
        let file = try openLocked()
        let state = try superblock(of: file)
        if state.hasErrors { try check(file) }
        let loop: LoopDevice
        do throws(SystemError) { loop = try LoopDevice.attach(file, name: imagePath) } catch {
            throw StorageError("attach to a loop device", imagePath, error, hint: Self.loopHint(error))
        }
        let device = loop.device.rawValue
        do throws(SystemError) {
            // `discard`: what is deleted inside is given back to the file system around the image, a moment later; what is
            // deleted in the sandbox's last moment stays taken until it is written over.
            return try makeFileSystem(
                "ext4", options: ["source=/proc/self/fd/\(device)", "discard"], attributes: [.noSetuid, .noDevices])
        } catch {
            throw StorageError(
                .system, "mount", imagePath, "\(error.errno)",
                hint: error.errno == .noDevice
                    ? "this kernel has no ext4: modprobe ext4" : "e2fsck -f \(imagePath) says what is wrong with it",
                underlying: error)
        }
    }

    private static func loopHint(_ error: SystemError) -> String? {
        switch error.errno {
        case .noEntry: "there are no loop devices: modprobe loop"
        case .notPermitted, .permissionDenied: "loop devices take CAP_SYS_ADMIN, and a device cgroup that allows b 7:*"
        default: nil
        }
    }

    // MARK: The file

    private func open(_ name: String, _ flags: OpenFlags) throws(StorageError) -> Descriptor {
        try reporting("open", "\(path)/\(name)") { () throws(SystemError) in
            try LinuxKernel.open(
                name, [.readWrite, .noFollow, .nonBlocking, flags], mode: flags.contains(.create) ? 0o600 : 0,
                at: .descriptor(directory), resolving: [.beneath, .noSymlinks, .noMagicLinks, .noCrossDevice])
        }
    }

    private func openLocked() throws(StorageError) -> Descriptor {
        let file = try open(Self.name, [])
        let facts = try reporting("check", imagePath) { () throws(SystemError) in try status(of: file) }
        try requirePrivate(facts, imagePath, kind: .regular)
        try lock(file)
        return file
    }

    /// Waits until nobody writes to the image any more: two at once would ruin it. The lock goes with the open file, which
    /// a loop device holds until it is done, and a tool as its standard input, also when the launcher has gone.
    private func lock(_ file: borrowing Descriptor) throws(StorageError) {
        // The last sandbox may have ended this moment, with much to write back.
        for _ in 0..<3000 {
            let isFree = try reporting("lock", imagePath) { () throws(SystemError) in try tryLock(file) }
            if isFree { return }
            _ = try? poll([], milliseconds: 10)
        }
        throw StorageError(
            .inUse, "use", imagePath, "a loop device, or a tool, still has it",
            hint: "losetup --associated \(imagePath) and fuser \(imagePath) show which")
    }

    private func superblock(of file: borrowing Descriptor) throws(StorageError) -> Ext4Superblock {
        let found = try reporting("read", imagePath) { () throws(SystemError) in try Ext4Superblock(of: file) }
        guard let found else { throw StorageError(.malformed, "use", imagePath, "it holds no ext4 file system") }
        return found
    }

    private func resizing(_ body: () throws(SystemError) -> Void) throws(StorageError) {
        do throws(SystemError) { try body() } catch {
            throw StorageError(
                "set the size of", imagePath, error,
                hint: error.errno == .fileTooLarge ? "the file system around it takes no file of that size" : nil)
        }
    }
}
