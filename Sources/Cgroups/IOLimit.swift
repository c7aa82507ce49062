// SPDX-License-Identifier: Apache-2.0

/// A block device by its numbers, as `254:0`.
public struct BlockDeviceNumber: Sendable, Hashable, CustomStringConvertible {
    public var major: UInt32
    public var minor: UInt32

    public init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    /// As cgroup files and /sys/dev/block spell it; `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = UInt32(decimal: parts[0]), let minor = UInt32(decimal: parts[1]) else {
            return nil
        }
        self.init(major: major, minor: minor)
    }

    public var description: String { "\(major):\(minor)" }
}

/// What one disk may be asked for in a second. `nil` is no limit; a limit of zero is an error.
///
/// The disk is a whole one: the kernel counts no partitions (`BlockDeviceNumber.wholeDisk`). Held are requests as they reach
/// the disk. On v1 these are reads and direct writes alone: what processes write through the page cache is written back later
/// in the kernel's name. On v2 that too is held, on file systems that support it (ext4, btrfs, xfs, f2fs) and where memory is
/// limited as well.
/// Documentation/admin-guide/cgroup-v2.rst, "Writeback"
public struct IOLimit: Sendable, Equatable {
    public var device: BlockDeviceNumber
    public var readBytesPerSecond: UInt64?
    public var writeBytesPerSecond: UInt64?
    public var readOperationsPerSecond: UInt64?
    public var writeOperationsPerSecond: UInt64?

    public init(
        device: BlockDeviceNumber, readBytesPerSecond: UInt64? = nil, writeBytesPerSecond: UInt64? = nil,
        readOperationsPerSecond: UInt64? = nil, writeOperationsPerSecond: UInt64? = nil
    ) {
        self.device = device
        self.readBytesPerSecond = readBytesPerSecond
        self.writeBytesPerSecond = writeBytesPerSecond
        self.readOperationsPerSecond = readOperationsPerSecond
        self.writeOperationsPerSecond = writeOperationsPerSecond
    }
}
