// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

// What the system-call filter has to refuse for Landlock's sake.
extension SeccompProfile {
    /// The same profile with every call about mounts refused, whatever capability would open it.
    ///
    /// In a Landlock domain the kernel refuses to mount, move and unmount. It does not refuse mount_setattr(2), which makes a
    /// read-only mount writable, nor open_tree(2), whose copy of a directory comes without what is mounted inside: both
    /// would undo a sandbox's guards. None of these calls is of use without those that Landlock refuses anyway.
    /// - SeeAlso: landlock(7), "Filesystem topology modification"; security/landlock/fs.c
    public func refusingMounts() -> SeccompProfile {
        var profile = self
        profile.rules.insert(Rule(.errno(.notPermitted), Self.mountCalls), at: 0)
        return profile
    }

    static let mountCalls = DefaultRules.names(
        """
        fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree open_tree_attr pivot_root umount2
        """)

    /// The same profile for an agent that nothing but Landlock and this filter keeps apart: what is the host's there, and
    /// neither of them could tell from the agent's own, is refused.
    ///
    /// - Parameters:
    ///   - abi: the version of Landlock that is there.
    ///   - usesNetwork: the agent may use the host's network.
    ///   - sharesIdentity: the agent has the uid of a user who may have other processes, and so rights over those.
    public func standingAlone(abi: UInt32, usesNetwork: Bool, sharesIdentity: Bool) -> SeccompProfile {
        var rules = LandlockRules.sockets(abi: abi, usesNetwork: usesNetwork) + LandlockRules.sharedObjects
        rules +=
            DefaultRules.coreLimit + LandlockRules.resourceLimits + LandlockRules.attributes + LandlockRules.tracers
        if sharesIdentity { rules += LandlockRules.otherProcesses }
        if abi < 3 { rules += LandlockRules.truncation }
        var profile = self
        profile.rules = rules + profile.rules
        return profile
    }
}

/// Rules that stand before a profile's own where there are no namespaces. Constants are the kernel's, equal on x86_64 and
/// aarch64.
enum LandlockRules {
    private typealias Rule = SeccompProfile.Rule
    private typealias Condition = SeccompProfile.Condition

    /// Without a network namespace "no network" is no socket of a network at all, loopback included.
    ///
    /// Unix sockets reach whatever listens at a path that the user may write to: the session's D-Bus, a Docker daemon, tmux,
    /// agents of ssh and gpg, each of which runs programs or signs for whoever asks. Before version 9 Landlock does not tell
    /// paths apart; then there are only pairs, connected to each other and of types that do not send anywhere else.
    static func sockets(abi: UInt32, usesNetwork: Bool) -> [SeccompProfile.Rule] {
        var rules: [Rule] = []
        if abi < 9 {
            for type in [1, 5] as [UInt64] {  // SOCK_STREAM, SOCK_SEQPACKET
                let isType = Condition(argument: 1, .maskedEqual(mask: DefaultRules.typeMask), type)
                rules.append(Rule(.allow, ["socketpair"], when: [.int(0, equals: DefaultRules.unix), isType]))
            }
            rules.append(Rule(.errno(.noAddressFamily), ["socketpair"]))
            rules.append(Rule(.errno(.noAddressFamily), ["socket"], when: [.int(0, equals: DefaultRules.unix)]))
            // A pair is connected, and needs no name; an abstract one would be the host's.
            if !usesNetwork {
                rules.append(Rule(.errno(.notPermitted), ["accept", "accept4", "bind", "connect", "listen"]))
            }
        }
        if !usesNetwork {
            rules += (DefaultRules.internet + [DefaultRules.netlink]).map {
                Rule(.errno(.noAddressFamily), ["socket"], when: [.int(0, equals: $0)])
            }
        }
        return rules
    }

    /// System V IPC and POSIX message queues: the host's, known by numbers and names that Landlock does not see, and left
    /// behind at the end. As on a kernel without them.
    static let sharedObjects: [SeccompProfile.Rule] = [
        Rule(
            .errno(.noSystemCall),
            DefaultRules.names(
                """
                mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop \
                semtimedop shmat shmctl shmdt shmget
                """))
    ]

    /// Limits of other processes: one of no CPU time ends them, whatever scope signals have. prlimit(2)
    static let resourceLimits: [SeccompProfile.Rule] = [
        Rule(.allow, ["prlimit64"], when: [.int(0, equals: 0)]),
        Rule(.allow, ["prlimit64"], when: [Condition(argument: 2, .equal, 0)]),
        Rule(.errno(.notPermitted), ["prlimit64"]),
    ]

    /// Priorities and processors of the user's other processes. Threads other than the calling one cannot be told from those.
    static let otherProcesses: [SeccompProfile.Rule] = [
        Rule(.allow, ["setpriority"], when: [.int(0, equals: 0), .int(1, equals: 0)]),  // PRIO_PROCESS, oneself
        Rule(.allow, ["ioprio_set"], when: [.int(0, equals: 1), .int(1, equals: 0)]),  // IOPRIO_WHO_PROCESS, oneself
        Rule(.allow, schedulingCalls, when: [.int(0, equals: 0)]),
        Rule(.errno(.notPermitted), schedulingCalls + ["setpriority", "ioprio_set"]),
    ]

    private static let schedulingCalls = ["sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"]

    /// PTRACE_TRACEME: whose parent is init would make init its tracer, and a thread of it that was killed would stay until
    /// init reaps it, which it does when nobody lives any more. Debuggers have PTRACE_SEIZE. ptrace(2)
    static let tracers: [SeccompProfile.Rule] = [Rule(.errno(.notPermitted), ["ptrace"], when: [.int(0, equals: 0)])]

    /// Owners and extended attributes by path, access control lists among them, of files wherever they are that the user
    /// owns or may write to: no version of Landlock restricts them. By descriptor they are those of files that were opened. Modes and times cannot be
    /// refused: too many programs set them.
    static let attributes: [SeccompProfile.Rule] = [
        Rule(
            .errno(.notPermitted),
            DefaultRules.names(
                """
                chown fchownat file_setattr lchown lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat
                """))
    ]

    /// Every way to cut a file off that does not open it for writing, which the first two versions of Landlock leave open.
    static let truncation: [SeccompProfile.Rule] = [
        Rule(.errno(.permissionDenied), ["truncate"]),
        Rule(.errno(.permissionDenied), ["open"], when: [Condition(argument: 1, .maskedEqual(mask: 0o1003), 0o1000)]),
        Rule(.errno(.permissionDenied), ["openat"], when: [Condition(argument: 2, .maskedEqual(mask: 0o1003), 0o1000)]),
        Rule(.errno(.noSystemCall), ["openat2"]),
    ]
}
