// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

@Suite struct `A profile's canonical text` {
    @Test func `has a line for each rule, in order`() {
        let profile = SeccompProfile(
            rules: [
                .init(.errno(.notPermitted), ["ioctl"], when: [.int(1, equals: 0x5412)]),
                .init(.killProcess, ["read", "write"], when: [.init(argument: 0, .less, 3), .bits(2, clear: 0x30)]),
                .init(.allow, ["close"], when: [.init(argument: 5, .greaterOrEqual, .max)]),
                .init(.log, ["openat"]),
            ],
            defaultAction: .errno(.noSystemCall), architectures: [.x86_64, .x86], foreignArchitectureAction: .killThread
        )
        #expect(
            profile.canonicalText == """
                architectures x86_64 x86
                foreign kill thread
                errno EPERM: ioctl if arg1 & 0xffffffff == 0x5412
                kill process: read write if arg0 < 0x3 and arg2 & 0x30 == 0x0
                allow: close if arg5 >= 0xffffffffffffffff
                log: openat
                default errno ENOSYS

                """)
    }

    @Test func `differs for names that differ in where a line or a word ends`() {
        func text(_ calls: [String]) -> String {
            SeccompProfile(rules: [.init(.allow, calls)], defaultAction: .trap).canonicalText
        }
        #expect(text(["read\nallow: write"]) != text(["read"]) + text(["write"]))
        #expect(text(["read write"]) != text(["read", "write"]))
        #expect(text(["read\nx"]).contains("read\\u{a}x"))
    }

    @Test func `of the default profile begins with its conditions and ends with its lists`() {
        let lines = SeccompProfile.default().canonicalText.split(separator: "\n")
        #expect(lines.contains("allow: clone if arg0 & 0x7e020000 == 0x0"))
        #expect(lines.contains("errno ENOSYS: clone3"))
        #expect(lines.contains("errno EPERM: ioctl if arg1 & 0xffffffff == 0x5412"))
        #expect(lines.last == "default errno ENOSYS")
    }
}

@Suite struct `Revisions` {
    /// Every text that the tables of the default and strict profiles can give.
    private var allTexts: String {
        let single = (0..<64).flatMap { number in
            [false, true].map {
                SeccompProfile.default(capabilities: CapabilitySet(number: number), denySetuidBits: $0)
            }
        }
        let others: [SeccompProfile] = [
            .default(), .default(denySetuidBits: true), .default(capabilities: .all()), .strict,
        ]
        // The architecture is in the key by itself.
        return (single + others).map { $0.canonicalText.split(separator: "\n").dropFirst().joined(separator: "\n") }
            .joined(separator: "\n")
    }

    @Test func `the default profile's revision is the hash of its texts`() {
        let actual = ContentHash.of(allTexts.utf8)
        #expect(
            SeccompSource.defaultRevision == actual,
            "a table has changed: set SeccompSource.defaultRevision to 0x\(ContentHash.digits(actual))")
    }

    @Test(.enabled(if: SeccompProfile.Architecture.native == .x86_64, "the recorded output is that for x86_64"))
    func `the compiler's revision is the hash of what it makes of a probe`() throws {
        var bytes: [UInt8] = []
        let plain = ["read", "write", "open", "close", "stat", "fstat", "lstat", "poll", "lseek", "mmap", "mprotect"]
        let newer = SystemCallNumbers.newer.prefix(16).map(\.name)
        let list = SeccompProfile(
            rules: [.init(.allow, plain), .init(.errno(.notPermitted), newer)], defaultAction: .errno(.noSystemCall))
        bytes += try SeccompCompiler.compile(list)
        let comparisons: [SeccompProfile.Comparison] = [
            .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .maskedEqual(mask: 0xff),
        ]
        let actions: [SeccompProfile.Action] = [.killProcess, .killThread, .trap, .log, .allow]
        let rules = actions.flatMap { action in
            comparisons.map { SeccompProfile.Rule(action, ["read", "mseal"], when: [.init(argument: 3, $0, 0x12)]) }
        }
        let architectures: [SeccompProfile.Architecture] = [.x86_64, .x86, .x32]
        bytes += try SeccompCompiler.compile(SeccompProfile(rules: rules, defaultAction: .trap))
        bytes += try SeccompCompiler.compile(
            SeccompProfile(rules: [.init(.log, ["read"])], defaultAction: .allow, architectures: architectures))
        let actual = ContentHash.of(bytes)
        #expect(
            SeccompCompiler.revision == actual,
            "the output has changed: set SeccompCompiler.revision to 0x\(ContentHash.digits(actual))")
    }

    @Test func `the key of the default profile leaves out capabilities that do not change it`() {
        for denies in [false, true] {
            for number in 0..<64 {
                let capability = CapabilitySet(number: number)
                let sameKey =
                    SeccompSource.default(capabilities: capability, denySetuidBits: denies).cacheKey
                    == SeccompSource.default(capabilities: [], denySetuidBits: denies).cacheKey
                let sameText =
                    SeccompProfile.default(capabilities: capability, denySetuidBits: denies).canonicalText
                    == SeccompProfile.default(denySetuidBits: denies).canonicalText
                #expect(sameKey == sameText, "\(capability)")
            }
        }
    }
}
