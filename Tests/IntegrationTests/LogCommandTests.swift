// SPDX-License-Identifier: Apache-2.0
import Engine
import LinuxKernel
import TestHost
import Testing

/// `martinet logs` and `martinet events`, on what an init writes.
@Suite struct LogCommandTests {
    @Test func `each stream goes to its own`() throws {
        try KeptSandboxes.with { kept in
            let made = try kept.create("web")
            #expect(try kept.martinet(["logs", "web"]).output == "")
            try kept.writeLog(
                made, [(.standardOutput, "one\n"), (.standardError, "two\n"), (.terminal, "three\n\u{1b}[1m")])
            let outcome = try kept.martinet(["logs", "web"])
            #expect(outcome.status == 0)
            // Into a pipe as it is.
            #expect(outcome.output == "one\nthree\n\u{1b}[1m")
            #expect(outcome.errors == "two\n")
            #expect(try kept.martinet(["logs", "--stream", "stderr", "web"]).output == "")
            #expect(try kept.martinet(["logs", "--stream", "stdout", "--stream", "stderr", "web"]).output == "one\n")
        }
    }

    @Test func `times and numbers of lines pick a part`() throws {
        try KeptSandboxes.with { kept in
            try kept.writeLog(
                kept.create("web"),
                [
                    (.standardOutput, "a\nb"), (.standardOutput, "b\n"), (.standardError, "c\n"),
                    (.standardOutput, "d\n"),
                ])
            #expect(try kept.martinet(["logs", "--tail", "1", "web"]).output == "d\n")
            let two = try kept.martinet(["logs", "-n", "2", "web"])
            #expect(two.output == "d\n")
            #expect(two.errors == "c\n")
            #expect(try kept.martinet(["logs", "-n", "all", "web"]).output == "a\nbb\nd\n")
            #expect(try kept.martinet(["logs", "--since", "2026-01-01T00:00:03Z", "web"]).output == "d\n")
            #expect(try kept.martinet(["logs", "--until", "2026-01-01T00:00:00Z", "web"]).output == "a\nb")
            let timed = try kept.martinet(["logs", "-t", "web"])
            #expect(
                timed.lines == [
                    "2026-01-01T00:00:00.000000000Z a", "2026-01-01T00:00:00.000000000Z bb",
                    "2026-01-01T00:00:03.000000000Z d",
                ])
            #expect(timed.errors == "2026-01-01T00:00:02.000000000Z c\n")
            #expect(try kept.martinet(["logs", "--since", "yesterday", "web"]).errors.contains("is not a time"))
            #expect(try kept.martinet(["logs", "--tail", "-1", "web"]).status != 0)
        }
    }

    @Test func `a terminal is shown controls, unless raw is asked for`() throws {
        try KeptSandboxes.with { kept in
            try kept.writeLog(kept.create("web"), [(.terminal, "\u{1b}]0;owned\u{7}\r\n")])
            let script = "script -qec '\"$M\" logs web' /dev/null; script -qec '\"$M\" logs --raw web' /dev/null"
            let outcome = try HostProgram(
                ["/bin/sh", "-c", script], environment: kept.environment + ["M=\(Martinet.path)", "SHELL=/bin/sh"]
            ).wait()
            // A terminal makes two bytes of a line end, which are one character here.
            #expect(outcome.bytes.count { $0 == 0x0a } == 2, "\(outcome.output)\(outcome.errors)")
            #expect(outcome.output.hasPrefix("\\u{1b}]0;owned\\u{7}"))
            #expect(outcome.output.contains("\u{1b}]0;owned\u{7}"))
        }
    }

    @Test func `following ends with the sandbox, and its end is an event at once`() throws {
        try KeptSandboxes.with { kept in
            let made = try kept.create("web")
            try kept.writeLog(made, [(.standardOutput, "a\n")])
            try kept.writeVerdict(made, code: 0)
            let program = try HostProgram(["/bin/sleep", "600"])
            try kept.run(made, as: program.pid)
            let logs = try kept.start(["logs", "-f", "web"])
            logs.awaitOutput("a\n")
            let events = try kept.start([
                "events", "-f", "--since", "1h", "--filter", "event=started", "--filter", "event=exited",
            ])
            events.awaitOutput("\"event\":\"started\"")
            let before = monotonicNow()
            program.send(9)
            events.awaitOutput("\"event\":\"exited\"")
            #expect(monotonicNow() - before < .milliseconds(100).patient)
            #expect(logs.wait().status == 0)
            #expect(events.text.contains("\"exit-status\":\"0\""))
            events.send(2)
            _ = events.wait()
            _ = program.wait()
        }
    }

    @Test func `events that were kept are printed and picked`() throws {
        try KeptSandboxes.with { kept in
            try kept.create("web", labels: ["a": "b"])
            try kept.create("other")
            #expect(try kept.martinet(["rm", "other"]).status == 0)
            let all = try kept.martinet(["events"])
            #expect(all.lines.count == 3)
            #expect(try kept.martinet(["events", "--filter", "name=other"]).lines.count == 2)
            #expect(try kept.martinet(["events", "--filter", "event=removed"]).lines.count == 1)
            #expect(try kept.martinet(["events", "--filter", "label=a=b"]).lines.count == 1)
            #expect(try kept.martinet(["events", "--until", "1h"]).lines.isEmpty)
            #expect(try kept.martinet(["events", "--since", "1h"]).lines == all.lines)
        }
    }
}
