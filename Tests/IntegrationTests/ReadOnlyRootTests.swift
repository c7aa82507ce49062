// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

/// A root directory that may not be changed, and what stays writable over it.
@Suite struct ReadOnlyRootTests {
    private static let script = """
        for place in / /etc /dev /dev/pts /tmp /run /dev/shm /dev/mqueue; do
            if touch $place/made 2>/dev/null; then echo $place; fi
        done
        echo x > /dev/null && head -c 1 /dev/zero | wc -c
        chmod 700 /dev 2>/dev/null && echo chmod
        """

    private func run(_ options: [String]) throws -> HostProgram.Outcome {
        try Scratch.with { scratch in
            for name in ["root", "root/usr", "root/etc"] { try scratch.directory(name) }
            for name in ["hosts", "hostname", "resolv.conf"] { try scratch.write("root/etc/\(name)", "") }
            for name in ["bin", "lib", "lib64"] { try makeSymlink(scratch["root/\(name)"], to: "usr/\(name)") }
            let root = ["--rootfs", scratch["root"], "--bind", "/usr:/usr:ro", "--user", "0"]
            return try Martinet.shell(root + options, Self.script)
        }
    }

    @Test func `Nothing is changed but what is in memory for that`() throws {
        let outcome = try run(["--read-only"])
        #expect(outcome.lines == ["/tmp", "/run", "/dev/shm", "/dev/mqueue", "1"], "\(outcome.errors)")
        // The mount is what says no, not only the wall behind it.
        #expect(try run(["--read-only", "--landlock", "off"]).lines == outcome.lines)
    }

    @Test func `Without that, root inside changes its own root and devices`() throws {
        let outcome = try run([])
        #expect(outcome.lines == ["/", "/etc", "/dev", "/tmp", "/run", "/dev/shm", "/dev/mqueue", "1", "chmod"])
    }
}
