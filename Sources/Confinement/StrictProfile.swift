// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension SeccompProfile {
    /// For programs that only compute: they read standard input and files, write standard output, and use memory,
    /// threads and clocks. For judges of submitted programs.
    ///
    /// Without: new processes (a shell can calculate, and start one other program with `exec`); sockets (but for a
    /// connected pair, which Java makes and which without `sendmsg` is a pipe); opening files for writing, and every change of a file's name, mode, owner, times or attributes; shared memory,
    /// message queues and semaphores of System V and POSIX; other processes' memory; namespaces, mounts and all that the
    /// default profile refuses. What is known and refused returns EPERM, what is unknown ENOSYS; what asks for a socket
    /// or uses one is answered as on a kernel, and for a descriptor, that is none (EAFNOSUPPORT, ENOTSOCK).
    ///
    /// `execve` stays: init starts the agent with it after the filter is in place. It gives an agent nothing, since the
    /// filter stays with it. No capability opens anything.
    public static let strict = SeccompProfile(
        rules: StrictRules.processes + StrictRules.opening + StrictRules.terminals + StrictRules.processControl
            + StrictRules.sockets + DefaultRules.initLimits + DefaultRules.coreLimit + [
                Rule(.allow, StrictRules.allowedCalls), Rule(.errno(.notPermitted), StrictRules.deniedCalls),
            ], defaultAction: .errno(.noSystemCall))
}

/// The parts of the strict profile; `SeccompProfile.strict` puts them in order. Constants are the kernel's own, equal on
/// x86_64 and aarch64 unless said otherwise.
enum StrictRules {
    private typealias Rule = SeccompProfile.Rule

    /// Threads: CLONE_THREAD, which makes the kernel demand CLONE_VM and CLONE_SIGHAND as well, and no CLONE_NEW*. clone3
    /// takes its flags in memory: ENOSYS makes every C library go back to clone. linux/sched.h
    static let processes: [SeccompProfile.Rule] = [
        Rule(.allow, ["clone"], when: [.init(argument: 0, .maskedEqual(mask: 0x7e03_0000), 0x1_0000)]),
        Rule(.errno(.noSystemCall), ["clone3"]),
    ]

    /// Reading: O_ACCMODE is O_RDONLY, and neither O_CREAT nor O_TRUNC, which change a file whatever the mode. openat2's
    /// flags are in memory. fcntl.h
    static let opening: [SeccompProfile.Rule] = [
        Rule(.allow, ["open"], when: [.bits(1, clear: 0o1103)]),
        Rule(.allow, ["openat"], when: [.bits(2, clear: 0o1103)]),
        Rule(.errno(.noSystemCall), ["openat2"]),
    ]

    /// Questions to a terminal (TCGETS, TCGETS2, TIOCGPGRP, TIOCGWINSZ) and to any open file (FIONREAD), and flags of a
    /// descriptor (FIONCLEX, FIOCLEX, FIONBIO). asm-generic/ioctls.h
    static let terminals: [SeccompProfile.Rule] =
        [0x5401, 0x802c_542a, 0x540f, 0x5413, 0x541b, 0x5450, 0x5451, 0x5421].map { request in
            Rule(.allow, ["ioctl"], when: [.int(1, equals: request)])
        }

    /// PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_TIMERSLACK, PR_GET_TIMERSLACK, PR_CAPBSET_READ,
    /// PR_GET_NO_NEW_PRIVS, PR_SET_VMA (names of memory), PR_GET_AUXV: names, questions, and how exact a sleep is.
    /// linux/prctl.h
    static let processControl: [SeccompProfile.Rule] =
        [15, 16, 3, 29, 30, 23, 39, 0x5356_4d41, 0x4155_5856].map { option in
            Rule(.allow, ["prctl"], when: [.int(0, equals: option)])
        }

    /// bash asks standard input for its peer, and takes any errno but ENOTSOCK for a network's. sys/socket.h
    static let sockets: [SeccompProfile.Rule] = [
        Rule(
            .allow, ["socketpair"],
            when: [.int(0, equals: 1), .init(argument: 1, .maskedEqual(mask: DefaultRules.typeMask), 1)]),
        Rule(.errno(.noAddressFamily), ["socket", "socketpair"]),
        Rule(.errno(.notSocket), DefaultRules.socketCalls),
    ]

    /// Every other call that the default profile has a rule for: those that this one allows under no or some condition only.
    static let deniedCalls: [String] = {
        let allowed = Set(allowedCalls)
        let known = DefaultRules.allowedCalls + DefaultRules.deniedCalls + ["ioctl"]
        var seen: Set<String> = Set(["openat2"] + DefaultRules.socketCalls)
        return known.filter { !allowed.contains($0) && seen.insert($0).inserted }.sorted()
    }()
}
