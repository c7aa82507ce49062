// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import TestHost
import Testing

/// Limits of what is writable: in memory, and of an overlay that is kept.
@Suite(.serialized) struct DiskLimitTests {
    private static let needsImages: Comment = "root, and loop devices, are needed"
    private static let hasImages = isRoot && (try? open("/dev/loop-control", .readWrite)) != nil

    /// A root directory that shows this machine's programs, and a place for what is kept.
    private func withRoot(_ body: (Scratch, [String]) throws -> Void) throws {
        try Scratch.with { scratch in
            for name in ["root", "root/usr", "root/etc"] { try scratch.directory(name) }
            for name in ["bin", "sbin", "lib", "lib64"] {
                try makeSymlink(scratch["root/\(name)"], to: "usr/\(name)")
            }
            try scratch.write("root/etc/passwd", "root:x:0:0::/:/bin/sh\n")
            let options = ["--rootfs", scratch["root"], "--bind", "/usr:/usr:ro", "--user", "0"]
            let before = Self.leftovers()
            try body(scratch, options + ["--overlay", scratch["state"]])
            expectNothingLeft(since: before)
        }
    }

    /// Loop devices in use and mounts of this process's namespace.
    private static func leftovers() -> [String] {
        HostView.names("/sys/block").compactMap { HostView.text("/sys/block/\($0)/loop/backing_file") }.sorted()
            + [HostView.text("/proc/self/mountinfo") ?? ""]
    }

    private func expectNothingLeft(since before: [String], sourceLocation: SourceLocation = #_sourceLocation) {
        for _ in 0..<300 * Patience.factor where Self.leftovers() != before { usleep(10_000) }
        #expect(Self.leftovers() == before, sourceLocation: sourceLocation)
    }

    private func expect(_ kibibytes: Int?, near limit: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        let held = kibibytes ?? 0
        #expect(held > limit * 95 / 100 && held < limit * 105 / 100, "\(held)", sourceLocation: sourceLocation)
    }

    /// Writes until it fails, then says how many KiB it has, and fails.
    private let fill = "dd if=/dev/zero of=/file bs=64k 2>/dev/null; du -k /file | cut -f1; exit 3"

    @Test(.enabled(if: hasImages, needsImages))
    func `A kept overlay holds what it may, for good, and grows when it may hold more`() throws {
        try withRoot { scratch, options in
            let first = try Martinet.shell(options + ["--disk", "16MiB"], fill)
            expect(Int(first.lines.first ?? ""), near: 16 << 10)
            #expect(first.errors.contains("its limit is 16MiB"), "\(first.errors)")
            // The same without naming the limit: what is there is there.
            let again = try Martinet.shell(options, "du -k /file | cut -f1; echo more >> /other; echo $?")
            #expect(again.lines.first == first.lines.first)
            let grown = try Martinet.shell(options + ["--disk", "40MiB"], "rm -f /other; \(fill)")
            expect(Int(grown.lines.first ?? ""), near: 40 << 10)
            let smaller = try Martinet.shell(options + ["--disk", "16MiB"], "true")
            #expect(smaller.status == 125)
            #expect(smaller.errors.contains("an image is not made smaller"), "\(smaller.errors)")
            // What is deleted inside is the host's again, a moment later.
            #expect(try Martinet.shell(options, "rm /file; sync; sleep 1").status == 0)
            var facts = stat()
            #expect(stat(scratch["state/disk.img"], &facts) == 0)
            #expect(facts.st_blocks * 512 < 16 << 20, "\(facts.st_blocks * 512) bytes on disk")
        }
    }

    @Test(.enabled(if: hasImages, needsImages))
    func `A kept overlay has the inodes it may have`() throws {
        try withRoot { _, options in
            let outcome = try Martinet.shell(
                options + ["--disk", "16MiB", "--inodes", "600"],
                "i=0; while : 2>/dev/null > /$i; do i=$((i+1)); echo $i; done")
            expect(outcome.lines.last.flatMap { Int($0) }, near: 600)
        }
    }

    @Test(.enabled(if: hasImages, needsImages))
    func `A kept overlay is one sandbox's at a time, and its image is let go of when the launcher is killed`() throws {
        try withRoot { _, options in
            let first = try Martinet.start(
                options + ["--disk", "8MiB"], ["/bin/sh", "-c", "echo kept > /file; sync; echo ready; read line"],
                input: .open)
            first.awaitOutput("ready")
            let second = try Martinet.shell(options, "true")
            #expect(second.status == 125)
            #expect(second.errors.contains("another sandbox uses it"), "\(second.errors)")
            first.send(SIGKILL)
            #expect(first.wait().status == 137)
            // As soon as that one has ended, and not before.
            var third = try Martinet.shell(options, "cat /file")
            for _ in 0..<100 * Patience.factor where third.status == 125 {
                usleep(20_000)
                third = try Martinet.shell(options, "cat /file")
            }
            #expect(third.output == "kept\n", "\(third.errors)")
        }
    }

