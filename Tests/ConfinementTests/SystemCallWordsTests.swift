// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

private func call(_ name: String, _ arguments: UInt64...) throws -> SeccompData {
    guard case .number(let number) = try SystemCallNumbers.resolve(name) else { return SeccompData(number: -1) }
    return SeccompData(number: number, arguments: arguments)
}

private let onX86 = ConditionTrait.enabled(if: SeccompProfile.Architecture.native == .x86_64, "calls of x86_64")

@Suite struct `A call in words` {
    @Test func `is what a program would write`() throws {
        let cases: [(SeccompData, String)] = try [
            (call("socket", 16, 0o2000003, 9), "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_AUDIT)"),
            (call("socket", 2, 3, 1), "socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)"),
            (call("socket", 40, 1, 7), "socket(AF_VSOCK, SOCK_STREAM, 7)"),
            (call("unshare", 0x1002_0000), "unshare(CLONE_NEWNS|CLONE_NEWUSER)"),
            (call("mount", 0, 0x7f00_0000_1000, 0, 0x5000), "mount(NULL, 0x7f0000001000, NULL, MS_BIND|MS_REC, NULL)"),
            (call("ptrace", 16, 42), "ptrace(PTRACE_ATTACH, 42, 0, 0)"),
            (call("prctl", 35, 8), "prctl(PR_SET_MM, 8, 0, 0, 0)"),
            (call("ioctl", 0, 0xdead_0000_5412, 0x1000), "ioctl(0, TIOCSTI, 0x1000)"),
            (call("bpf", 5, 0x1000, 120), "bpf(BPF_PROG_LOAD, 0x1000, 120)"),
            (call("kill", 0xffff_ffff, 9), "kill(-1, SIGKILL)"),
            (call("getpid"), "getpid()"), (call("umask", 0o22), "umask(022)"),
            (call("openat", 0xffff_ff9c, 0x1000, 0o101, 0o4755), "openat(AT_FDCWD, 0x1000, O_WRONLY|O_CREAT, 04755)"),
            (call("prlimit64", 0, 7, 0, 0), "prlimit64(0, RLIMIT_NOFILE, NULL, NULL)"),
            (call("mseal", 0x1000, 4096, 0), "mseal(0x1000, 4096, 0)"),
            (
                call("mmap", 0, 4096, 3, 0x22, 0xffff_ffff, 0),
                "mmap(0, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)"
            ),
        ]
        for (call, words) in cases { #expect(SystemCallWords.describe(call) == words) }
    }

    @Test func `has the texts that the caller found, escaped`() throws {
        let mount = try call("mount", 0x1000, 0x2000, 0x3000, 0, 0)
        #expect(SystemCallWords.textArguments(of: mount) == [0, 1, 2])
        #expect(
            SystemCallWords.describe(mount, texts: [0: "none", 1: "/a \"b\"\n\u{1b}[2J", 2: "tmpfs"])
                == #"mount("none", "/a \"b\"\u{a}\u{1b}[2J", "tmpfs", 0, NULL)"#)
        let long = SystemCallWords.describe(mount, texts: [0: String(repeating: "x", count: 5000)])
        #expect(long.utf8.count < 300)
        #expect(long.contains("…"))
        #expect(SystemCallWords.textArguments(of: try call("mount", 0, 0x2000, 0)) == [1])
        #expect(SystemCallWords.textArguments(of: SeccompData(number: 9999)) == [])
    }

    @Test func `names what it does not know by number, and other ABIs`() throws {
        #expect(SystemCallWords.describe(SeccompData(number: 9999)) == "call 9999")
        #expect(SystemCallWords.describe(SeccompData(number: -1)) == "call -1")
        #expect(
            SystemCallWords.describe(SeccompData(number: 3, auditArchitecture: 0xc000_00f3))
                == "call 3 of the ABI 0xc00000f3")
        #expect(SystemCallWords.name(of: SeccompData(number: 9999)) == nil)
    }

    @Test(onX86) func `knows calls of 32-bit x86 and of x32`() {
        let old = SeccompData(number: 102, architecture: .x86, arguments: [1, 0x1000])
        #expect(SystemCallWords.describe(old) == "socketcall(1, 0x1000, 0, 0, 0, 0) [x86]")
        #expect(SystemCallWords.describe(SeccompData(number: 20, architecture: .x86)) == "getpid() [x86]")
        #expect(SystemCallWords.describe(SeccompData(number: 0x4000_0000 | 39)) == "getpid() [x32]")
        #expect(SystemCallWords.describe(SeccompData(number: 0x4000_0000 | 520)).hasPrefix("execve("))
    }

