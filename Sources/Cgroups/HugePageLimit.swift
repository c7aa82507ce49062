// SPDX-License-Identifier: Apache-2.0

/// How much memory in huge pages of one size a sandbox may use. Zero forbids them.
///
/// A mapping that would go beyond is refused (`ENOMEM`). Huge pages are counted apart from `CgroupLimits.memory`.
public struct HugePageLimit: Sendable, Equatable {
    /// Bytes of one page, as those in /sys/kernel/mm/hugepages: 2 MiB, 1 GiB.
    public var pageSize: UInt64
    /// Bytes in all. The kernel rounds down to whole pages.
    public var bytes: UInt64

    public init(pageSize: UInt64, bytes: UInt64) {
        self.pageSize = pageSize
        self.bytes = bytes
    }

    /// The size as control files are named by it: `2MB`, `1GB`, `64KB`. mm/hugetlb_cgroup.c, mem_fmt
    static func name(ofSize bytes: UInt64) -> String {
        switch bytes {
        case (1 << 30)...: "\(bytes >> 30)GB"
        case (1 << 20)...: "\(bytes >> 20)MB"
        default: "\(bytes >> 10)KB"
        }
    }
}
