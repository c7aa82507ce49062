// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What file systems hold. statfs(2)
struct DiskUse {
    var bytes: UInt64
    var inodes: UInt64
    /// Whether one of them has no block or no inode left.
    var isFull: Bool
}

/// The sandbox's writable file systems, kept open to be measured at its end.
struct WatchedDisks {
    private var files = (-1, -1)

    /// Takes an open file of one of them; there is room for two.
    mutating func add(_ file: Int) throws(StepError) {
        if files.0 < 0 {
            files.0 = file
        } else if files.1 < 0 {
            files.1 = file
        } else {
            close(file)
            throw StepError(ENOSPC)
        }
    }

    /// All of them together; `nil` where there is none that can be told of.
    func use() -> DiskUse? {
        guard var sum = diskUse(files.0) else { return diskUse(files.1) }
        if let second = diskUse(files.1) {
            sum.bytes += second.bytes
            sum.inodes += second.inodes
            sum.isFull = sum.isFull || second.isFull
        }
        return sum
    }
}

/// Measures the file system of an open file; `nil` for -1, and where it cannot be told.
private func diskUse(_ descriptor: Int) -> DiskUse? {
    guard descriptor >= 0 else { return nil }
    // struct statfs of 64-bit kernels: type, block size, blocks, free, available, files, free files, and what is not used.
    var words: (Words, Words) = ((0, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 0))
    let result = withUnsafeMutablePointer(to: &words) { words in
        mt_syscall(Int(SYS_fstatfs), descriptor, Int(bitPattern: words), 0, 0, 0, 0)
    }
    guard result == 0 else { return nil }
    // What is available may be less than what is free: ext4 keeps some blocks for its own needs.
    let (type, blockSize, blocks, free, available, files, freeFiles, _) = words.0
    guard blocks > 0 else { return nil }
    // Memory is given out to the last page. On a disk a write is refused while its map, too, might not find a block.
    let leftWhenFull = type == UInt64(TMPFS_MAGIC) ? 0 : blocks / 256 + 16
    return DiskUse(
        bytes: (blocks &- free) &* blockSize, inodes: files &- freeFiles,
        isFull: available <= leftWhenFull || files > 0 && freeFiles == 0)
}
