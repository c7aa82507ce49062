// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What a file system holds. statfs(2)
struct DiskUse {
    var bytes: UInt64
    var inodes: UInt64
    /// Whether no block or no inode is left.
    var isFull: Bool
}

/// Measures the file system of an open file; `nil` for -1, and where it cannot be told.
func diskUse(_ descriptor: Int) -> DiskUse? {
    guard descriptor >= 0 else { return nil }
    // struct statfs of 64-bit kernels: type, block size, blocks, free, available, files, free files, and what is not used.
    var words: (Words, Words) = ((0, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 0))
    let result = withUnsafeMutablePointer(to: &words) { words in
        mt_syscall(Int(SYS_fstatfs), descriptor, Int(bitPattern: words), 0, 0, 0, 0)
    }
    guard result == 0 else { return nil }
    let (_, blockSize, blocks, free, _, files, freeFiles, _) = words.0
    guard blocks > 0 else { return nil }
    return DiskUse(
        bytes: (blocks &- free) &* blockSize, inodes: files &- freeFiles,
        isFull: free == 0 || files > 0 && freeFiles == 0)
}
