// SPDX-License-Identifier: Apache-2.0
import CLinux
import SandboxSpec
import SetupProgram
import Testing

/// The numbers that programs carry, against the kernel's own headers.
@Suite struct KernelConstantTests {
    @Test func `namespace flags are the kernel's`() {
        #expect(KernelConstant.CLONE_NEWNS == UInt64(CLONE_NEWNS))
        #expect(KernelConstant.CLONE_NEWCGROUP == UInt64(CLONE_NEWCGROUP))
        #expect(KernelConstant.CLONE_NEWUTS == UInt64(CLONE_NEWUTS))
        #expect(KernelConstant.CLONE_NEWIPC == UInt64(CLONE_NEWIPC))
        #expect(KernelConstant.CLONE_NEWUSER == UInt64(CLONE_NEWUSER))
        #expect(KernelConstant.CLONE_NEWPID == UInt64(CLONE_NEWPID))
        #expect(KernelConstant.CLONE_NEWNET == UInt64(CLONE_NEWNET))
        #expect(KernelConstant.CLONE_NEWTIME == UInt64(CLONE_NEWTIME))
    }

    @Test func `mount flags are the kernel's`() {
        #expect(KernelConstant.MS_PRIVATE == UInt64(MS_PRIVATE))
        #expect(KernelConstant.MOUNT_ATTR_RDONLY == MT_MOUNT_ATTR_RDONLY)
        #expect(KernelConstant.MOUNT_ATTR_NOSUID == MT_MOUNT_ATTR_NOSUID)
        #expect(KernelConstant.MOUNT_ATTR_NODEV == MT_MOUNT_ATTR_NODEV)
        #expect(KernelConstant.PROC_SUPER_MAGIC == UInt64(PROC_SUPER_MAGIC))
        #expect(KernelConstant.DEVPTS_SUPER_MAGIC == UInt64(DEVPTS_SUPER_MAGIC))
        #expect(KernelConstant.MOUNT_ATTR_NOEXEC == MT_MOUNT_ATTR_NOEXEC)
    }

