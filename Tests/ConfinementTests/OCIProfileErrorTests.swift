// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

@Suite struct `A profile that is none` {
    @Test(
        arguments: [
            ("", "1:1: the document is empty", nil),
            ("[]", "a list is not a map; write NAME: VALUE", nil),
            ("{}", "defaultAction: is missing", nil),
            (
                #"{"defaultAction": "SCMP_ACT_ALOW"}"#, #"1:19: defaultAction: "SCMP_ACT_ALOW" is not known"#,
                "did you mean SCMP_ACT_ALLOW?"
            ),
            (#"{"defaultAction": "SCMP_ACT_ALLOW",}"#, "1:36: a key in double quotes belongs here", nil),
            (
                #"{"defaultAction": "SCMP_ACT_ALLOW", "sycalls": []}"#, #"1:37: "sycalls" is no key of a profile here"#,
                "did you mean syscalls?"
            ),
            (
                #"{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}"#,
                "defaultErrnoRet: SCMP_ACT_ALLOW returns no errno", "write SCMP_ACT_ERRNO, or leave the errno out"
            ),
            (
                #"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4096}"#,
                "defaultErrnoRet: an errno is at most 4095", nil
            ),
            (
                #"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "defaultErrno": "ENOSYS"}"#,
                "defaultErrnoRet: says EPERM, where defaultErrno says ENOSYS", nil
            ),
            (
                #"{"defaultAction": "SCMP_ACT_NOTIFY"}"#,
                "defaultAction: SCMP_ACT_NOTIFY hands calls to a program outside, and a sandbox has none",
                "write SCMP_ACT_ALLOW or SCMP_ACT_ERRNO"
            ),
            (
                #"{"defaultAction": "SCMP_ACT_TRACE"}"#,
                "defaultAction: SCMP_ACT_TRACE waits for a tracer, and a sandbox has none",
                "write SCMP_ACT_ERRNO with errnoRet 38 (ENOSYS), which is what a call gets without one"
            ),
            (
                #"{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x"}"#,
                "listenerPath: SCMP_ACT_NOTIFY and its listener hand calls to a program outside, and a sandbox has none",
                "leave it out, and write SCMP_ACT_ALLOW or SCMP_ACT_ERRNO in the rules"
            ),
            (
                #"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_46"]}"#,
                #"1:55: architectures[0]: "SCMP_ARCH_X86_46" is not known"#, "did you mean SCMP_ARCH_X86_64?"
            ),
            (
                #"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86"}]}"#,
                "archMap: architectures and archMap say the same in two ways; write one of them", nil
            ),
            (
                #"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}"#,
                "flags[0]: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is for SCMP_ACT_NOTIFY, and a sandbox has no such listener",
                "leave it out"
            ),
        ] as [(String, String, String?)])
    func `as a whole is refused with place, path and cure`(json: String, subject: String, hint: String?) {
        let error = #expect(throws: ConfinementError.self) { try OCIProfile(json: Array(json.utf8)) }
        #expect(error?.code == .invalidProfile)
        #expect(error?.subject == subject)
        #expect(error?.hint == hint)
    }

    @Test(
        arguments: [
            (#"{"action": "SCMP_ACT_ALLOW"}"#, "names: a rule names at least one call", nil),
            (#"{"names": [], "action": "SCMP_ACT_ALLOW"}"#, "names: a rule names at least one call", nil),
            (#"{"name": "", "action": "SCMP_ACT_ALLOW"}"#, "name: a rule names at least one call", nil),
            (
                #"{"name": "a", "names": ["b"], "action": "SCMP_ACT_ALLOW"}"#,
                "name: name and names say the same in two ways; write one of them", nil
            ),
            (#"{"names": [7], "action": "SCMP_ACT_ALLOW"}"#, #"names[0]: 7 is a number; write "7" for a text"#, nil),
            (#"{"names": ["read"]}"#, "action: is missing", nil),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_KILL", "errnoRet": 1}"#,
                "errnoRet: SCMP_ACT_KILL returns no errno", "write SCMP_ACT_ERRNO, or leave the errno out"
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errno": "EPREM"}"#, #"errno: "EPREM" is no errno"#,
                "as EPERM or ENOSYS; see errno(3)"
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": -1}"#,
                "errnoRet: the number -1 is not a whole number from 0 to 18446744073709551615",
                "a negative int is written as what it is without a sign: 4294967295 for -1"
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}"#,
                "args[0].index: arguments are counted from 0 to 5", nil
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "op": "SCMP_CMP_EQ"}]}"#,
                "args[0].value: is missing", nil
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1}]}"#,
                "args[0].op: is missing", nil
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}]}"#,
                "args[0].value: the number 18446744073709551616 is not a whole number from 0 to 18446744073709551615",
                "a negative int is written as what it is without a sign: 4294967295 for -1"
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQUAL"}]}"#,
                #"args[0].op: "SCMP_CMP_EQUAL" is not known"#, "did you mean SCMP_CMP_EQ?"
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}]}"#,
                "args[0].valueTwo: has bits that the mask in value has not, so nothing can match",
                "value is the mask, and valueTwo what must be left under it"
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_EQ"}]}"#,
                "args[0].valueTwo: only SCMP_CMP_MASKED_EQ compares with two values", "leave it out"
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMN"]}}"#,
                #"includes.caps[0]: "CAP_SYS_ADMN" is no capability"#, "did you mean CAP_SYS_ADMIN?"
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "excludes": {"arches": ["amd46"]}}"#,
                #"excludes.arches[0]: "amd46" is not known"#, "did you mean amd64?"
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8.1"}}"#,
                #"includes.minKernel: "4.8.1" is no version of a kernel"#, #"two numbers, as "4.8""#
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": 4.8}}"#,
                #"includes.minKernel: 4.8 is a number; write "4.8" for a text"#, nil
            ),
            (
                #"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "include": {}}"#,
                #""include" is no key of a profile here"#, "did you mean includes?"
            ),
        ] as [(String, String, String?)])
    func `in a rule is refused with the path to it`(rule: String, subject: String, hint: String?) {
        let good = #"{"names": ["write"], "action": "SCMP_ACT_ALLOW"}"#
        let json = #"{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [\#(good), \#(rule)]}"#
        let error = #expect(throws: ConfinementError.self) { try OCIProfile(json: Array(json.utf8)) }
        #expect(error?.code == .invalidProfile)
        let path = subject.hasPrefix("\"") ? "syscalls[1]: " : "syscalls[1]."
        let text = error?.subject.drop { $0 != "s" }
        #expect(text.map(String.init) == path + subject)
        #expect(error?.subject.hasPrefix("1:") == true)
        #expect(error?.hint == hint)
    }

    @Test func `is refused whatever byte is changed into nonsense, without a trap`() throws {
        let good = try Fixtures.bytes("docker-20.10.json")
        var generator = Generator(seed: 11)
        for _ in 0..<300 {
            var bytes = Array(good.prefix(Int.random(in: 0...good.count, using: &generator)))
            for _ in 0..<Int.random(in: 0...3, using: &generator) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if let profile = try? OCIProfile(json: bytes) {
                _ = try? profile.resolved(capabilities: [], kernel: KernelVersion(major: 6, minor: 1))
            }
        }
    }
}

