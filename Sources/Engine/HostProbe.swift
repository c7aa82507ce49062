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
            let ownsMachine = try isInitialUserNamespace()
            isPrivileged = capabilities & needed == needed && ownsMachine
        }
        return HostProbe(
            uid: uid, gid: effectiveGID(), isPrivileged: isPrivileged, lastCapability: try lastCapability(),
            kernel: kernel,
            landlock: .probe())
    }

    /// Only the first user namespace maps every id to itself. user_namespaces(7)
    ///
    /// Not knowing is no answer: for root it would mean agents that are root to the host's files.
    private static func isInitialUserNamespace() throws(EngineError) -> Bool {
        let path = "/proc/self/uid_map"
        guard let map = try launching({ () throws(SystemError) in try readText(path) }) else {
            throw EngineError(.unavailable, "read \(path): there is none", hint: "mount -t proc proc /proc")
        }
        return map.split(whereSeparator: { $0 == " " || $0 == "\n" }) == ["0", "0", "4294967295"]
    }

    private static func kernelVersion() throws(EngineError) -> KernelVersion {
        guard let version = KernelVersion.running else {
            throw EngineError(.unavailable, "read the kernel's version from \"\(KernelVersion.runningRelease)\"")
        }
        return version
    }

    /// prctl(2), `PR_CAPBSET_READ`: EINVAL past the last one, and nothing else is: one left out would stay with the agent.
    private static func lastCapability() throws(EngineError) -> UInt32 {
        func isKnown(_ capability: UInt32) throws(EngineError) -> Bool {
            let result = mt_syscall(Int(SYS_prctl), Int(PR_CAPBSET_READ), Int(capability), 0, 0, 0, 0)
            guard result >= 0 || result == -Int(EINVAL) else {
                throw EngineError(
                    SystemError("prctl PR_CAPBSET_READ", Errno(rawValue: Int32(-result)), "\(capability)"))
            }
            return result >= 0
        }
        var last: UInt32 = 40
        while last < 63, try isKnown(last + 1) { last += 1 }
        while last > 0, try !isKnown(last) { last -= 1 }
        return last
    }
}
