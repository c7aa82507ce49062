// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel

/// What the launcher may do on this machine, looked up once per launch.
public struct HostProbe: Sendable, Equatable {
    public var uid: UInt32
    public var gid: UInt32
    /// Root of the initial user namespace, with the capabilities that a sandbox of its own id range takes: SYS_ADMIN,
    /// SETUID, SETGID, CHOWN, DAC_OVERRIDE and SYS_CHROOT.
    public var isPrivileged: Bool
    /// The highest capability of this kernel.
    public var lastCapability: UInt32
    public var kernel: KernelVersion
    public var landlock: LandlockSupport

    public typealias KernelVersion = LinuxKernel.KernelVersion

    /// The oldest kernel whose calls the engine relies on: mount_setattr(2) with id maps on directories came in 5.12,
    /// overlay in user namespaces with `userxattr` in 5.11, fsconfig of overlay relative to the directory in 5.2.
    public static let oldestKernel = KernelVersion(major: 5, minor: 12)

    public static func probe() throws(EngineError) -> HostProbe {
        let kernel = try kernelVersion()
        guard kernel >= oldestKernel else {
            throw EngineError(
                .unavailable, "start a sandbox on Linux \(kernel): the kernel is too old",
                hint: "Linux \(oldestKernel) or later is needed")
        }
        let uid = effectiveUID()
        let needed: UInt64 = [0, 1, 6, 7, 18, 21].reduce(0) { $0 | 1 << UInt64($1) }
        var isPrivileged = false
        if uid == 0 {
            let capabilities = try launching { () throws(SystemError) in try effectiveCapabilities() }
            isPrivileged = capabilities & needed == needed && isInitialUserNamespace()
        }
        return HostProbe(
            uid: uid, gid: effectiveGID(), isPrivileged: isPrivileged, lastCapability: lastCapability(), kernel: kernel,
            landlock: .probe())
    }

    /// Only the first user namespace maps every id to itself. user_namespaces(7)
    private static func isInitialUserNamespace() -> Bool {
        guard let map = try? readText("/proc/self/uid_map") else { return false }
        return map.split(whereSeparator: { $0 == " " || $0 == "\n" }) == ["0", "0", "4294967295"]
    }

    private static func kernelVersion() throws(EngineError) -> KernelVersion {
        guard let version = KernelVersion.running else {
            throw EngineError(.unavailable, "read the kernel's version from \"\(KernelVersion.runningRelease)\"")
        }
        return version
    }

    /// prctl(2), `PR_CAPBSET_READ`: EINVAL past the last one.
    private static func lastCapability() -> UInt32 {
        var last: UInt32 = 40
        while last < 63, mt_syscall(Int(SYS_prctl), Int(PR_CAPBSET_READ), Int(last + 1), 0, 0, 0, 0) >= 0 { last += 1 }
        while last > 0, mt_syscall(Int(SYS_prctl), Int(PR_CAPBSET_READ), Int(last), 0, 0, 0, 0) < 0 { last -= 1 }
        return last
    }
}