@Suite struct `A profile's JSON` {
    @Test(arguments: [
        SeccompProfile.default(), .default(capabilities: .all()), .default(denySetuidBits: true),
        .default(capabilities: [.netRaw, .sysAdmin], denySetuidBits: true),
        SeccompProfile(rules: [], defaultAction: .allow),
        SeccompProfile(
            rules: [
                .init(.killProcess, ["read"], when: [.init(argument: 0, .less, 3), .bits(2, clear: 0x30)]),
                .init(.log, ["write"], when: [.init(argument: 5, .greaterOrEqual, .max)]),
                .init(.killThread, ["close"], when: [.init(argument: 1, .notEqual, 7)]), .init(.trap, ["open"]),
            ], defaultAction: .killProcess, newerCallAction: .errno(.noSystemCall)),
        SeccompProfile(
            rules: [.init(.allow, ["read"])], defaultAction: .log,
            architectures: [.native, SeccompProfile.Architecture.native == .x86_64 ? .x86 : .arm]),
    ])
    func `reads back as the same profile`(profile: SeccompProfile) throws {
        let json = try profile.ociJSON()
        let read = try SeccompProfile(
            json: Array(json.utf8), capabilities: [], kernel: KernelVersion(major: 3, minor: 17))
        #expect(read == profile, "\(json)")
    }

    @Test func `is written for people`() throws {
        var profile = SeccompProfile(
            rules: [
                .init(.allow, (0..<12).map { "a_call_\($0)" }),
                .init(.errno(.notPermitted), ["ioctl"], when: [.int(1, equals: 0x5412)]),
            ], defaultAction: .errno(.noSystemCall))
        profile.flags = .log
        let json = try profile.ociJSON()
        #expect(
            json == """
                {
                    "defaultAction": "SCMP_ACT_ERRNO",
                    "defaultErrnoRet": 38,
                    "flags": ["SECCOMP_FILTER_FLAG_LOG"],
                    "syscalls": [
                        {
                            "names": [
                                "a_call_0", "a_call_1", "a_call_2", "a_call_3", "a_call_4", "a_call_5", "a_call_6",
                                "a_call_7", "a_call_8", "a_call_9", "a_call_10", "a_call_11"
                            ],
                            "action": "SCMP_ACT_ALLOW"
                        },
                        {
                            "names": ["ioctl"],
                            "action": "SCMP_ACT_ERRNO",
                            "errnoRet": 1,
                            "args": [
                                {"index": 1, "value": 4294967295, "valueTwo": 21522, "op": "SCMP_CMP_MASKED_EQ"}
                            ]
                        }
                    ]
                }

                """)
    }

    @Test func `is none for what OCI cannot say`() {
        var profile = SeccompProfile.default()
        profile.foreignArchitectureAction = .killProcess
        #expect(throws: ConfinementError.self) { try profile.ociJSON() }
        profile = .default()
        profile.newerCallAction = .trap
        #expect(throws: ConfinementError.self) { try profile.ociJSON() }
    }
}
