// SPDX-License-Identifier: Apache-2.0

extension CapabilitySet {
    /// The kernel's names in the order of their numbers: `names[13]` is `CAP_NET_RAW`.
    public static let names = """
        CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID \
        CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW \
        CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE CAP_SYS_PACCT \
        CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD \
        CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG \
        CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE
        """.split(separator: " ").map(String.init)

    /// The set of the capabilities named: in any case, with or without `CAP_`.
    ///
    /// - Throws: `.unknownCapability`, naming the nearest known one.
    public init(names: some Sequence<String>) throws(ConfinementError) {
        self = []
        for name in names {
            insert(try CapabilitySet(name: name))
        }
    }

    /// The set of one capability by name: `CAP_NET_RAW`, `net_raw`.
    ///
    /// - Throws: `.unknownCapability`, naming the nearest known one.
    public init(name: String) throws(ConfinementError) {
        let upper = name.uppercased()
        let full = upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
        guard let number = Self.names.firstIndex(of: full) else {
            let nearest = nearestName(to: full, among: Self.names)
            throw ConfinementError(
                .unknownCapability, subject: name, hint: nearest.map { "did you mean \($0)?" } ?? "see capabilities(7)")
        }
        self.init(number: number)
    }
}

extension CapabilitySet: CustomStringConvertible {
    /// The members' names in the kernel's order, separated by commas; `none` for the empty set.
    public var description: String {
        let members = numbers.map { $0 < Self.names.count ? Self.names[$0] : "CAP_\($0)" }
        return members.isEmpty ? "none" : members.joined(separator: ",")
    }
}
