// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

/// `--audit`: what was denied, by what, how often; with the agent's fate unchanged.
@Suite(.serialized) struct AuditTests {
    private struct Attempt: Decodable, Equatable {
        var attempt: String
        var errno: String
        var by: String
        var capability: String?
        var count: Int
    }
    private struct Report: Decodable {
        struct Denied: Decodable {
            var attempts: [Attempt]
            var uncounted: Int
        }
        var denied: Denied
    }

    private func audit(_ options: [String], _ script: String) throws -> (HostProgram.Outcome, Report.Denied) {
        let outcome = try Martinet.shell(["--audit", "--report", "json"] + options, script)
        let line = try #require(outcome.errors.split(separator: "\n").last { $0.hasPrefix("{") }, "\(outcome.errors)")
        return (outcome, try JSONDecoder().decode(Report.self, from: Data(line.utf8)).denied)
    }

    @Test func `A program that is denied nothing has an empty report`() throws {
        let (outcome, denied) = try audit([], "echo hi; ls / > /dev/null; echo x > /tmp/y; cat /tmp/y")
        #expect(outcome.status == 0 && outcome.output == "hi\nx\n")
        #expect(denied.attempts == [] && denied.uncounted == 0)
    }

    @Test func `Refused calls are there with their error, capability and number, and fail as without audit`() throws {
        let script = "for i in 1 2 3; do unshare -U true; done; mount -t tmpfs x /tmp; true"
        let plain = try Martinet.shell([], script)
        let (outcome, denied) = try audit([], script)
        #expect(outcome.status == plain.status)
        #expect(outcome.errors.hasPrefix(plain.errors))
        let unshare = try #require(denied.attempts.first { $0.attempt.hasPrefix("unshare") })
        #expect(unshare.attempt.contains("CLONE_NEWUSER"))
        #expect(unshare.errno == "EPERM" && unshare.by == "seccomp" && unshare.count == 3)
        let mount = try #require(denied.attempts.first { $0.attempt.hasPrefix("mount(") })
        #expect(mount.attempt.contains("/tmp"), "\(mount.attempt)")
        #expect(mount.capability == "CAP_SYS_ADMIN")
    }

    @Test func `Paths that the file system refuses are there`() throws {
        let (_, denied) = try Scratch.with { scratch in
            try scratch.write(".env", "SECRET")
            return try audit(
                ["--workspace", scratch.path],
                "cat .env; echo x > /usr/x; rm /usr/bin/env; echo y > /tmp/note; cat /tmp/note")
        }
        func attempt(_ text: String) -> Attempt? { denied.attempts.first { $0.attempt == text } }
        #expect(attempt("read /workspace/.env")?.by == "file permissions")
        #expect(attempt("read /workspace/.env")?.errno == "EACCES")
        #expect(attempt("write /usr/x")?.errno == "EROFS")
        #expect(attempt("remove /usr/bin/env")?.by == "read-only mount")
        #expect(!denied.attempts.contains { $0.attempt.contains("note") })
    }

    @Test func `An agent cannot make the report grow without end`() throws {
        let script = "i=0; while [ $i -lt 1300 ]; do echo x > /usr/f$i; i=$((i+1)); done 2>/dev/null"
        let (_, denied) = try audit([], script)
        #expect(denied.attempts.count == 1000)
        #expect(denied.uncounted == 300)
    }

    @Test func `What control characters a path holds, the report shows them escaped`() throws {
        let outcome = try Martinet.shell(["--audit"], "echo x > \"/usr/$(printf '\\033[2Jx')\"")
        // The shell's own words are the agent's.
        let own = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("martinet: ") }.joined()
        #expect(!own.contains("\u{1b}"))
        #expect(own.contains("\\u{1b}[2Jx"))
    }

    @Test func `Programs with many threads and processes go on as they do`() throws {
        let script =
            #"import threading,subprocess;t=[threading.Thread(target=lambda:subprocess.run(["/bin/true"])) for _ in range(20)];[x.start() for x in t];[x.join() for x in t];print("all")"#
        let (outcome, _) = try audit([], "/usr/bin/python3 -c '\(script)'")
        #expect(outcome.output == "all\n", "\(outcome.errors)")
    }

    @Test func `A program that cannot be executed fails as without audit`() throws {
        #expect(try Martinet.run(["--audit"], ["/nonexistent"]).status == 127)
        #expect(try Martinet.run(["--audit"], ["/etc/passwd"]).status == 126)
    }

    @Test func `Audit without a filter is refused`() throws {
        #expect(try Martinet.run(["--audit", "--seccomp", "unconfined"], ["/bin/true"]).status == 125)
    }

    @Test func `What a run needed is learned, and is enough for the next run and not for another`() throws {
        try Scratch.with { scratch in
            let path = scratch["learned.json"]
            let options = ["--learn", path]
            let script = "import os; print(len(os.listdir('/usr'))>3); open('/tmp/x','w').write('y')"
            let learning = try Martinet.run(options, ["/usr/bin/python3", "-c", script])
            #expect(learning.status == 0 && learning.output == "True\n", "\(learning.errors)")
            let again = try Martinet.run(["--seccomp", path], ["/usr/bin/python3", "-c", script])
            #expect(again.status == 0 && again.output == "True\n", "\(again.errors)")
            let other = try Martinet.run(
                ["--seccomp", path], ["/usr/bin/python3", "-c", "import socket; socket.socket()"])
            #expect(other.status == 1)
            #expect(other.errors.contains("Function not implemented"), "\(other.errors)")
            let text = try scratch.read("learned.json") ?? ""
            #expect(text.contains("\"getdents64\"") && !text.contains("\"socket\""))
        }
    }

    @Test func `Learning without a filter is refused, and leaves an older profile alone`() throws {
        try Scratch.with { scratch in
            let path = try scratch.write("p.json", "older")
            let outcome = try Martinet.run(["--learn", path, "--seccomp", "unconfined"], ["/bin/true"])
            let text = try scratch.read("p.json")
            #expect(outcome.status == 125)
            #expect(text == "older")
        }
    }
}