    @Test func `never traps, whatever the call`() {
        var generator = Generator(seed: 7)
        for _ in 0..<4000 {
            let number = Int32(truncatingIfNeeded: generator.next()) % 700
            let tokens = SeccompProfile.Architecture.allCases.map(\.auditToken) + [7]
            let call = SeccompData(
                number: Bool.random(using: &generator) ? number : number | 0x4000_0000,
                auditArchitecture: tokens.randomElement(using: &generator)!,
                arguments: (0..<6).map { _ in generator.next() & generator.next() })
            #expect(!SystemCallWords.describe(call).isEmpty)
            _ = SystemCallWords.neededCapability(for: call)
        }
    }
}

@Suite struct `The capability that a call needs` {
    @Test func `is the kernel's own condition, by arguments where they decide`() throws {
        let cases: [(SeccompData, CapabilitySet)] = try [
            (call("mount"), .sysAdmin), (call("chroot"), .sysChroot), (call("unshare", 0x2_0000), .sysAdmin),
            (call("unshare", 0x1002_0000), []), (call("unshare", 0x400), []), (call("clone", 0x4000_0011), .sysAdmin),
            (call("clone", 0x5000_0011), []), (call("clone", 17), []), (call("socket", 17, 3), .netRaw),
            (call("socket", 2, 3), .netRaw), (call("socket", 2, 1), []), (call("ptrace", 0), []),
            (call("ptrace", 16, 7), .sysPtrace), (call("mknodat", 3, 0, 0o20600), .mknod),
            (call("mknodat", 3, 0, 0o10600), []), (call("ioctl", 0, 0x5412), .sysAdmin), (call("ioctl", 0, 0x5413), []),
            (call("bpf"), .bpf), (call("perf_event_open"), .perfmon), (call("syslog", 3), .syslog),
            (call("settimeofday"), .sysTime), (call("reboot"), .sysBoot), (call("finit_module"), .sysModule),
            (call("open_by_handle_at"), .dacReadSearch), (call("prctl", 24), .setpcap), (call("prctl", 15), []),
            (call("read"), []), (call("keyctl"), []), (call("io_uring_setup"), []),
            (call("userfaultfd", 0), .sysPtrace),
            (call("userfaultfd", 1), []), (call("setpriority", 0, 0, 0xffff_fffb), .sysNice),
        ]
        for (call, capability) in cases {
            #expect(SystemCallWords.neededCapability(for: call) == capability, "\(SystemCallWords.describe(call))")
        }
    }

    @Test func `that opens a call in the default profile is found by asking the profile`() throws {
        #expect(SeccompProfile.capability(opening: try call("mount")) == .sysAdmin)
        #expect(SeccompProfile.capability(opening: try call("socket", 17, 3)) == .netRaw)
        #expect(SeccompProfile.capability(opening: try call("socket", 16, 3, 16)) == .netAdmin)
        #expect(SeccompProfile.capability(opening: try call("kcmp")) == .sysPtrace)
        #expect(SeccompProfile.capability(opening: try call("keyctl")) == nil)
        #expect(SeccompProfile.capability(opening: try call("read")) == nil)
        #expect(SeccompProfile.capability(opening: try call("mount"), beside: .sysAdmin) == nil)
    }

    @Test func `profiles say without a compiler what their filters do`() throws {
        var generator = Generator(seed: 3)
        let profiles = try [
            SeccompProfile.default(), .default(capabilities: .netRaw, denySetuidBits: true), .strict,
            Fixtures.docker().profile, Fixtures.podman().profile,
        ]
        for profile in profiles {
            let program = try CompiledProfile(profile)
            for number in Int32(0)..<500 {
                for _ in 0..<5 {
                    let arguments = (0..<6).map { _ in generator.next() & generator.next() & 0xff_ffff }
                    let call = SeccompData(number: number, arguments: arguments)
                    #expect(program.action(call) == profile.action(on: call), "\(number) \(arguments)")
                }
            }
            for call in [SeccompData(number: 3, auditArchitecture: 7), SeccompData(number: 0x4000_0001)] {
                #expect(program.action(call) == profile.action(on: call))
            }
            // Numbers below zero are high ones to a filter.
            for number: Int32 in [.min, .min + 1, -0x3fff_ffff, -1] {
                let call = SeccompData(number: number)
                #expect(program.action(call) == profile.action(on: call), "\(number)")
            }
        }
    }
}
