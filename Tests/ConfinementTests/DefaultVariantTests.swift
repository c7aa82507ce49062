// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

private let notPermitted = SeccompProfile.Action.errno(.notPermitted)
private let noSystemCall = SeccompProfile.Action.errno(.noSystemCall)

@Suite struct `Variants of the default profile` {
    @Test(arguments: [
        (CapabilitySet.sysAdmin, ["mount", "umount2", "pivot_root", "open_tree", "unshare", "setns", "clone3"]),
        (.sysChroot, ["chroot"]),
        (.sysPtrace, ["kcmp", "pidfd_getfd"]),
        (.sysTime, ["settimeofday", "clock_settime", "adjtimex", "clock_adjtime"]),
        (.sysNice, ["move_pages", "migrate_pages"]),
        (.syslog, ["syslog"]),
        (.dacReadSearch, ["open_by_handle_at", "name_to_handle_at"]),
        (.bpf, ["bpf"]),
        (.perfmon, ["perf_event_open"]),
        (.sysBoot, ["reboot"]),
        (.sysModule, ["init_module", "finit_module", "delete_module"]),
        (.sysPacct, ["acct"]),
        (.sysTtyConfig, ["vhangup"]),
    ])
    func `a capability opens its calls, and all others together do not`(
        capability: CapabilitySet, names: [String]
    ) throws {
        let with = try CompiledProfile(.default(capabilities: capability))
        let without = try CompiledProfile(.default(capabilities: .all().subtracting(capability)))
        for name in names {
            #expect(try with.action(name) == .allow, "\(name)")
            #expect(try without.action(name) != .allow, "\(name)")
        }
    }

    @Test func `no capability opens keys, io_uring, userfaultfd, kexec, swap or typing into terminals`() throws {
        let profile = try CompiledProfile(.default(capabilities: .all()))
        for name in ["add_key", "keyctl", "request_key", "io_uring_setup", "userfaultfd", "kexec_load", "swapon"] {
            #expect(try profile.action(name) == notPermitted, "\(name)")
        }
        #expect(try profile.action("ioctl", 0, 0x5412) == notPermitted)
    }

    @Test func `CAP_SYS_ADMIN opens namespaces in clone`() throws {
        let profile = try CompiledProfile(.default(capabilities: .sysAdmin))
        #expect(try profile.action("clone", 0x1000_0000) == .allow)
    }

    @Test func `CAP_NET_RAW opens raw and packet sockets, CAP_NET_ADMIN all of netlink`() throws {
        let raw = try CompiledProfile(.default(capabilities: .netRaw))
        #expect(try raw.action("socket", 2, 3, 1) == .allow)
        #expect(try raw.action("socket", 10, 0o2000003, 58) == .allow)
        #expect(try raw.action("socket", 17, 3) == .allow)
        #expect(try raw.action("socket", 2, 10) == notPermitted)
        #expect(try raw.action("socket", 16, 3, 12) == notPermitted)
        let administrator = try CompiledProfile(.default(capabilities: .netAdmin))
        #expect(try administrator.action("socket", 16, 3, 12) == .allow)
        #expect(try administrator.action("socket", 2, 3) == notPermitted)
    }

    @Test(arguments: [0o4755, 0o2755, 0o6777, 0o4000, 0xffff_0000_0000_0000 | 0o4644] as [UInt64])
    func `no setuid or setgid bit can be set when they are denied`(mode: UInt64) throws {
        let profile = try CompiledProfile(.default(denySetuidBits: true))
        let create: UInt64 = 0o100
        let unnamed: UInt64 = 0o20200000
        var denied = try [
            profile.action("fchmod", 3, mode), profile.action("fchmodat", 3, 0, mode),
            profile.action("fchmodat2", 3, 0, mode), profile.action("mknodat", 3, 0, mode),
            profile.action("openat", 3, 0, create, mode), profile.action("openat", 3, 0, unnamed | 1, mode),
        ]
        denied += try [
            profile.action("chmod", 0, mode), profile.action("creat", 0, mode), profile.action("mknod", 0, mode),
            profile.action("open", 0, create | 2, mode),
        ].filter { $0 != nil }
        #expect(denied.allSatisfy { $0 == notPermitted })
    }

    @Test func `other modes and opens stay allowed when setuid bits are denied`() throws {
        let profile = try CompiledProfile(.default(denySetuidBits: true))
        #expect(try profile.action("fchmod", 0o6000, 0o1777) == .allow)
        #expect(try profile.action("fchmodat", 0o4000, 0o4000, 0o755) == .allow)
        #expect(try profile.action("mknodat", 3, 0, 0o100644) == .allow)
        #expect(try profile.action("openat", 3, 0, 0o100, 0o644) == .allow)
        // No O_CREAT: the fourth register is not an argument. O_DIRECTORY alone is not O_TMPFILE.
        #expect(try profile.action("openat", 3, 0, 0, 0o4755) == .allow)
        #expect(try profile.action("openat", 3, 0, 0o200000, 0o4755) == .allow)
        #expect(try profile.action("openat2", 3) == noSystemCall)
    }

    @Test func `every name resolves, and no call is in both lists`() throws {
        for name in DefaultRules.allowedCalls + DefaultRules.deniedCalls {
            #expect(throws: Never.self) { try SystemCallNumbers.resolve(name) }
        }
        #expect(Set(DefaultRules.allowedCalls).isDisjoint(with: DefaultRules.deniedCalls))
        #expect(Set(DefaultRules.allowedCalls).count == DefaultRules.allowedCalls.count)
        #expect(Set(DefaultRules.deniedCalls).count == DefaultRules.deniedCalls.count)
    }
}
