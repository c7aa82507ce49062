// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

private let notPermitted = SeccompProfile.Action.errno(.notPermitted)
private let noSystemCall = SeccompProfile.Action.errno(.noSystemCall)
private let noAddressFamily = SeccompProfile.Action.errno(.noAddressFamily)

/// Garbage for the upper half of a register, which the kernel drops where it wants an int.
private let highBits: UInt64 = 0xdead_beef_0000_0000

@Suite struct `The default profile` {
    let profile: CompiledProfile

    init() throws {
        profile = try CompiledProfile(.default())
    }

    @Test(arguments: [
        "read", "openat", "openat2", "execve", "mmap", "futex", "socketpair", "chmod", "ptrace", "process_vm_readv",
        "faccessat2", "close_range", "epoll_pwait2", "futex_waitv", "landlock_create_ruleset", "landlock_add_rule",
        "landlock_restrict_self", "memfd_secret", "process_mrelease", "rseq", "statx", "pidfd_open",
        "pidfd_send_signal", "cachestat", "fchmodat2", "futex_wait", "futex_wake", "futex_requeue",
        "map_shadow_stack", "mseal", "set_mempolicy", "set_mempolicy_home_node", "setxattrat", "file_getattr",
        "uretprobe", "seccomp", "prctl", "clock_gettime",
    ])
    func `allows what ordinary and new programs call`(name: String) throws {
        let action = try profile.action(name, 1)
        #expect(action == nil || action == .allow)
    }

    @Test(arguments: [
        "unshare", "setns", "sethostname", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree",
        "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "add_key", "keyctl",
        "request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
        "io_uring_register", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot",
        "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog", "settimeofday", "clock_settime",
        "clock_adjtime", "adjtimex", "lookup_dcookie", "nfsservctl", "open_by_handle_at", "name_to_handle_at", "kcmp",
        "pidfd_getfd", "vhangup", "iopl", "ioperm", "modify_ldt",
    ])
    func `denies what is the host's with EPERM`(name: String) throws {
        let action = try profile.action(name)
        #expect(action == nil || action == notPermitted)
    }

    @Test func `answers ENOSYS for clone3, for unknown numbers and for the skipped call`() throws {
        #expect(try profile.action("clone3") == noSystemCall)
        #expect(try profile.action("statmount") == noSystemCall)
        for number: Int32 in [400, 600, 0x3fff_ffff, -1] {
            #expect(profile.action(SeccompData(number: number)) == noSystemCall)
        }
    }

    @Test func `allows clone for processes and threads`() throws {
        let thread: UInt64 = 0x3d0f00
        #expect(try profile.action("clone", thread) == .allow)
        #expect(try profile.action("clone", 0x0120_0011) == .allow)  // fork: SIGCHLD and the tid addresses
        #expect(try profile.action("clone", highBits | 17) == .allow)  // the kernel drops the upper half
    }

    @Test(arguments: [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] as [UInt64])
    func `denies clone with any new namespace`(flag: UInt64) throws {
        #expect(try profile.action("clone", flag) == notPermitted)
        #expect(try profile.action("clone", highBits | flag | 17) == notPermitted)
        #expect(try profile.action("clone", 0x7e02_0000 & ~flag | 0x100) == notPermitted)
    }

    @Test(arguments: [0x5412, 0x541c, 0x5423] as [UInt64])
    func `denies the terminal requests whatever the upper half holds`(request: UInt64) throws {
        #expect(try profile.action("ioctl", 0, request) == notPermitted)
        #expect(try profile.action("ioctl", 0, highBits | request) == notPermitted)
        #expect(try profile.action("ioctl", highBits, 1 << 32 | request, 7) == notPermitted)
    }

    @Test func `allows other ioctls`() throws {
        #expect(try profile.action("ioctl", 0, 0x5401) == .allow)
        #expect(try profile.action("ioctl", 0x5412, 0x5413) == .allow)
    }

    @Test func `allows unix, internet stream and datagram, and routing netlink sockets`() throws {
        for flags: UInt64 in [0, 0o4000, 0o2000000, 0o2004000] {
            #expect(try profile.action("socket", 1, 5 | flags) == .allow)
            for family: UInt64 in [2, 10] {
                #expect(try profile.action("socket", family, 1 | flags) == .allow)
                #expect(try profile.action("socket", family | highBits, 2 | flags, 17) == .allow)
            }
            #expect(try profile.action("socket", 16, 3 | flags, 0) == .allow)
        }
        #expect(try profile.action("socketpair", 1, 1) == .allow)
    }

    @Test func `denies raw sockets, odd types and netlink beyond routing with EPERM`() throws {
        for family: UInt64 in [2, 10] {
            for type: UInt64 in [0, 3, 4, 5, 6, 10, 0o4003, 0o2000003, 0x11] {
                #expect(try profile.action("socket", family, type) == notPermitted)
                #expect(try profile.action("socket", family | highBits, type | highBits) == notPermitted)
            }
        }
        for `protocol`: UInt64 in [2, 4, 9, 12, 15, 16, highBits | 16] {
            #expect(try profile.action("socket", 16, 3, `protocol`) == notPermitted)
        }
    }

    @Test(arguments: UInt64(0)...50)
    func `has no address family beyond those`(family: UInt64) throws {
        guard ![1, 2, 10, 16].contains(family) else { return }
        #expect(try profile.action("socket", family, 1) == noAddressFamily)
        #expect(try profile.action("socket", family | highBits, 3) == noAddressFamily)
        #expect(try profile.action("socketpair", family, 1) == noAddressFamily)
    }

    @Test func `allows Docker's personalities and no other`() throws {
        for persona: UInt64 in [0, 8, 0x20000, 0x20008, 0xffff_ffff] {
            #expect(try profile.action("personality", persona) == .allow)
        }
        for persona: UInt64 in [1, 0x40000, 0x100000, 0x400000, highBits | 0x40000] {
            #expect(try profile.action("personality", persona) == notPermitted)
        }
    }

    @Test func `answers ENOSYS to every call of a foreign ABI`() throws {
        for number: Int32 in [0, 1, 3, 11, 102, 120] {
            let foreign = SeccompProfile.Architecture.native == .x86_64 ? SeccompProfile.Architecture.x86 : .arm
            #expect(profile.action(SeccompData(number: number, architecture: foreign)) == noSystemCall)
            #expect(profile.action(SeccompData(number: number, auditArchitecture: 0xc000_00f3)) == noSystemCall)
        }
    }

    @Test(.enabled(if: SeccompProfile.Architecture.native == .x86_64, "x32 is an ABI of x86_64 kernels"))
    func `answers ENOSYS to x32 calls, which carry the native architecture`() throws {
        for number: Int32 in [0, 1, 16, 56, 512, 545] {
            #expect(profile.action(SeccompData(number: 0x4000_0000 | number)) == noSystemCall)
        }
    }

    @Test func `lets setuid bits be set unless asked not to`() throws {
        #expect(try profile.action("fchmodat", 3, 0, 0o4755) == .allow)
        #expect(try profile.action("openat", 3, 0, 0o100, 0o4755) == .allow)
    }
}
