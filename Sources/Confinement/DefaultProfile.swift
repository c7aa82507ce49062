// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension SeccompProfile {
    /// What agents run under unless they ask otherwise: an allowlist in the spirit of Docker's, and narrower.
    ///
    /// Narrower than Docker's in: no namespaces of any kind, no io_uring, no file handles, no LDT, address families and
    /// socket types by allowlist, no input injection into terminals, no foreign ABIs, no reading of the clock's state.
    /// Wider in: NUMA policy of the caller's own memory. Known calls that are denied return EPERM, unknown ones ENOSYS.
    ///
    /// - Parameters:
    ///   - capabilities: what the agent is granted. As in Docker, a capability opens the calls that are of no use
    ///     without it; bpf and perf_event_open want CAP_BPF and CAP_PERFMON, not CAP_SYS_ADMIN.
    ///   - denySetuidBits: refuses to give any file a setuid or setgid bit. For sandboxes that write to a host directory
    ///     as a uid the host trusts: a setuid file left there would run as that uid, outside. (Nix denies its builders
    ///     the same.) setgid directories go too, since a filter cannot tell what a path names; openat2 is ENOSYS,
    ///     since its mode lies in memory a filter cannot see. Nor can a file be given capabilities, by an agent that has
    ///     CAP_SETFCAP or can get it. It does not cover files that were setuid before.
    public static func `default`(
        capabilities: CapabilitySet = [], denySetuidBits: Bool = false
    ) -> SeccompProfile {
        var rules: [Rule] = []
        if denySetuidBits { rules += DefaultRules.setuidBits + DefaultRules.fileCapabilities(capabilities) }
        rules += DefaultRules.sockets(capabilities)
        rules += DefaultRules.terminals
        rules += DefaultRules.initLimits + DefaultRules.coreLimit
        rules += DefaultRules.personalities
        rules += DefaultRules.opened(by: capabilities)
        rules += DefaultRules.processes
        rules.append(Rule(.allow, DefaultRules.allowedCalls))
        rules.append(Rule(.errno(.notPermitted), DefaultRules.deniedCalls))
        return SeccompProfile(rules: rules, defaultAction: .errno(.noSystemCall))
    }
}

/// The parts of the default profile; `SeccompProfile.default` puts them in order.
enum DefaultRules {}

extension DefaultRules {
    /// Calls that are of use only with a capability, and open with it.
    static let callsByCapability: [(capability: CapabilitySet, calls: [String])] = [
        (.dacReadSearch, names("name_to_handle_at open_by_handle_at")),
        (.sysModule, names("delete_module finit_module init_module")),
        (.sysRawio, names("ioperm iopl")),
        (.sysChroot, names("chroot")),
        (.sysPtrace, names("kcmp pidfd_getfd")),
        (.sysPacct, names("acct")),
        (
            .sysAdmin,
            names(
                """
                clone clone3 fanotify_init fsconfig fsmount fsopen fspick listmount mount mount_setattr move_mount \
                open_tree open_tree_attr pivot_root quotactl quotactl_fd setdomainname sethostname setns statmount \
                umount2 unshare
                """)
        ),
        (.sysBoot, names("reboot")),
        (.sysNice, names("migrate_pages move_pages")),
        (.sysTime, names("adjtimex clock_adjtime clock_settime settimeofday")),
        (.sysTtyConfig, names("vhangup")),
        (.syslog, names("syslog")),
        (.perfmon, names("perf_event_open")),
        (.bpf, names("bpf")),
    ]

    /// The capabilities that change the profile; the others are left out of its cache key. Spelled out, so that a cache
    /// hit need not build the tables; a test compares the two.
    static let consultedCapabilities: CapabilitySet = [
        .bpf, .dacReadSearch, .netAdmin, .netRaw, .perfmon, .sysAdmin, .sysBoot, .sysChroot, .sysModule, .sysNice,
        .sysPacct, .sysPtrace, .sysRawio, .sysTime, .sysTtyConfig, .syslog,
    ]

    /// The same with `denySetuidBits`.
    static let consultedForSharedDirectories = consultedCapabilities.union(.setfcap)

    static func opened(by capabilities: CapabilitySet) -> [SeccompProfile.Rule] {
        callsByCapability.filter { capabilities.contains($0.capability) }.map { SeccompProfile.Rule(.allow, $0.calls) }
    }

    /// Words to names.
    static func names(_ words: String) -> [String] {
        words.split(separator: " ").map(String.init)
    }
}
