// SPDX-License-Identifier: Apache-2.0
import Testing

/// `martinet seccomp`, as people use it.
@Suite struct SeccompCommandTests {
    private func martinet(_ arguments: String...) throws -> HostProgram.Outcome {
        try HostProgram([Martinet.path, "seccomp"] + arguments).wait()
    }

    @Test func `list has a line for each built-in profile`() throws {
        let outcome = try martinet("list")
        #expect(outcome.status == 0)
        #expect(outcome.lines.compactMap { $0.split(separator: " ").first } == ["default", "strict", "unconfined"])
    }

    @Test func `show tells what a profile allows, and what a capability opens`() throws {
        let plain = try martinet("show", "default")
        #expect(plain.status == 0 && plain.errors == "")
        #expect(plain.output.contains("domain AF_NETLINK; protocol NETLINK_ROUTE: allowed\n"))
        let raw = try martinet("show", "default", "--cap", "NET_RAW", "--cap", "sys_chroot")
        #expect(raw.output.contains("domain AF_PACKET: allowed\n"))
        #expect(raw.output.contains("\n      chroot\n"))
        #expect(!plain.output.contains("\n      chroot\n"))
        #expect(try martinet("show", "default", "--workspace").output.contains("mode with 04000 or with 02000: EPERM"))
        #expect(try martinet("show", "strict").output.contains("flags O_RDONLY, without O_CREAT, O_TRUNC: allowed"))
        #expect(
            try martinet("show", "unconfined").output == "No filter: every system call that the kernel has is made.\n")
    }

    @Test(arguments: ["default", "strict", "unconfined"])
    func `what --json prints reads back as the same profile`(name: String) throws {
        let both = try Martinet.hostShell(
            """
            set -e; d=$(mktemp -d); trap 'rm -r "$d"' EXIT
            "$M" seccomp show \(name) --json > "$d/a.json"
            "$M" seccomp show "$d/a.json" --json > "$d/b.json"
            cmp "$d/a.json" "$d/b.json"
            "$M" seccomp show \(name) > "$d/a"
            # A note follows: runc would not keep the order of its rules.
            "$M" seccomp show "$d/a.json" | head -n "$(wc -l < "$d/a")" > "$d/b"
            [ \(name) = unconfined ] || cmp "$d/a" "$d/b"
            """)
        #expect(both.status == 0, "\(both.output)\(both.errors)")
    }

    @Test func `notes say what was passed over in a file`() throws {
        let outcome = try Martinet.hostShell(
            """
            f=$(mktemp); echo '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
                {"names": ["read", "raed", "socketcall"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}}]}' > "$f"
            "$M" seccomp show "$f"; "$M" seccomp show --kernel 4.7 "$f" | grep count; rm "$f"
            """)
        let notes = outcome.lines.filter { $0.hasPrefix("note: ") }
        #expect(
            notes == [
                "note: no call on any architecture has these names, which are passed over: raed",
                "note: 1 name is a call of another architecture",
                "note: no agent starts with these calls refused: close_range execve",
                "note: 1 rule does not count here, by capability, architecture or kernel",
            ])
    }

    @Test(arguments: [
        (["show"], "Missing expected argument '<PROFILE>'"), (["show", "defualt"], "hint: did you mean default?"),
        (["show", "/nonexistent"], "read seccomp profile: /nonexistent: no such file or directory (ENOENT)"),
        (["show", "/dev/null"], "invalid seccomp profile: /dev/null:1:1: the document is empty"),
        (["show", "/proc/self"], "is a directory (EISDIR)"),
        (["show", "default", "--cap", "SYS_ADMN"], "hint: did you mean CAP_SYS_ADMIN?"),
        (["show", "default", "--kernel", "new"], "--kernel new: not a version of Linux; write two numbers, as 6.12"),
        (["frobnicate"], "frobnicate"),
    ])
    func `mistakes end with 125 and say what is wrong`(arguments: [String], words: String) throws {
        let outcome = try HostProgram([Martinet.path, "seccomp"] + arguments).wait()
        #expect(outcome.status == 125)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(outcome.output == "")
    }

    @Test func `--bpf writes the filter that runs use`() throws {
        let outcome = try martinet("show", "strict", "--bpf")
        #expect(outcome.status == 0)
        #expect(outcome.bytes.count % 8 == 0 && outcome.bytes.count > 800)
        // ld [4]: the architecture.
        #expect(outcome.bytes.prefix(8) == [0x20, 0, 0, 0, 4, 0, 0, 0])
        let size = "\(outcome.bytes.count / 8) instructions)"
        #expect(try martinet("show", "strict").output.contains(size))
        #expect(try martinet("show", "strict", "--bpf", "--json").status == 125)
    }

    @Test func `profiles complete by name, and files beside them`() throws {
        let words = try HostProgram(
            [
                Martinet.path, "---completion", "seccomp", "show", "--", "positional@0", "3", "0", "martinet",
                "seccomp", "show", "",
            ]
        ).wait()
        #expect(words.lines.contains("strict"), "\(words.output)\(words.errors)")
    }
}
