// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Huge pages by their size: `hugetlb.2MB.max` on v2 (Linux 5.6), `hugetlb.2MB.limit_in_bytes` on v1.
///
/// Beyond these limits alone a page that was promised is refused when it is touched, with SIGBUS. The limits of reservations
/// beside them (Linux 5.7) refuse the promise, with ENOMEM, and are set alike where the kernel has them.
enum HugeTLBController: LimitController {
    static let controller = CgroupController.hugetlb

    static func isNeeded(for limits: CgroupLimits) -> Bool { !limits.hugetlb.isEmpty }

    static func settings(for limits: CgroupLimits, version: CgroupVersion) throws(CgroupError) -> [ControlSetting] {
        var settings: [ControlSetting] = []
        var seen: Set<UInt64> = []
        for limit in limits.hugetlb {
            let name = HugePageLimit.name(ofSize: limit.pageSize)
            guard limit.pageSize >= 4096, limit.pageSize.nonzeroBitCount == 1 else {
                throw CgroupError(
                    .invalidLimit, "hugetlb", reason: "no page has \(limit.pageSize) bytes",
                    hint: "ls /sys/kernel/mm/hugepages lists the sizes")
            }
            guard seen.insert(limit.pageSize).inserted else {
                throw CgroupError(
                    .invalidLimit, "hugetlb", reason: "\(name) is limited twice", hint: "write one limit a page size")
            }
            let file = version == .v1 ? "limit_in_bytes" : "max"
            settings.append(
                ControlSetting(file: "hugetlb.\(name).rsvd.\(file)", value: "\(limit.bytes)", necessity: .whereKnown))
            settings.append(ControlSetting(file: "hugetlb.\(name).\(file)", value: "\(limit.bytes)"))
        }
        return settings
    }

    static func cure(for refusal: SystemError, of setting: ControlSetting, in files: ControlFiles) -> String? {
        guard refusal.errno == .noEntry, let sizes = try? pageSizes() else { return nil }
        if sizes.isEmpty { return "this kernel has no huge pages" }
        return "this machine's huge pages are of \(sizes.map(HugePageLimit.name).joined(separator: " and "))"
    }

    /// The sizes of /sys/kernel/mm/hugepages, smallest first.
    static func pageSizes() throws(SystemError) -> [UInt64] {
        try entries(of: open("/sys/kernel/mm/hugepages", [.directory])).compactMap { pageSize(inName: $0.name) }
            .sorted()
    }

    /// 2 MiB for `hugepages-2048kB`. Documentation/admin-guide/mm/hugetlbpage.rst
    static func pageSize(inName name: String) -> UInt64? {
        guard name.hasPrefix("hugepages-"), name.hasSuffix("kB") else { return nil }
        return UInt64(decimal: name.dropFirst(10).dropLast(2)).map { $0 << 10 }
    }
}