    @Test func `Landlock's rights print by the kernel's names`() {
        let files: [(UInt64, String)] = [
            (MT_LANDLOCK_ACCESS_FS_EXECUTE, "execute"), (MT_LANDLOCK_ACCESS_FS_WRITE_FILE, "write_file"),
            (MT_LANDLOCK_ACCESS_FS_READ_FILE, "read_file"), (MT_LANDLOCK_ACCESS_FS_READ_DIR, "read_dir"),
            (MT_LANDLOCK_ACCESS_FS_REMOVE_DIR, "remove_dir"), (MT_LANDLOCK_ACCESS_FS_REMOVE_FILE, "remove_file"),
            (MT_LANDLOCK_ACCESS_FS_MAKE_CHAR, "make_char"), (MT_LANDLOCK_ACCESS_FS_MAKE_DIR, "make_dir"),
            (MT_LANDLOCK_ACCESS_FS_MAKE_REG, "make_reg"), (MT_LANDLOCK_ACCESS_FS_MAKE_SOCK, "make_sock"),
            (MT_LANDLOCK_ACCESS_FS_MAKE_FIFO, "make_fifo"), (MT_LANDLOCK_ACCESS_FS_MAKE_BLOCK, "make_block"),
            (MT_LANDLOCK_ACCESS_FS_MAKE_SYM, "make_sym"), (MT_LANDLOCK_ACCESS_FS_REFER, "refer"),
            (MT_LANDLOCK_ACCESS_FS_TRUNCATE, "truncate"), (MT_LANDLOCK_ACCESS_FS_IOCTL_DEV, "ioctl_dev"),
            (MT_LANDLOCK_ACCESS_FS_RESOLVE_UNIX, "resolve_unix"), (1 << 17, "bit 17"),
        ]
        let program = SetupProgram(instructions: [], descriptorCount: 0, slotCount: 0)
        func words(_ files: UInt64, _ network: UInt64 = 0, _ scopes: UInt64 = 0) -> String {
            program.describe(
                .landlock(
                    .createRuleset(Slot(0), handledFiles: files, handledNetwork: network, scopes: scopes)))
        }
        for (bit, name) in files { #expect(words(bit) == "refuse \(name) by #0") }
        #expect(
            words(
                0,
                MT_LANDLOCK_ACCESS_NET_BIND_TCP | MT_LANDLOCK_ACCESS_NET_CONNECT_TCP | MT_LANDLOCK_ACCESS_NET_BIND_UDP
                    | MT_LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP,
                MT_LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | MT_LANDLOCK_SCOPE_SIGNAL)
                == "refuse nothing, ports bind_tcp,connect_tcp,bind_udp,connect_send_udp, "
                + "beyond the domain abstract_unix_socket,signal by #0")
        let flags = MT_LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON
        #expect(
            program.describe(.landlock(.restrictSelf(ruleset: Slot(0), flags: flags)))
                == "restrict itself to #0, refusals audited")
    }

    @Test func `resource numbers are the kernel's`() {
        let kernel: [ResourceName: __rlimit_resource] = [
            .cpu: RLIMIT_CPU, .fsize: RLIMIT_FSIZE, .data: RLIMIT_DATA, .stack: RLIMIT_STACK, .core: RLIMIT_CORE,
            .rss: __RLIMIT_RSS, .nproc: __RLIMIT_NPROC, .nofile: RLIMIT_NOFILE, .memlock: __RLIMIT_MEMLOCK,
            .as: RLIMIT_AS, .locks: __RLIMIT_LOCKS, .sigpending: __RLIMIT_SIGPENDING, .msgqueue: __RLIMIT_MSGQUEUE,
            .nice: __RLIMIT_NICE, .rtprio: __RLIMIT_RTPRIO, .rttime: __RLIMIT_RTTIME,
        ]
        #expect(kernel.count == ResourceName.allCases.count)
        for (name, value) in kernel { #expect(name.number == UInt32(value.rawValue), "\(name)") }
        #expect(KernelConstant.RLIMIT_CORE == UInt32(RLIMIT_CORE.rawValue))
        #expect(KernelConstant.SIGKILL == UInt32(SIGKILL))
        #expect(KernelConstant.RLIMIT_NPROC == UInt32(__RLIMIT_NPROC.rawValue))
    }

    @Test func `securebits are the kernel's`() {
        let kernel: [(Securebits, Int32)] = [
            (.noRoot, SECURE_NOROOT), (.noRootLocked, SECURE_NOROOT_LOCKED),
            (.noSetuidFixup, SECURE_NO_SETUID_FIXUP), (.noSetuidFixupLocked, SECURE_NO_SETUID_FIXUP_LOCKED),
            (.keepCapabilities, SECURE_KEEP_CAPS), (.keepCapabilitiesLocked, SECURE_KEEP_CAPS_LOCKED),
            (.noAmbientRaise, SECURE_NO_CAP_AMBIENT_RAISE),
            (.noAmbientRaiseLocked, SECURE_NO_CAP_AMBIENT_RAISE_LOCKED),
        ]
        for (bits, number) in kernel { #expect(bits.rawValue == 1 << UInt32(number)) }
        #expect(Securebits.agent.rawValue == 0xeb)
    }

    @Test func `capability numbers are the kernel's`() throws {
        let some: [(String, Int32)] = [
            ("CHOWN", CAP_CHOWN), ("SETPCAP", CAP_SETPCAP), ("NET_RAW", CAP_NET_RAW), ("SYS_ADMIN", CAP_SYS_ADMIN),
            ("MKNOD", CAP_MKNOD), ("SETFCAP", CAP_SETFCAP), ("SYSLOG", CAP_SYSLOG), ("AUDIT_READ", CAP_AUDIT_READ),
            ("PERFMON", CAP_PERFMON), ("BPF", CAP_BPF), ("CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE),
        ]
        for (name, number) in some {
            let capability = try CapabilityName(name)
            #expect(capability.number == UInt8(number), "\(name)")
        }
        #expect(KernelConstant.CAP_SETPCAP == UInt64(CAP_SETPCAP))
        #expect(CapabilityName.names.count == Int(CAP_LAST_CAP) + 1)
    }
}
