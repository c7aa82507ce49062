// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Who a thread is to the permissions of files, apart from who it is otherwise.
public struct FileSystemIdentity: Sendable, Equatable {
    public var uid: UInt32
    public var gid: UInt32
    /// Supplementary groups.
    public var groups: [UInt32]

    public init(uid: UInt32, gid: UInt32, groups: [UInt32]) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }

    /// The calling thread's.
    public static func current() -> FileSystemIdentity {
        // An id that is none changes nothing and is answered with the present one. setfsuid(2)
        let uid = mt_syscall(Int(SYS_setfsuid), -1, 0, 0, 0, 0, 0)
        let gid = mt_syscall(Int(SYS_setfsgid), -1, 0, 0, 0, 0, 0)
        var groups = [UInt32](repeating: 0, count: 65536)
        let count = groups.withUnsafeMutableBytes { buffer in
            mt_syscall(Int(SYS_getgroups), 65536, Int(bitPattern: buffer.baseAddress), 0, 0, 0, 0)
        }
        return FileSystemIdentity(
            uid: UInt32(truncatingIfNeeded: uid), gid: UInt32(truncatingIfNeeded: gid),
            groups: Array(groups.prefix(max(0, count))))
    }

    /// Runs `body` as this identity to files, on a thread that is root; capabilities over files are off meanwhile.
    /// setfsuid(2), setfsgid(2), setgroups(2): of the calling thread alone
    public func whileAssumed<Value>(_ body: () -> Value) -> Value {
        let own = Self.current()
        // A change of the user takes both from the process. prctl(2), PR_SET_DUMPABLE, PR_SET_PDEATHSIG
        let dumpable = mt_syscall(Int(SYS_prctl), Int(PR_GET_DUMPABLE), 0, 0, 0, 0, 0)
        var deathSignal: Int32 = 0
        withUnsafeMutablePointer(to: &deathSignal) { signal in
            _ = mt_syscall(Int(SYS_prctl), Int(PR_GET_PDEATHSIG), Int(bitPattern: signal), 0, 0, 0, 0)
        }
        adopt()
        defer {
            own.restore()
            if dumpable == 1 { _ = mt_syscall(Int(SYS_prctl), Int(PR_SET_DUMPABLE), 1, 0, 0, 0, 0) }
            if deathSignal != 0 {
                _ = mt_syscall(Int(SYS_prctl), Int(PR_SET_PDEATHSIG), Int(deathSignal), 0, 0, 0, 0)
            }
        }
        return body()
    }

    private func adopt() {
        setGroups()
        _ = mt_syscall(Int(SYS_setfsgid), Int(gid), 0, 0, 0, 0, 0)
        _ = mt_syscall(Int(SYS_setfsuid), Int(uid), 0, 0, 0, 0, 0)
    }

    /// The user first: as root, the rest may be set again.
    private func restore() {
        _ = mt_syscall(Int(SYS_setfsuid), Int(uid), 0, 0, 0, 0, 0)
        _ = mt_syscall(Int(SYS_setfsgid), Int(gid), 0, 0, 0, 0, 0)
        setGroups()
        precondition(Self.current() == self, "the identity to files could not be restored")
    }

    private func setGroups() {
        groups.withUnsafeBytes { buffer in
            _ = mt_syscall(Int(SYS_setgroups), groups.count, Int(bitPattern: buffer.baseAddress), 0, 0, 0, 0)
        }
    }
}
