// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
import LinuxKernel
import TestHost
import Testing

/// Sandboxes that go on when whoever started them has gone.
@Suite(.serialized) struct DetachedTests {
    @Test func `What is started detached is found by others, and its end and verdict wait for them`() throws {
        try DetachedSandboxes.with { sandboxes in
            let id = try sandboxes.run("one", script: "echo out; echo err >&2; sleep 0.2; exit 7")
            #expect(id.count == 16)
            #expect(try sandboxes.martinet("wait", "one").output == "7\n")
            #expect(try sandboxes.state("one") == "exited")
            let logs = try sandboxes.martinet("logs", "one")
            #expect(logs.output == "out\n" && logs.errors == "err\n")
            let report = try sandboxes.martinet("wait", "--report", "json", String(id.prefix(5))).output
            #expect(report.contains(#""exit-status":7"#) && report.contains(#""name":"one""#), "\(report)")
            let events = try sandboxes.martinet("events").output.split(separator: "\n")
            let kinds = ["created", "started", "exited"]
            #expect(
                zip(events, kinds).allSatisfy { $0.contains("\"event\":\"\($1)\"") } && events.count == 3, "\(events)")
            #expect(try sandboxes.martinet("rm", "one").status == 0)
            #expect(try sandboxes.martinet("ps", "-aq").output.isEmpty)
        }
    }

    @Test func `Another process has the first one's identity, view and cgroup, and its own streams and status`() throws
    {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run(
                "one", ["--env", "A=first"], script: "grep -E 'Cap|NoNew|Seccomp|^[UG]id' /proc/self/status; sleep 60")
            let first = try sandboxes.awaitLog("one", "Seccomp_filters").split(separator: "\n")
            let exec = try sandboxes.martinet(
                "exec", "one", "--", "sh", "-c",
                "grep -E 'Cap|NoNew|Seccomp|^[UG]id' /proc/self/status; echo $A; pwd; exit 3")
            #expect(exec.status == 3)
            #expect(exec.lines.dropLast(2).joined(separator: "\n") == first.joined(separator: "\n"), "\(exec.output)")
            #expect(exec.lines.suffix(2) == ["first", "/workspace"])
            let cat = try sandboxes.martinet(["exec", "-i", "one", "cat"], input: .bytes(Array("in\n".utf8)))
            #expect(cat.output == "in\n" && cat.status == 0)
            // Without -i there is nothing to read.
            #expect(try sandboxes.martinet(["exec", "one", "cat"], input: .bytes(Array("in\n".utf8))).output.isEmpty)
            let other = try sandboxes.martinet(
                "exec", "-w", "/tmp", "-e", "A=second", "one", "sh", "-c", "echo $A; pwd")
            #expect(other.lines == ["second", "/tmp"])
            #expect(try sandboxes.martinet("exec", "one", "/nonexistent").status == 127)
            #expect(try sandboxes.martinet("exec", "one", "/etc/passwd").status == 126)
            #expect(try sandboxes.martinet("exec", "one", "sh", "-c", "kill -TERM $$").status == 143)
            #expect(try sandboxes.martinet("exec", "one", "ls", "/proc/self/fd").lines == ["0", "1", "2", "3"])
            let report = try sandboxes.martinet("exec", "--report", "json", "one", "sh", "-c", "exit 5")
            #expect(report.errors.contains(#""exit-status":5"#) && report.status == 5, "\(report.errors)")
        }
    }

    @Test func `A process that is started detached goes on, and ends with the sandbox`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", script: "sleep 60")
            #expect(
                try sandboxes.martinet("exec", "-d", "one", "sh", "-c", "echo $$ > /tmp/pid; exec sleep 60").status == 0
            )
            let both = try sandboxes.martinet("exec", "-dt", "one", "sleep", "60")
            #expect(both.status == 125 && both.errors.contains("terminal"), "\(both.errors)")
            var alive = 1 as Int32
            for _ in 0..<100 where alive != 0 {
                alive = try sandboxes.martinet("exec", "one", "sh", "-c", "kill -0 $(cat /tmp/pid)").status
            }
            #expect(alive == 0)
            #expect(try sandboxes.martinet("stop", "-t", "20", "one").status == 0)
            #expect(try sandboxes.martinet("wait", "one").output == "143\n")
        }
    }

    @Test func `Ends by force come to one that does not listen, and then everything in it has ended`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", script: "trap '' TERM; (setsid sleep 60 &); echo ready; while :; do sleep 1; done")
            _ = try sandboxes.awaitLog("one", "ready")
            let pid = try sandboxes.initPID("one")
            #expect(try sandboxes.martinet("stop", "-t", "1", "one").status == 0)
            let text = try readText("/proc/\(pid)/status")
            #expect(text == nil || text?.contains("State:\tZ") == true)
            #expect(try sandboxes.martinet("wait", "one").output == "137\n")
            #expect(try sandboxes.martinet("stop", "one").status == 0)  // it has ended: nothing to do
            #expect(try sandboxes.martinet("exec", "one", "true").status == 125)
        }
    }

    @Test func `A signal is the agent's, and KILL is the end of all`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", script: "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.1; done")
            _ = try sandboxes.awaitLog("one", "ready")
            #expect(try sandboxes.martinet("kill", "-s", "USR1", "one").status == 0)
            #expect(try sandboxes.awaitLog("one", "usr1").contains("usr1"))
            #expect(try sandboxes.martinet("kill", "one").status == 0)
            #expect(try sandboxes.martinet("wait", "one").output == "137\n")
            #expect(try sandboxes.martinet("kill", "one").status == 1)
            #expect(try sandboxes.martinet("kill", "-s", "NONE", "one").status != 0)
        }
    }

    @Test func `A paused sandbox does nothing, starts nothing, and can be resumed, stopped and killed`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", script: "while :; do echo tick; sleep 0.05; done")
            _ = try sandboxes.awaitLog("one", "tick\ntick")
            let paused = try sandboxes.martinet("pause", "one")
            guard paused.status == 0 else {
                // Without a cgroup nothing can be frozen, and that is said.
                #expect(paused.errors.contains("cgroup"), "\(paused.errors)")
                return
            }
            #expect(try sandboxes.state("one") == "paused")
            let before = try sandboxes.martinet("logs", "one").output
            blockThread(for: .milliseconds(300).patient)
            #expect(try sandboxes.martinet("logs", "one").output == before)
            let exec = try sandboxes.martinet("exec", "one", "true")
            #expect(exec.status == 125 && exec.errors.contains("paused"), "\(exec.errors)")
            #expect(try sandboxes.martinet("resume", "one").status == 0)
            #expect(try sandboxes.awaitLog("one", before + "tick").count > before.count)
            #expect(try sandboxes.martinet("pause", "one").status == 0)
            #expect(try sandboxes.martinet("stop", "-t", "20", "one").status == 0)
            #expect(try sandboxes.martinet("wait", "one").output == "143\n")
            #expect(try sandboxes.martinet("start", "one").status == 0)
            #expect(try sandboxes.martinet("pause", "one").status == 0)
            #expect(try sandboxes.martinet("kill", "one").status == 0)
            #expect(try sandboxes.martinet("wait", "one").output == "137\n")
        }
    }

    @Test func `It is created, started, stopped and started again, and its log goes on`() throws {
        try DetachedSandboxes.with { sandboxes in
            let created = try sandboxes.martinet("create", "--name", "one", "--", "sh", "-c", "echo run")
            #expect(created.status == 0 && created.output.count == 17, "\(created.errors)")
            #expect(try sandboxes.state("one") == "created")
            for _ in 0..<2 {
                #expect(try sandboxes.martinet("start", "one").output == "one\n")
                #expect(try sandboxes.martinet("wait", "one").output == "0\n")
            }
            #expect(try sandboxes.martinet("logs", "one").output == "run\nrun\n")
            #expect(try sandboxes.martinet("restart", "one").status == 0)
            #expect(try sandboxes.martinet("wait", "one").output == "0\n")
            // A second of the same name leaves nothing behind.
            let second = try sandboxes.martinet("run", "-d", "--name", "one", "--", "true")
            #expect(second.status == 125 && second.errors.contains("one"), "\(second.errors)")
            #expect(try sandboxes.martinet("ps", "-aq").lines.count == 1)
        }
    }

    @Test func `A start that fails is an error, and run leaves nothing of it`() throws {
        try DetachedSandboxes.with { sandboxes in
            let outcome = try sandboxes.martinet("run", "-d", "--name", "one", "--", "/nonexistent")
            #expect(outcome.status == 127 && outcome.output.isEmpty, "\(outcome.errors)")
            #expect(try sandboxes.martinet("ps", "-aq").output.isEmpty)
            for options in [["--audit"], ["--isolation", "landlock"], ["-v"], ["--report", "json"]] {
                #expect(try sandboxes.martinet(["run", "-d"] + options + ["--", "true"]).status == 125, "\(options)")
            }
            for options in [["--restart", "no"], ["-l", "a=b"], ["--log-size", "1MiB"]] {
                #expect(try sandboxes.martinet(["run"] + options + ["--", "true"]).status == 125, "\(options)")
            }
            for options in [["--restart", "always"], ["-l", "=b"], ["--log-size", "1"]] {
                #expect(try sandboxes.martinet(["run", "-d"] + options + ["--", "true"]).status == 125, "\(options)")
            }
            #expect(try sandboxes.martinet("ps", "-aq").output.isEmpty)
        }
    }

    @Test func `One that removes itself is gone after its end, and whoever waited has its verdict`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", ["--rm"], script: "sleep 0.3; exit 4")
            let wait = try sandboxes.start(["wait", "one"])
            for _ in 0..<40 { _ = try sandboxes.martinet("ps") }  // any of these may be the one that settles
            #expect(wait.wait().output == "4\n")
            #expect(try sandboxes.martinet("ps", "-aq").output.isEmpty)
        }
    }

    @Test func `After a failure the agent is started again, as often as asked for, and not once it is stopped`() throws
    {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", ["--restart", "on-failure:2"], script: "echo run; exit 3")
            #expect(try sandboxes.martinet("wait", "one").output == "3\n")
            #expect(try sandboxes.martinet("logs", "one").output == "run\nrun\nrun\n")
            try sandboxes.run(
                "two", ["--restart", "on-failure"], script: "[ -e /tmp/x ] && exit 0; touch /tmp/x; exit 1")
            #expect(try sandboxes.martinet("wait", "two").output == "0\n")
            try sandboxes.run("three", ["--restart", "on-failure"], script: "echo ready; sleep 60")
            _ = try sandboxes.awaitLog("three", "ready")
            #expect(try sandboxes.martinet("stop", "three").status == 0)
            #expect(try sandboxes.martinet("wait", "three").output == "143\n")
        }
    }

    @Test func `What is typed while attached is the agent's, to its end`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", ["-i"], script: "while read x; do echo got $x; done; echo over; exit 6")
            let outcome = try sandboxes.martinet(["attach", "one"], input: .bytes(Array("a\nb\n".utf8)))
            #expect(outcome.output == "got a\ngot b\nover\n")
            #expect(outcome.status == 6)
        }
    }

    @Test func `All that is written fast is in the log up to its size, and the end of it beyond`() throws {
        try DetachedSandboxes.with { sandboxes in
            let lines = 200_000
            try sandboxes.run("all", ["--log-size", "64MiB"], script: "seq \(lines)")
            #expect(try sandboxes.martinet("wait", "all").output == "0\n")
            #expect(try sandboxes.martinet("logs", "all").output == (1...lines).map { "\($0)\n" }.joined())
            try sandboxes.run("end", ["--log-size", "64KiB"], script: "seq \(lines)")
            #expect(try sandboxes.martinet("wait", "end").output == "0\n")
            let end = try sandboxes.martinet("logs", "end").output
            #expect(end.utf8.count > 24 << 10 && end.utf8.count <= 64 << 10)
            #expect((1...lines).map { "\($0)\n" }.joined().hasSuffix(end))
        }
    }

    @Test func `A limit of output ends it, and the verdict says so`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", ["--output", "100KiB"], script: "yes")
            #expect(try sandboxes.martinet("wait", "--report", "json", "one").output.contains(#""limit":"output""#))
            #expect(try sandboxes.martinet("logs", "one").output.utf8.count == 100 << 10)
        }
    }

    @Test func `An init that is killed leaves a sandbox that can be named and removed`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", script: "sleep 60")
            kill(try sandboxes.initPID("one"), SIGKILL)
            for _ in 0..<100 where try sandboxes.state("one") != "dead" { blockThread(for: .milliseconds(20)) }
            #expect(try sandboxes.state("one") == "dead")
            let wait = try sandboxes.martinet("wait", "one")
            #expect(wait.status == 1 && wait.errors.contains("killed"), "\(wait.errors)")
            #expect(try sandboxes.martinet("start", "one").status == 0)
            #expect(try sandboxes.martinet("rm", "one").status == 1)
            #expect(try sandboxes.martinet("rm", "-f", "one").status == 0)
        }
    }

    @Test func `Init stays small with ten processes that others started`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", script: "sleep 60")
            let pid = try sandboxes.initPID("one")
            let all = try (0..<10).map { _ in try sandboxes.start(["exec", "one", "sh", "-c", "echo up; sleep 60"]) }
            for process in all { #expect(process.awaitOutput("up")) }
            let text = try #require(try readText("/proc/\(pid)/status"))
            func kilobytes(_ name: String) throws -> Int {
                let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name) })
                return try #require(line.split(separator: " ").compactMap { Int($0) }.first)
            }
            // What is its own; and with its program 1 MiB, of which a debug build's is a third larger.
            #expect(try kilobytes("RssAnon:") <= 256)
            #expect(try kilobytes("VmRSS:") <= 1280)
            #expect(try sandboxes.martinet("kill", "one").status == 0)
            for process in all { #expect(process.wait().status == 137) }
        }
    }
}
