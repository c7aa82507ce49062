// SPDX-License-Identifier: Apache-2.0

extension SystemCallWords {
    /// The capability that the kernel itself asks for in a call: without it the call would fail even if no filter
    /// refused it.
    ///
    /// - Returns: the empty set for a call that wants none, or wants one only for what registers do not show, such as
    ///   the owner of the file that a path leads to.
    /// - SeeAlso: capabilities(7); Linux 6.18
    public static func neededCapability(for call: SeccompData) -> CapabilitySet {
        guard let name = name(of: call) else { return [] }
        for (capability, calls) in calls where calls.contains(name) { return capability }
        return conditional(name, call.arguments)
    }

    private static let calls: [(CapabilitySet, Set<String>)] = [
        (
            .sysAdmin,
            names(
                """
                fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount nfsservctl \
                pivot_root quotactl quotactl_fd setdomainname sethostname setns swapoff swapon umount2 _sysctl
                """)
        ),
        (.sysChroot, names("chroot")), (.dacReadSearch, names("open_by_handle_at")),
        (.sysModule, names("create_module delete_module finit_module init_module")),
        (.sysBoot, names("kexec_file_load kexec_load reboot")), (.sysPacct, names("acct")),
        (.sysRawio, names("ioperm iopl")), (.sysTime, names("clock_settime settimeofday")),
        (.sysTtyConfig, names("vhangup")), (.syslog, names("syslog")), (.bpf, names("bpf")),
        (.perfmon, names("perf_event_open")), (.sysNice, names("migrate_pages move_pages")),
        (.sysPtrace, names("kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev")),
        (.chown, names("chown fchown fchownat lchown")), (.setgid, names("setgroups")),
        (.setpcap, names("capset")), (.ipcLock, names("mlockall")),
    ]

    /// Where arguments decide.
    private static func conditional(_ name: String, _ arguments: [UInt64]) -> CapabilitySet {
        let int = arguments.map { $0 & 0xffff_ffff }
        switch name {
        // A user namespace gives what the others need within it.
        case "unshare", "clone":
            return int[0] & 0x1000_0000 == 0 && int[0] & (name == "clone" ? 0x7e02_0000 : 0x7e02_0080) != 0
                ? .sysAdmin : []
        case "socket" where int[0] == 17: return .netRaw
        case "socket" where [2, 10].contains(int[0]) && [3, 10].contains(int[1] & 0xf): return .netRaw
        case "open_tree", "open_tree_attr": return int[2] & 1 != 0 ? .sysAdmin : []
        case "mknod": return isDevice(int[1]) ? .mknod : []
        case "mknodat": return isDevice(int[2]) ? .mknod : []
        case "ptrace": return int[0] == 0 ? [] : .sysPtrace
        case "userfaultfd": return int[0] & 1 == 0 ? .sysPtrace : []
        // TIOCSTI without dev.tty.legacy_tiocsti (6.2); TIOCCONS; FIFREEZE, FITHAW.
        case "ioctl" where [0x5412, 0x541d, 0xc004_5877, 0xc004_5878].contains(int[1]): return .sysAdmin
        // SIOCSIFFLAGS, SIOCSIFADDR, SIOCBRADDBR, TUNSETIFF.
        case "ioctl" where [0x8914, 0x8916, 0x89a0, 0x4004_54ca].contains(int[1]): return .netAdmin
        // PR_CAPBSET_DROP, PR_SET_SECUREBITS; PR_SET_MM; PR_MCE_KILL wants none.
        case "prctl" where [24, 28].contains(int[0]): return .setpcap
        case "prctl" where int[0] == 35: return .sysResource
        // A clock that wakes the machine: CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM.
        case "timer_create" where [8, 9].contains(int[0]), "timerfd_create" where [8, 9].contains(int[0]):
            return .wakeAlarm
        // Real time: SCHED_FIFO, SCHED_RR.
        case "sched_setscheduler" where [1, 2].contains(int[1] & 0x3fff_ffff): return .sysNice
        case "setpriority" where Int32(truncatingIfNeeded: int[2]) < 0: return .sysNice
        default: return []
        }
    }

    /// S_IFCHR or S_IFBLK, other than the whiteouts of overlay file systems.
    private static func isDevice(_ mode: UInt64) -> Bool { [0o20000, 0o60000].contains(mode & 0o170000) }

    private static func names(_ words: String) -> Set<String> { Set(DefaultRules.names(words)) }
}

extension SeccompProfile {
    /// The capability with which the default profile would allow a call that it refuses without: what `--cap` would open.
    ///
    /// - Parameter capabilities: what the agent has.
    /// - Returns: the first in the kernel's order; `nil` where none opens it.
    public static func capability(
        opening call: SeccompData, beside capabilities: CapabilitySet = [], denySetuidBits: Bool = false
    ) -> CapabilitySet? {
        func allows(_ capabilities: CapabilitySet) -> Bool {
            let profile = SeccompProfile.default(capabilities: capabilities, denySetuidBits: denySetuidBits)
            return profile.action(on: call) == .allow
        }
        guard !allows(capabilities) else { return nil }
        return DefaultRules.consultedCapabilities.numbers.lazy.map(CapabilitySet.init(number:))
            .first { allows(capabilities.union($0)) }
    }
}
