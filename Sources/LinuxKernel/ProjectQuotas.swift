// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The project that a file or directory belongs to: what project quotas count by.
public struct FileProject: Sendable, Equatable {
    public var id: UInt32
    /// Whether what is made in the directory belongs to its project too, and nothing of another project is moved in.
    public var inherits: Bool
    public init(id: UInt32, inherits: Bool) {
        self.id = id
        self.inherits = inherits
    }
}

/// What a project uses and may use. quotactl(2), `struct dqblk`
public struct ProjectQuota: Sendable, Equatable {
    public var bytesUsed: UInt64 = 0
    public var inodesUsed: UInt64 = 0
    /// 0: no limit. Held to 1 KiB.
    public var bytesLimit: UInt64 = 0
    public var inodesLimit: UInt64 = 0
    public init() {}
}

/// The project of an open file or directory. `nil` where the file system has none. ioctl_fsgetxattr, Linux 4.5
public func project(of file: borrowing Descriptor) throws(SystemError) -> FileProject? {
    guard let attributes = try extendedFlags(file) else { return nil }
    return FileProject(id: attributes.fsx_projid, inherits: attributes.fsx_xflags & UInt32(FS_XFLAG_PROJINHERIT) != 0)
}

/// Puts an open directory into a project. In the initial user namespace only, which is why an agent cannot leave its own.
/// ioctl_fssetxattr, Linux 4.5
public func setProject(of directory: borrowing Descriptor, _ project: FileProject) throws(SystemError) {
    guard var attributes = try extendedFlags(directory) else {
        throw SystemError("ioctl FS_IOC_FSGETXATTR", .notSupported, "descriptor \(directory.rawValue)")
    }
    attributes.fsx_projid = project.id
    attributes.fsx_xflags &= ~UInt32(FS_XFLAG_PROJINHERIT)
    if project.inherits { attributes.fsx_xflags |= UInt32(FS_XFLAG_PROJINHERIT) }
    let raw = Int(directory.rawValue)
    try withAddress(&attributes) { attributes throws(SystemError) in
        _ = try kernel(
            "ioctl FS_IOC_FSSETXATTR", "descriptor \(raw)", Int(SYS_ioctl), raw, Int(MT_FS_IOC_FSSETXATTR), attributes)
    }
}

private func extendedFlags(_ file: borrowing Descriptor) throws(SystemError) -> fsxattr? {
    var attributes = fsxattr()
    let raw = Int(file.rawValue)
    do throws(SystemError) {
        try withAddress(&attributes) { attributes throws(SystemError) in
            _ = try kernel(
                "ioctl FS_IOC_FSGETXATTR", "descriptor \(raw)", Int(SYS_ioctl), raw, Int(MT_FS_IOC_FSGETXATTR),
                attributes)
        }
    } catch where error.errno == .notSupported || error.errno.rawValue == ENOTTY { return nil } catch { throw error }
    return attributes
}

/// Whether the file system of an open directory holds projects to their limits, and does not merely count. quotactl_fd(2),
/// Linux 5.14; `Q_XGETQSTATV`, which ext4 and f2fs answer as well as xfs.
public func enforcesProjectQuotas(_ directory: borrowing Descriptor) throws(SystemError) -> Bool {
    let raw = Int(directory.rawValue)
    return try withUnsafeTemporaryAllocationOfBytes(256) { state throws(SystemError) in
        state.initializeMemory(as: UInt8.self, repeating: 0)
        state[0] = 1  // FS_QSTATV_VERSION1
        let getState = 0x5808  // Q_XGETQSTATV, XQM_CMD(8)
        do throws(SystemError) {
            try kernel(
                "quotactl Q_XGETQSTATV", "descriptor \(raw)", Int(SYS_quotactl_fd), raw, command(getState), 0,
                Int(bitPattern: state.baseAddress))
        } catch where [ENOSYS, EOPNOTSUPP, EINVAL, ESRCH, ENOTTY, ENODEV].contains(error.errno.rawValue) {
            return false  // an older kernel, one without quotas, or a file system without
        } catch { throw error }
        let flags = state.load(fromByteOffset: 2, as: UInt16.self)
        return flags & 1 << 5 != 0  // FS_QUOTA_PDQ_ENFD
    }
}

/// A project's use and limits on the file system of an open directory. quotactl_fd(2), `Q_GETQUOTA`
public func projectQuota(_ id: UInt32, on directory: borrowing Descriptor) throws(SystemError) -> ProjectQuota {
    var block = if_dqblk()
    let raw = Int(directory.rawValue)
    do throws(SystemError) {
        try withAddress(&block) { block throws(SystemError) in
            _ = try kernel(
                "quotactl Q_GETQUOTA", "project \(id)", Int(SYS_quotactl_fd), raw, command(Int(Q_GETQUOTA)), Int(id),
                block)
        }
    } catch where error.errno == .noEntry { return ProjectQuota() } catch { throw error }  // xfs: never used
    var quota = ProjectQuota()
    quota.bytesUsed = block.dqb_curspace
    quota.inodesUsed = block.dqb_curinodes
    quota.bytesLimit = block.dqb_bhardlimit << 10
    quota.inodesLimit = block.dqb_ihardlimit
    return quota
}

/// Sets a project's limits, the hard ones; 0 lifts one. quotactl_fd(2), `Q_SETQUOTA`; needs CAP_SYS_ADMIN
public func setProjectQuota(
    _ id: UInt32, bytes: UInt64, inodes: UInt64, on directory: borrowing Descriptor
) throws(SystemError) {
    var block = if_dqblk()
    block.dqb_bhardlimit = (bytes + 1023) >> 10
    block.dqb_ihardlimit = inodes
    block.dqb_valid = 5  // QIF_BLIMITS | QIF_ILIMITS
    let raw = Int(directory.rawValue)
    try withAddress(&block) { block throws(SystemError) in
        _ = try kernel(
            "quotactl Q_SETQUOTA", "project \(id)", Int(SYS_quotactl_fd), raw, command(Int(Q_SETQUOTA)), Int(id), block)
    }
}

/// `QCMD(command, PRJQUOTA)`
private func command(_ number: Int) -> Int { number << 8 | 2 }
