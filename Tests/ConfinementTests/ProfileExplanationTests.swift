// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

private func lines(_ profile: SeccompProfile, after heading: String) throws -> [String] {
    let text = try ProfileExplanation(profile).text
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let start = lines.firstIndex(where: { $0.hasPrefix("  " + heading) }) else { return [] }
    return lines[(start + 1)...].prefix { $0.hasPrefix("      ") }.map { String($0.dropFirst(6)) }
}

private func profile(_ rules: SeccompProfile.Rule...) -> SeccompProfile {
    SeccompProfile(rules: rules, defaultAction: .errno(.notPermitted))
}

@Suite struct `An explanation` {
    @Test func `of the default profile tells its conditions in the kernel's words`() throws {
        #expect(
            try lines(.default(), after: "socket(domain, type, protocol)") == [
                "domain AF_UNIX: allowed",
                "domain AF_INET or AF_INET6; type SOCK_STREAM or SOCK_DGRAM, with or without SOCK_NONBLOCK,",
                "  SOCK_CLOEXEC: allowed",
                "domain AF_NETLINK; protocol NETLINK_ROUTE: allowed",
                "domain AF_INET, AF_INET6 or AF_NETLINK: EPERM",
                "otherwise: EAFNOSUPPORT",
            ])
        #expect(
            try lines(.default(), after: "clone(flags") == [
                "flags without CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER,",
                "  CLONE_NEWPID, CLONE_NEWNET: allowed", "otherwise: EPERM",
            ])
        #expect(
            try lines(.default(), after: "ioctl(fd, request, arg)")
                == ["request TIOCSTI, TIOCLINUX or TIOCSETD: EPERM", "otherwise: allowed"])
        #expect(
            try lines(.default(denySetuidBits: true), after: "openat(")
                == [
                    "flags with O_CREAT or with __O_TMPFILE; mode with 04000 or with 02000: EPERM",
                    "otherwise: allowed",
                ])
        #expect(
            try lines(.strict, after: "openat(") == [
                "flags O_RDONLY, without O_CREAT, O_TRUNC: allowed", "otherwise: EPERM",
            ])
    }

    @Test(
        arguments: [
            (.equal, 0o600, "mode 0600"), (.notEqual, 0o600, "mode other than 0600"), (.less, 8, "mode below 010"),
            (.lessOrEqual, 8, "mode at most 010"), (.greater, 8, "mode above 010"),
            (.greaterOrEqual, 8, "mode at least 010"), (.maskedEqual(mask: 0xffff_ffff), 1, "mode 01"),
            (.maskedEqual(mask: 0o6022), 0o4000, "mode with 04000, without 02022"),
            (.maskedEqual(mask: 0), 0, "mode of any value"),
        ] as [(SeccompProfile.Comparison, UInt64, String)])
    func `has words for every comparison`(
        comparison: SeccompProfile.Comparison, value: UInt64, words: String
    ) throws {
        let condition = SeccompProfile.Condition(argument: 1, comparison, value)
        #expect(
            try lines(profile(.init(.allow, ["fchmod"], when: [condition])), after: "fchmod(fd, mode)")
                == [words + ": allowed", "otherwise: EPERM"])
    }

    @Test func `names arguments past those that a call has by number`() throws {
        let condition = SeccompProfile.Condition(argument: 5, .equal, 10)
        #expect(
            try lines(profile(.init(.log, ["getpid"], when: [condition])), after: "getpid()")
                == ["argument 6 0xa: allowed, and noted in the kernel's log", "otherwise: EPERM"])
    }

    @Test func `merges only what may be merged`() throws {
        let rules: [SeccompProfile.Rule] = [
            .init(.allow, ["kill"], when: [.int(1, equals: 9)]), .init(.trap, ["kill"], when: [.int(1, equals: 15)]),
            .init(.allow, ["kill"], when: [.int(1, equals: 1)]), .init(.allow, ["kill"], when: [.int(1, equals: 2)]),
            .init(.allow, ["kill"], when: [.init(argument: 0, .notEqual, 1)]),
            .init(.allow, ["kill"], when: [.init(argument: 0, .notEqual, 2)]),
        ]
        let mixed = SeccompProfile(rules: rules, defaultAction: .killProcess)
        #expect(
            try lines(mixed, after: "kill(pid, sig)") == [
                "sig SIGKILL: allowed", "sig SIGTERM: SIGSYS", "sig SIGHUP or SIGINT: allowed",
                "pid other than 1: allowed", "pid other than 2: allowed", "otherwise: kills the process",
            ])
    }

    @Test func `names every call once`() throws {
        for profile in try [.default(), .strict, Fixtures.docker().profile, Fixtures.podman().profile] {
            let text = try ProfileExplanation(profile).text
            var names: [String] = []
            for line in text.split(separator: "\n") where line.hasPrefix("  ") {
                if line.hasPrefix("      ") {
                    let words = line.split(separator: " ").map(String.init)
                    if words.allSatisfy({ SystemCallSignature.named($0) != nil }) { names += words }
                } else if let name = line.split(separator: "(").first, line.contains("(") {
                    names.append(name.trimmingPrefix("  ").description)
                }
            }
            let known = SystemCallGroup.all.flatMap(\.signatures).map(\.name)
                .filter { (try? SystemCallNumbers.resolve($0)) != .absentHere }
            #expect(names.sorted() == known.sorted())
        }
    }

    @Test func `counts as the filter decides`() throws {
        for profile in try [SeccompProfile.default(), .strict, Fixtures.docker().profile] {
            let explanation = try ProfileExplanation(profile)
            #expect(explanation.instructions == (try SeccompCompiler.program(for: profile).count))
            #expect(explanation.text.hasPrefix("\(explanation.allowedCalls) of \(explanation.knownCalls) system calls"))
            #expect(explanation.text.split(separator: "\n").allSatisfy { $0.utf8.count <= 100 })
        }
    }

    @Test func `says what happens to everything else`() throws {
        func end(_ profile: SeccompProfile) throws -> [String] {
            let text = try ProfileExplanation(profile).text
            return text.split(separator: "\n").filter {
                $0.contains("ther call") || $0.hasPrefix("Calls of") || $0.contains("log.") || $0.contains("guard")
            }.map(String.init)
        }
        let foreign = SeccompProfile.Architecture.native == .x86_64 ? "32-bit x86 and x32" : "32-bit ARM"
        #expect(
            try end(.default()) == [
                "Every other call, and those that newer kernels have: ENOSYS, as on a kernel without it.",
                "Calls of \(foreign): ENOSYS, as on a kernel without it.",
            ])
        var profile = try Fixtures.docker().profile
        profile.flags = [.log, .allowSpeculation]
        profile.architectures += OCIVocabulary.foreignABIs
        #expect(
            try end(profile) == [
                "Every other call: EPERM; those newer than any named here: ENOSYS, as on a kernel without it.",
                "Calls of \(foreign): by the same rules.",
                "Every call that is not allowed is noted in the kernel's log.",
                "Without the guard against speculative store bypass.",
            ])
    }
}