    @Test(.enabled(if: hasImages, needsImages))
    func `80 runs with SIGKILL at a random moment leave no loop device, and an overlay that can be used`() throws {
        var random = SystemRandomNumberGenerator()
        try withRoot { scratch, options in
            var served = 0
            for run in 0..<80 {
                // Every fourth makes a new image.
                if run % 4 == 0 { try? FileManager.default.removeItem(atPath: scratch["state"]) }
                let program = try Martinet.start(
                    options + ["--disk", "\(8 + run % 4)MiB"],
                    ["/bin/sh", "-c", "echo \(run) > /file; sync; sleep 0.005"])
                usleep(UInt32.random(in: 0..<60_000, using: &random) * UInt32(Patience.factor))
                let victim = run % 2 == 0 ? nil : HostView.initProcess(of: program.pid)
                kill(victim ?? program.pid, SIGKILL)
                if program.wait().status == 0 { served += 1 }
            }
            #expect(served < 60, "most ended before they were killed")
            var last = try Martinet.shell(options, "echo last > /file; cat /file")
            for _ in 0..<100 * Patience.factor where last.status == 125 {
                usleep(20_000)
                last = try Martinet.shell(options, "echo last > /file; cat /file")
            }
            #expect(last.output == "last\n", "\(last.errors)")
        }
    }

    @Test(.enabled(if: hasImages, needsImages))
    func `A user that was added inside is known the next time`() throws {
        try withRoot { _, options in
            let added = try Martinet.shell(
                options + ["--disk", "8MiB"], "echo bob:x:1234:1235::/:/bin/sh >> /etc/passwd")
            #expect(added.status == 0)
            let bob = try Martinet.shell(options + ["--user", "bob"], "id -u; id -g")
            #expect(bob.output == "1234\n1235\n", "\(bob.errors)")
        }
    }

    @Test(.enabled(if: isRoot, "an ordinary user cannot limit it at all"))
    func `A kept overlay with contents and without a limit is given none`() throws {
        try withRoot { _, options in
            #expect(try Martinet.shell(options, "echo kept > /file").status == 0)
            let limited = try Martinet.shell(options + ["--disk", "8MiB"], "true")
            #expect(limited.status == 125)
            #expect(limited.errors.contains("it has contents from runs without a limit"), "\(limited.errors)")
            #expect(try Martinet.shell(options, "cat /file").output == "kept\n")
        }
    }

    @Test(.enabled(if: !isRoot, "root can limit it"))
    func `A limit of a kept overlay takes root, and can be waived`() throws {
        try Scratch.with { scratch in
            for name in ["root", "root/usr", "root/etc"] { try scratch.directory(name) }
            for name in ["hosts", "hostname", "resolv.conf"] { try scratch.write("root/etc/\(name)", "") }
            try makeSymlink(scratch["root/bin"], to: "usr/bin")
            for name in ["lib", "lib64"] { try makeSymlink(scratch["root/\(name)"], to: "usr/\(name)") }
            let options = [
                "--rootfs", scratch["root"], "--bind", "/usr:/usr:ro", "--overlay", scratch["state"], "--disk", "8MiB",
            ]
            let refused = try Martinet.shell(options, "true")
            #expect(refused.status == 125)
            #expect(refused.errors.contains("takes root"), "\(refused.errors)")
            #expect(refused.errors.contains("--waive limits"), "\(refused.errors)")
            #expect(try Martinet.shell(options + ["--waive", "limits"], "true").status == 0)
        }
    }

    @Test func `What is writable in memory has the inodes it may have`() throws {
        let make = "i=0; while : 2>/dev/null > /tmp/$i; do i=$((i+1)); echo $i; done; exit 3"
        let outcome = try Martinet.shell(["--inodes", "2000"], make)
        let made = outcome.lines.last.flatMap { Int($0) } ?? 0
        // The sandbox itself takes about a hundred.
        #expect((1800..<2000).contains(made), "\(made)")
        #expect(outcome.errors.contains("disk full"), "\(outcome.errors)")
        // The least that may be asked for is enough to start, with either kind of root.
        #expect(try Martinet.shell(["--inodes", "256"], "echo > /tmp/x").status == 0)
        let few = try Martinet.shell(["--inodes", "256", "--tmpfs", "/many:64MiB"], "df -i /many | tail -1")
        #expect(few.output.split(separator: " ").dropFirst().first == "256")
    }
}
