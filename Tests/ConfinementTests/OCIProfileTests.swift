// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

private let modern = KernelVersion(major: 6, minor: 12)

private func resolution(_ json: String, _ capabilities: CapabilitySet = []) throws -> OCIProfile.Resolution {
    try OCIProfile(json: Array(json.utf8)).resolved(capabilities: capabilities, kernel: modern)
}

private func compiled(_ json: String, _ capabilities: CapabilitySet = []) throws -> CompiledProfile {
    try CompiledProfile(resolution(json, capabilities).profile)
}

@Suite struct `An OCI profile` {
    @Test func `gives actions, with EPERM where no errno is said`() throws {
        let profile = try compiled(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"},
                {"name": "open", "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
                {"names": ["close"], "action": "SCMP_ACT_ERRNO"},
                {"names": ["mmap"], "action": "SCMP_ACT_ERRNO", "errno": "ENOTSUP"},
                {"names": ["stat"], "action": "SCMP_ACT_KILL"},
                {"names": ["fstat"], "action": "SCMP_ACT_KILL_THREAD"},
                {"names": ["lstat"], "action": "SCMP_ACT_KILL_PROCESS"},
                {"names": ["poll"], "action": "SCMP_ACT_TRAP"},
                {"names": ["lseek"], "action": "SCMP_ACT_LOG"},
                {"names": ["chown"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0},
                {"names": ["mseal"], "action": "SCMP_ACT_ALLOW"}]}
            """)
        let expected: [(String, SeccompProfile.Action)] = [
            ("read", .allow), ("write", .allow), ("open", .errno(.noSystemCall)), ("close", .errno(.notPermitted)),
            ("mmap", .errno(.notSupported)), ("stat", .killThread), ("fstat", .killThread), ("lstat", .killProcess),
            ("poll", .trap), ("lseek", .log), ("chown", .errno(Errno(rawValue: 0))), ("socket", .errno(.notPermitted)),
        ]
        for (name, action) in expected {
            let actual = try profile.action(name)
            #expect(actual == nil || actual == action, "\(name)")
        }
    }

    @Test(
        arguments: [
            ("SCMP_CMP_EQ", 5, 0, [5], [4, 6, 0x1_0000_0005]), ("SCMP_CMP_NE", 5, 0, [4, 6, 0x1_0000_0005], [5]),
            ("SCMP_CMP_LT", 5, 0, [0, 4], [5, 6, .max]), ("SCMP_CMP_LE", 5, 0, [0, 5], [6, .max]),
            ("SCMP_CMP_GT", 5, 0, [6, .max], [0, 5]), ("SCMP_CMP_GE", 5, 0, [5, .max], [0, 4]),
            ("SCMP_CMP_MASKED_EQ", 0xf0, 0x20, [0x20, 0x2f, 0x1_0000_0020], [0, 0x30, 0xf0]),
            ("SCMP_CMP_EQ", .max, 0, [.max], [0xffff_ffff]),
        ] as [(String, UInt64, UInt64, [UInt64], [UInt64])])
    func `compares arguments`(
        operation: String, value: UInt64, second: UInt64, matching: [UInt64], other: [UInt64]
    ) throws {
        let profile = try compiled(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
                {"index": 1, "value": \(value), "valueTwo": \(second), "op": "\(operation)"}]}]}
            """)
        for value in matching { #expect(try profile.action("read", 9, value) == .allow) }
        for value in other { #expect(try profile.action("read", 9, value) != .allow) }
    }

    @Test func `wants all comparisons of a rule to hold, unless two are of one argument`() throws {
        func rule(_ indices: (Int, Int)) throws -> CompiledProfile {
            try compiled(
                """
                {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
                    {"index": \(indices.0), "value": 1, "op": "SCMP_CMP_EQ"},
                    {"index": \(indices.1), "value": 2, "op": "SCMP_CMP_EQ"}]}]}
                """)
        }
        let all = try rule((0, 1))
        #expect(try all.action("read", 1, 2) == .allow)
        #expect(try all.action("read", 1, 1) == .errno(.notPermitted))
        let either = try rule((0, 0))
        #expect(try either.action("read", 1) == .allow)
        #expect(try either.action("read", 2) == .allow)
        #expect(try either.action("read", 3) == .errno(.notPermitted))
    }

    @Test func `counts rules by capabilities, architecture and kernel`() throws {
        let native = OCIVocabulary.dockerNative
        let json = """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_BPF", "CAP_PERFMON"]}},
                {"names": ["write"], "action": "SCMP_ACT_ALLOW", "excludes": {"caps": ["CAP_BPF", "CAP_PERFMON"]}},
                {"names": ["close"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x", "\(native)"]}},
                {"names": ["lseek"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}},
                {"names": ["mmap"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["\(native)"]}},
                {"names": ["brk"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "6.12"}},
                {"names": ["munmap"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "6.13"}},
                {"names": ["ioctl"], "action": "SCMP_ACT_ALLOW", "excludes": {"minKernel": "4.8"}}]}
            """
        func allowed(_ capabilities: CapabilitySet) throws -> [String] {
            let profile = try compiled(json, capabilities)
            return try ["read", "write", "close", "lseek", "mmap", "brk", "munmap", "ioctl"]
                .filter { try profile.action($0) == .allow }
        }
        #expect(try allowed([]) == ["write", "close", "brk"])
        #expect(try allowed(.bpf) == ["close", "brk"])
        #expect(try allowed([.bpf, .perfmon]) == ["read", "close", "brk"])
        #expect(try resolution(json).rulesLeftOut == 5)
    }

    @Test func `passes over names that nothing has, and says so`() throws {
        let resolved = try resolution(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["read", "a_call_of_2040", "raed", "socketcall", "s390_pci_mmio_read"],
                 "action": "SCMP_ACT_ALLOW"}, {"names": ["nothing_else"], "action": "SCMP_ACT_ALLOW"}]}
            """)
        #expect(resolved.unknownNames == ["a_call_of_2040", "nothing_else", "raed"])
        #expect(resolved.absentNames == 2)
        #expect(resolved.profile.rules.count == 1)
    }

    @Test func `opens another ABI where architectures names it, and not by archMap`() throws {
        let native = SeccompProfile.Architecture.native == .x86_64 ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64"
        let (foreign, abi) =
            SeccompProfile.Architecture.native == .x86_64
            ? ("SCMP_ARCH_X86", SeccompProfile.Architecture.x86) : ("SCMP_ARCH_ARM", .arm)
        let rules = #""syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]"#
        let named = try resolution(
            #"{"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["\#(foreign)", "SCMP_ARCH_MIPS"], \#(rules)}"#)
        #expect(named.profile.architectures == [.native, abi])
        let mapped = try resolution(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "archMap": [
                {"architecture": "SCMP_ARCH_S390X", "subArchitectures": ["SCMP_ARCH_S390"]},
                {"architecture": "\(native)", "subArchitectures": ["\(foreign)"]},
                {"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": null}], \(rules)}
            """)
        #expect(mapped.profile.architectures == [.native])
        #expect(mapped.closedArchitectures == [abi])
        let call = SeccompData(number: 3, architecture: abi)  // read, on both
        #expect(try CompiledProfile(named.profile).action(call) == .allow)
        #expect(try CompiledProfile(mapped.profile).action(call) == .errno(.noSystemCall))
    }

    @Test func `answers calls newer than it knows with ENOSYS, where it refuses what it does not name`() throws {
        func action(_ defaults: String) throws -> SeccompProfile.Action? {
            let rule = #"{"names": ["read", "close_range"], "action": "SCMP_ACT_ALLOW"}"#
            return try compiled(#"{"defaultAction": \#(defaults), "syscalls": [\#(rule)]}"#).action("mseal")
        }
        #expect(try action(#""SCMP_ACT_ERRNO""#) == .errno(.noSystemCall))
        #expect(try action(#""SCMP_ACT_KILL_PROCESS""#) == .errno(.noSystemCall))
        #expect(try action(#""SCMP_ACT_ALLOW""#) == .allow)
        #expect(try action(#""SCMP_ACT_LOG""#) == .log)
        let named = try compiled(
            #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"name": "read", "action": "SCMP_ACT_ALLOW"}, {"name": "mseal", "action": "SCMP_ACT_ALLOW"}]}"#
        )
        #expect(try named.action("close_range") == .errno(.notPermitted))
    }

    @Test func `notices where the order of rules matters, which other runtimes do not keep`() throws {
        let resolved = try resolution(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["ioctl"], "action": "SCMP_ACT_ERRNO", "args": [
                    {"index": 1, "value": 21522, "op": "SCMP_CMP_EQ"}]},
                {"names": ["ioctl", "read"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["read"], "action": "SCMP_ACT_TRAP"}, {"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}
            """)
        #expect(resolved.exceptedCalls == ["ioctl"])
        #expect(resolved.shadowedCalls == ["read"])
        let profile = try CompiledProfile(resolved.profile)
        #expect(try profile.action("ioctl", 0, 21522) == .errno(.notPermitted))
        #expect(try profile.action("ioctl", 0, 21523) == .allow)
    }

    @Test func `keeps the flags that make sense in a sandbox`() throws {
        let resolved = try resolution(
            """
            {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC",
                "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}
            """)
        #expect(resolved.profile.flags == [.log, .allowSpeculation])
        #expect(resolved.profile.flags.rawValue == 6)
    }

    @Test func `of Docker is read whole`() throws {
        let resolved = try Fixtures.docker()
        #expect(resolved.unknownNames == [])
        #expect(resolved.closedArchitectures == OCIVocabulary.foreignABIs)
        #expect(resolved.shadowedCalls == [])
        #expect(resolved.exceptedCalls == [])
        #expect(try SeccompCompiler.program(for: resolved.profile).callsRefusedAtStart == [])
        let profile = try CompiledProfile(resolved.profile)
        #expect(try profile.action("clone", 0x0120_0011) == .allow)
        #expect(try profile.action("clone", 0x1000_0000) == .errno(.notPermitted))
        #expect(try profile.action("personality", 0x20008) == .allow)
        #expect(try profile.action("personality", 0x40000) == .errno(.notPermitted))
        #expect(try profile.action("mount") == .errno(.notPermitted))
        #expect(try profile.action("mseal") == .errno(.noSystemCall))
        let administrator = try CompiledProfile(Fixtures.docker(capabilities: .sysAdmin).profile)
        #expect(try administrator.action("mount") == .allow)
        #expect(try administrator.action("clone", 0x1000_0000) == .allow)
        let old = try Fixtures.docker(kernel: KernelVersion(major: 4, minor: 7))
        #expect(try CompiledProfile(old.profile).action("ptrace") == .errno(.notPermitted))
        #expect(try profile.action("ptrace") == .allow)
    }

    @Test func `of podman is read whole, with errnos by name`() throws {
        let resolved = try Fixtures.podman()
        // Allowed, and further down refused without CAP_SYS_ADMIN: what comes first counts, with runc as here.
        #expect(resolved.shadowedCalls == ["setns"])
        #expect(resolved.profile.defaultAction == .errno(.noSystemCall))
        let profile = try CompiledProfile(resolved.profile)
        #expect(try profile.action("socket", 16, 3, 9) == .errno(.invalid))
        #expect(try profile.action("socket", 16, 3, 0) == .allow)
        #expect(try profile.action("socket", 1, 3, 9) == .allow)
        #expect(try profile.action("chroot") == .errno(.notPermitted))
        let auditor = try CompiledProfile(Fixtures.podman(capabilities: .auditWrite).profile)
        #expect(try auditor.action("socket", 16, 3, 9) == .allow)
    }

    @Test func `that refuses what starts an agent is noticed`() throws {
        let json = #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"name": "execve", "action": "SCMP_ACT_ALLOW"}]}"#
        #expect(try SeccompCompiler.program(for: resolution(json).profile).callsRefusedAtStart == ["close_range"])
    }
}
