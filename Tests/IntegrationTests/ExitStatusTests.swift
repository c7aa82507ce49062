// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@Suite(.serialized) struct ExitStatusTests {
    @Test(arguments: [
        ("true", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", 143), ("kill -KILL $$", 137),
        ("kill -HUP $$", 129), ("sleep 60 & exit 3", 3),
    ])
    func `The agent's status, or 128 and its signal`(script: String, expected: Int32) throws {
        let outcome = try Martinet.shell([], script)
        #expect(outcome.status == expected)
        #expect(outcome.errors == "")
    }

    @Test(arguments: [
        (["--frobnicate"], "Unknown option '--frobnicate'"),
        (["--memory", "12 parsecs"], #"limits.memory: "12 parsecs" is not a size; write 512MiB"#),
        (["--net", "hots"], #"net: "hots" is none of none, host"#),
        (["--cap", "net_bind_servic"], "cap"),
        (["--workspace", "/nonexistent/dir"], "workspace: open /nonexistent/dir: no such file or directory (ENOENT)"),
        (["--workdir", "/nonexistent"], "hint: /nonexistent does not exist in the sandbox"),
        (["--spec", "/nonexistent/spec"], "open /nonexistent/spec: no such file or directory (ENOENT)"),
        (["--user", "nosuchuser"], #"user: no user "nosuchuser" in this sandbox"#),
    ])
    func `125 and a reason when the sandbox cannot be made`(options: [String], words: String) throws {
        let outcome = try Martinet.run(options, ["/bin/echo", "ran"])
        #expect(outcome.status == 125)
        #expect(outcome.errors.hasPrefix("martinet: "), "\(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(outcome.output == "")
    }

    @Test func `125 without a command`() throws {
        let outcome = try Martinet.run([], [])
        #expect(outcome.status == 125)
        #expect(outcome.errors == "martinet: command: no program to run; write it after --\n")
    }

    @Test func `126 for what cannot be executed`() throws {
        for path in ["/etc/hosts", "/tmp"] {
            let outcome = try Martinet.run([], [path])
            #expect(outcome.status == 126)
            #expect(outcome.errors.hasPrefix("martinet: execute \(path): permission denied (EACCES)"))
        }
    }

    @Test func `126 for a file of no known format`() throws {
        try Scratch.with { scratch in
            let file = try scratch.write("program", "\u{7f}no format at all", mode: 0o755)
            let outcome = try Martinet.run(["--bind", "\(file):/program:ro"], ["/program"])
            #expect(outcome.status == 126)
            #expect(outcome.errors.contains("(ENOEXEC)"), "\(outcome.errors)")
        }
    }

    @Test(arguments: ["no-such-program", "/no/such/program"])
    func `127 for what is not there`(name: String) throws {
        let outcome = try Martinet.run([], [name])
        #expect(outcome.status == 127)
        #expect(outcome.errors.hasPrefix("martinet: execute \(name): no such file or directory (ENOENT)\nhint: "))
    }

    @Test(arguments: [
        ([], "Missing expected argument '<DIR>'"),
        (["/tmp"], isRoot ? "build /tmp: it is there and is not an empty directory" : "which takes root"),
        (["/tmp/never-made", "--suite", "../x"], "use suite ../x"),
        (["/tmp/never-made", "--variant", "nope"], "use variant nope"),
        (["/tmp/never-made", "--frobnicate"], "Unknown option '--frobnicate'"),
    ])
    func `rootfs build refuses wrong arguments with 125 and makes nothing`(arguments: [String], words: String) throws {
        let outcome = try HostProgram([Martinet.path, "rootfs", "build"] + arguments).wait()
        #expect(outcome.status == 125)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(access("/tmp/never-made", F_OK) != 0)
    }
}
