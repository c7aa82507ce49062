// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// The few numbers of an ext4 file system's superblock that sizing one takes, read while it is not mounted.
///
/// - SeeAlso: Documentation/filesystems/ext4/super.rst
struct Ext4Superblock: Sendable, Equatable {
    var blockSize: UInt64
    var blocks: UInt64
    var freeBlocks: UInt64
    var inodes: UInt64
    var freeInodes: UInt64
    /// Whether the kernel has found errors in it.
    var hasErrors: Bool

    /// `nil` where there is none, and for numbers that no file system has: more free than there are, or more bytes than
    /// can be counted. The image may have been anybody's.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 1024 else { return nil }
        func number(_ offset: Int, _ size: Int) -> UInt64 {
            (0..<size).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
        }
        guard number(0x38, 2) == 0xEF53, number(0x18, 4) <= 6 else { return nil }
        blockSize = 1024 << number(0x18, 4)
        blocks = number(0x4, 4) | number(0x150, 4) << 32
        freeBlocks = number(0xC, 4) | number(0x158, 4) << 32
        inodes = number(0x0, 4)
        freeInodes = number(0x10, 4)
        hasErrors = number(0x3A, 2) & 2 != 0
        guard freeBlocks <= blocks, freeInodes <= inodes, !blocks.multipliedReportingOverflow(by: blockSize).overflow
        else { return nil }
    }

    init?(of image: borrowing Descriptor) throws(SystemError) { self.init(try read(image, at: 1024, upTo: 1024)) }

    /// Bytes that files may still take. When mounted, ext4 keeps a fiftieth, at most 4,096 blocks, for what it must not fail
    /// to write. fs/ext4/super.c, `ext4_calculate_resv_clusters`
    var usableBytes: UInt64 {
        let kept = min(blocks / 50, 4096)
        return freeBlocks > kept ? (freeBlocks - kept) * blockSize : 0
    }
}
