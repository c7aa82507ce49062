// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

/// openat2(2) in a directory whose symlinks try to leave it.
@Suite struct ResolutionTests {
    private func withHostileDirectory(_ body: (borrowing Descriptor) throws -> Void) throws {
        try withTemporaryDirectory { directory in
            let base = directory.base
            try makeDirectory("etc", at: base)
            try directory.write("of the directory", to: "etc/passwd")
            try makeSymlink("absolute", to: "/etc/passwd", at: base)
            try makeSymlink("up", to: "../../../../../../etc/passwd", at: base)
            try makeSymlink("etc/aside", to: "../etc/passwd", at: base)
            try makeSymlink("missing", to: "/etc/hostname-of-nobody", at: base)
            try makeSymlink("loop", to: "loop", at: base)
            try makeSymlink("magic", to: "/proc/self/root/etc/passwd", at: base)
            try body(directory)
        }
    }

    private static func text(
        _ name: String, in directory: borrowing Descriptor, _ rules: ResolveFlags
    ) throws(SystemError) -> String {
        let file = try open(name, .readOnly, at: directory.base, resolving: rules)
        return String(decoding: try readAll(file), as: UTF8.self)
    }

    @Test(
        "in a root, every way out leads back into it",
        arguments: ["absolute", "up", "etc/aside", "/etc/passwd", "../../etc/passwd", "etc/../../etc/passwd"])
    func inRoot(_ name: String) throws {
        try withHostileDirectory { directory in
            let text = try Self.text(name, in: directory, [.inRoot, .noMagicLinks])
            #expect(text == "of the directory")
        }
    }

    @Test func `in a root, what is only outside does not exist`() throws {
        try withHostileDirectory { directory in
            for name in ["missing", "/etc/shadow", "../../../etc/shadow", "magic"] {
                let raw = directory.rawValue
                let found = errnoThrown {
                    _ = try open(name, .readOnly, at: .descriptor(raw), resolving: [.inRoot, .noMagicLinks])
                }
                #expect(found == .noEntry, "\(name)")
            }
        }
    }

    @Test func `each rule refuses with its own errno`() throws {
        try withHostileDirectory { directory in
            let base = directory.base
            let cases: [(String, ResolveFlags, Errno)] = [
                ("absolute", .beneath, .crossDevice), ("up", .beneath, .crossDevice),
                ("/etc/passwd", .beneath, .crossDevice), ("..", .beneath, .crossDevice),
                ("etc/aside", .noSymlinks, .tooManyLinks), ("loop", .inRoot, .tooManyLinks),
                ("/proc/self/root/etc", .noMagicLinks, .tooManyLinks),
                ("/proc/self/status", .noCrossDevice, .crossDevice),
            ]
            for (name, rules, expected) in cases {
                let found = errnoThrown { _ = try open(name, .pathOnly, at: base, resolving: rules) }
                #expect(found == expected, "\(name)")
            }
            let text = try Self.text("etc/aside", in: directory, .beneath)
            #expect(text == "of the directory")
        }
    }

    @Test func `names are bytes, with the same rules`() throws {
        try withHostileDirectory { directory in
            let odd = ByteName([0x66, 0xff, 0x0a])
            #expect(odd.text == nil)
            #expect(odd.repairedText == "f\u{fffd}\n")
            _ = try open(odd, [.writeOnly, .create], in: directory, resolving: .beneath)
            #expect(try status(of: odd, in: directory)?.kind == .regular)
            let names = try byteEntries(of: directory).map(\.name)
            #expect(names.contains(odd))
            let link = ByteName("absolute")
            do throws(SystemError) {
                _ = try open(link, .readOnly, in: directory, resolving: .beneath)
                Issue.record("opened")
            } catch { #expect(error.errno == .crossDevice) }
            try rename(odd, in: directory, to: ByteName("even"), in: directory)
            do throws(SystemError) {
                try rename(ByteName("even"), in: directory, to: ByteName("etc"), in: directory)
                Issue.record("replaced")
            } catch { #expect(error.errno == .exists) }
            try remove(ByteName("even"), directory: false, in: directory)
            #expect(try status(of: ByteName("even"), in: directory) == nil)
        }
    }
}
