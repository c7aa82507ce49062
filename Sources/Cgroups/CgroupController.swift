// SPDX-License-Identifier: Apache-2.0

/// Which of the kernel's two control-group interfaces a hierarchy speaks.
public enum CgroupVersion: Int, Sendable {
    /// Documentation/admin-guide/cgroup-v1
    case v1 = 1
    /// Documentation/admin-guide/cgroup-v2.rst, Linux 4.5
    case v2 = 2
}

/// A resource controller, by its v2 name where it has one.
public enum CgroupController: String, Sendable, CaseIterable {
    case memory, cpu, cpuacct, pids, cpuset, io, freezer, devices, hugetlb

    /// The name in v1 mount options and in `/proc/self/cgroup`.
    public var nameInV1: String { self == .io ? "blkio" : rawValue }

    /// The name in `cgroup.controllers`; `nil` where v2 does the controller's work without one: every cgroup counts its CPU
    /// time and can be frozen (Linux 5.2), and devices are guarded by an eBPF program (Linux 4.15).
    public var nameInV2: String? {
        switch self {
        case .cpuacct, .freezer, .devices: nil
        default: rawValue
        }
    }

    init?(nameInV1 name: String) {
        self.init(rawValue: name == "blkio" ? "io" : name)
    }
}
