// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

/// Where the names are defined.
private let headers = [
    "asm/ioctls.h", "asm/prctl.h", "errno.h", "fcntl.h", "linux/bpf.h", "linux/close_range.h", "linux/ethtool.h",
    "linux/fs.h",
    "linux/fsverity.h", "linux/if_tun.h", "linux/keyctl.h", "linux/kvm.h", "linux/loop.h", "linux/magic.h",
    "linux/mount.h", "linux/netlink.h", "linux/nsfs.h", "linux/perf_event.h", "linux/prctl.h", "linux/reboot.h",
    "linux/sched.h", "linux/seccomp.h", "linux/sockios.h", "linux/stat.h", "linux/userfaultfd.h", "netinet/in.h",
    "sched.h", "signal.h", "stdio.h", "sys/mman.h", "sys/personality.h", "linux/ptrace.h", "sys/resource.h",
    "sys/socket.h", "time.h",
]

private let isX86 = SeccompProfile.Architecture.native == .x86_64

@Suite struct `The names of arguments` {
    @Test(.enabled(if: ((try? status(of: "/usr/bin/cc")) ?? nil) != nil, "there is no C compiler here"))
    func `have the numbers of the kernel's headers`() throws {
        let ground = try ProgramGround()
        var names: [String: UInt64] = [:]
        let all = Array(Vocabulary.all.values) + [Vocabulary.netlinkProtocols, .internetProtocols]
        for vocabulary in all { for (name, value) in vocabulary.values + vocabulary.flags { names[name] = value } }
        // Defined in the kernel's own headers, and in C's not, as 0, or together with O_DIRECTORY.
        for name in names.keys where name.hasPrefix("SYSLOG_ACTION_") { names[name] = nil }
        for name in ["O_LARGEFILE", "__O_TMPFILE"] { names[name] = nil }
        // linux/mount.h and sys/mount.h do not go together.
        let mounts = names.filter { name, _ in ["MNT_", "MS_", "UMOUNT_"].contains { name.hasPrefix($0) } }
        try compare(names.filter { mounts[$0.key] == nil }, in: headers, ground)
        try compare(mounts, in: ["stdio.h", "sys/mount.h"], ground)
    }

    private func compare(_ names: [String: UInt64], in headers: [String], _ ground: ProgramGround) throws {
        func build(_ names: [String]) throws -> ProgramGround.Outcome {
            var source = "#define _GNU_SOURCE\n"
            for header in headers { source += "#if __has_include(<\(header)>)\n#include <\(header)>\n#endif\n" }
            // asm/termbits.h, which cannot be had beside the C library's.
            source += "struct termios2 { unsigned flags[4]; unsigned char line, cc[19]; unsigned speeds[2]; };\n"
            source += "int main(void) {\n"
            for name in names { source += "    printf(\"\(name) %llu\\n\", (unsigned long long)(unsigned)\(name));\n" }
            source += "}\n"
            let file = ground.path("names.c")
            try writeAll(try open(file, [.writeOnly, .create, .truncate], mode: 0o600), source.utf8)
            return try ground.run("/usr/bin/cc", ["-fmax-errors=0", "-o", ground.path("names"), file])
        }
        let first = try build(names.keys.sorted())
        let missing = names.keys.filter { first.errors.contains("‘\($0)’ undeclared") }
        if first.status != .exited(0) {
            let second = try build(names.keys.filter { !missing.contains($0) }.sorted())
            try #require(second.status == .exited(0), "\(second)")
        }
        // Newer than the oldest headers we build with, those of Linux 6.1; of x86 alone; or not for programs.
        let newer: Set = [
            "ARCH_SHSTK_ENABLE", "ARCH_SHSTK_DISABLE", "ARCH_SHSTK_LOCK", "BPF_TOKEN_CREATE", "MFD_EXEC",
            "MFD_NOEXEC_SEAL", "PROT_SEM", "PR_GET_AUXV", "PR_GET_MDWE", "PR_GET_MEMORY_MERGE", "PR_SET_MDWE",
            "PR_SET_MEMORY_MERGE", "SCHED_EXT",
        ]
        let allowed = { (name: String) in
            newer.contains(name) || (!isX86 && (name.hasPrefix("ARCH_") || name.hasSuffix("REGS")))
        }
        #expect(missing.filter { !allowed($0) } == [])
        let printed = try ground.run(ground.path("names"), [])
        let lines = printed.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines.count == names.count - missing.count)
        for line in lines { #expect(names[String(line[0])] == UInt64(line[1]), "\(line[0])") }
    }

    @Test func `are those of every call of this machine, each once`() {
        let named = SystemCallGroup.all.flatMap(\.signatures).map(\.name)
        #expect(Set(named).count == named.count)
        let known = Set(SystemCallNumbers.knownNames)
        #expect(known.subtracting(named) == [])
        #expect(SystemCallGroup.all.flatMap(\.signatures).allSatisfy { $0.parameters.count <= 6 })
        // aarch64 lacks the older half.
        if isX86 { #expect(Set(named).subtracting(known) == []) }
    }

    @Test func `read back as what they say`() {
        #expect(Vocabulary.openFlags.words(0) == "O_RDONLY")
        #expect(Vocabulary.openFlags.words(0o2000102) == "O_RDWR|O_CREAT|O_CLOEXEC")
        #expect(Vocabulary.openFlags.words(0o4010001) == "O_WRONLY|O_SYNC")
        #expect(Vocabulary.openFlags.words(0x8000_0003) == "3|0x80000000")
        #expect(Vocabulary.clone.words(0x0120_0011) == "SIGCHLD|CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID")
        #expect(Vocabulary.clone.words(0xdead_0000_0000) == "0")
        #expect(Vocabulary.mode.words(0o20644) == "S_IFCHR|0644")
        #expect(Vocabulary.personalities.words(0xffff_ffff) == "0xffffffff")
        #expect(Vocabulary.families.words(99) == "0x63")
        #expect(Vocabulary.trace.words(1 << 32) == "0x100000000")
    }
}
