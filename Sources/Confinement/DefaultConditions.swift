// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

// The calls of the default profile that depend on their arguments. Each constant is the kernel's own, from the header
// named, and equal on x86_64 and aarch64 unless said otherwise.
extension DefaultRules {
    private typealias Rule = SeccompProfile.Rule
    private typealias Condition = SeccompProfile.Condition

    // sys/socket.h
    static let unix: UInt32 = 1
    static let internet: [UInt32] = [2, 10]
    static let netlink: UInt32 = 16
    private static let packet: UInt32 = 17
    private static let streamAndDatagram: [UInt64] = [1, 2]
    private static let raw: UInt64 = 3
    /// An int without SOCK_NONBLOCK and SOCK_CLOEXEC, which share the argument with the type.
    static let typeMask: UInt64 = 0xffff_ffff & ~(0o4000 | 0o2000000)

    /// Unix sockets; TCP and UDP; routing netlink, which getifaddrs(3) needs. Raw sockets and packets with CAP_NET_RAW,
    /// all of netlink with CAP_NET_ADMIN. A family that is not allowed looks like one the kernel does not have.
    static func sockets(_ capabilities: CapabilitySet) -> [SeccompProfile.Rule] {
        var rules = [Rule(.allow, ["socket", "socketpair"], when: [.int(0, equals: unix)])]
        // SOCK_PACKET (10) on AF_INET is AF_PACKET by its old name: types are an allowlist too.
        let types = streamAndDatagram + (capabilities.contains(.netRaw) ? [raw] : [])
        for family in internet {
            for type in types {
                let typeEquals = Condition(argument: 1, .maskedEqual(mask: typeMask), type)
                rules.append(Rule(.allow, ["socket"], when: [.int(0, equals: family), typeEquals]))
            }
        }
        if capabilities.contains(.netRaw) {
            rules.append(Rule(.allow, ["socket"], when: [.int(0, equals: packet)]))
        }
        let routing = capabilities.contains(.netAdmin) ? [] : [Condition.int(2, equals: 0)]
        rules.append(Rule(.allow, ["socket"], when: [.int(0, equals: netlink)] + routing))
        for family in internet + [netlink] {
            rules.append(Rule(.errno(.notPermitted), ["socket"], when: [.int(0, equals: family)]))
        }
        rules.append(Rule(.errno(.noAddressFamily), ["socket", "socketpair"]))
        return rules
    }

    /// No typing into a terminal that others read from (TIOCSTI, TIOCLINUX's paste), no change of its line discipline
    /// (TIOCSETD), whose drivers have had more than their share of holes. No capability opens these: who needs them
    /// brings a profile. asm-generic/ioctls.h
    static let terminals: [SeccompProfile.Rule] =
        [0x5412, 0x541c, 0x5423].map { request in
            Rule(.errno(.notPermitted), ["ioctl"], when: [.int(1, equals: request)])
        } + [Rule(.allow, ["ioctl"])]

    /// The limit of core dumps stays what the launcher made it. At 1 the kernel writes no file and starts no handler of
    /// core_pattern's; at 0, to which any program may lower it, it starts the handler, as the host's root. Programs that
    /// turn dumps off are told that they are. core(5), "Piping core dumps to a program"; fs/coredump.c
    static let coreLimit: [SeccompProfile.Rule] = {
        let core: UInt32 = 4  // RLIMIT_CORE, asm-generic/resource.h
        let sets = [Condition.int(1, equals: core), Condition(argument: 2, .notEqual, 0)]
        return [
            Rule(.errno(Errno(rawValue: 0)), ["prlimit64"], when: sets + [Condition(argument: 3, .equal, 0)]),
            // It would have to write the old one too.
            Rule(.errno(.notPermitted), ["prlimit64"], when: sets),
            Rule(.errno(Errno(rawValue: 0)), ["setrlimit"], when: [.int(0, equals: core)]),
        ]
    }()

    /// Init keeps its resource limits: it is 1 in every sandbox, and who has its ids, as root inside or where a single id is
    /// mapped, could end it with one of CPU time, or keep it from its last word with one of file sizes. prlimit(2)
    static let initLimits: [SeccompProfile.Rule] = [
        Rule(
            .errno(.notPermitted), ["prlimit64"],
            when: [.int(0, equals: 1), Condition(argument: 2, .notEqual, 0)])
    ]

    /// PER_LINUX and PER_LINUX32, each with and without UNAME26, and the question (0xffffffff). No ADDR_NO_RANDOMIZE,
    /// no MMAP_PAGE_ZERO. sys/personality.h
    static let personalities: [SeccompProfile.Rule] =
        [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff].map { persona in
            Rule(.allow, ["personality"], when: [.int(0, equals: persona)])
        }

    /// New processes and threads, in the namespaces of their parent: any CLONE_NEW* is EPERM. (CLONE_NEWTIME is no flag
    /// of clone, whose low byte is a signal.) clone3 takes its flags in memory, where a filter cannot see them: ENOSYS
    /// makes every C library go back to clone. linux/sched.h
    static let processes: [SeccompProfile.Rule] = [
        Rule(.allow, ["clone"], when: [.bits(0, clear: 0x7e02_0000)]),
        Rule(.errno(.noSystemCall), ["clone3"]),
    ]

    /// Every way to give a file S_ISUID or S_ISGID: changing its mode, and creating it with one. sys/stat.h, fcntl.h
    static let setuidBits: [SeccompProfile.Rule] = {
        var rules: [Rule] = []
        func deny(_ calls: [String], when conditions: [Condition]) {
            rules.append(Rule(.errno(.notPermitted), calls, when: conditions))
        }
        for bit in [0o4000, 0o2000] as [UInt64] {
            deny(["chmod", "fchmod", "creat", "mknod"], when: [.bits(1, set: bit)])
            deny(["fchmodat", "fchmodat2", "mknodat"], when: [.bits(2, set: bit)])
            // Without O_CREAT or O_TMPFILE the mode is not an argument, and holds whatever was in the register.
            for creating in [0o100, 0o2000_0000] as [UInt64] {
                deny(["open"], when: [.bits(1, set: creating), .bits(2, set: bit)])
                deny(["openat"], when: [.bits(2, set: creating), .bits(3, set: bit)])
            }
        }
        rules.append(Rule(.errno(.noSystemCall), ["openat2"]))
        return rules
    }()

    /// Every way to give a file an extended attribute, whose name a filter cannot see. On a directory shown through an id
    /// map, capabilities of the sandbox's root become those of the owner's on disk: of the host's root where it is root's.
    /// Without CAP_SETFCAP the kernel refuses; CAP_SYS_ADMIN makes a user namespace that has it. capabilities(7)
    static func fileCapabilities(_ capabilities: CapabilitySet) -> [SeccompProfile.Rule] {
        guard !capabilities.isDisjoint(with: [.setfcap, .sysAdmin]) else { return [] }
        return [Rule(.errno(.notPermitted), ["setxattr", "lsetxattr", "fsetxattr", "setxattrat"])]
    }
}

extension Errno {
    /// EAFNOSUPPORT.
    static let noAddressFamily = Errno(rawValue: 97)
    /// ENOTSOCK.
    static let notSocket = Errno(rawValue: 88)
}
