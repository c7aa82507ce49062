// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import LinuxKernel
import TestHost
import Testing

/// Running sandboxes whose agent, or another process, somebody types to.
@Suite(.serialized) struct AttachTests {
    private static let reader = "stty -echo; echo ready; while read x; do echo got-$x; done; echo over"
    private static let leave = "\u{10}\u{11}"  // Ctrl-P Ctrl-Q

    @Test func `Keys leave a terminal, which is as it was, and the agent goes on and can be attached to again`() throws
    {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", ["-t"], script: Self.reader)
            _ = try sandboxes.awaitLog("one", "ready")
            for turn in 1...2 {
                let terminal = try sandboxes.terminal(["attach", "one"])
                let before = try terminal.settings()
                try terminal.type("a\(turn)\r")
                terminal.awaitOutput("got-a\(turn)")
                #expect(try terminal.settings() != before)
                // One of the keys is the agent's where the other does not follow.
                try terminal.type("\u{10}b\(turn)\r")
                terminal.awaitOutput("b\(turn)")
                try terminal.type(Self.leave)
                #expect(try terminal.wait() == 0)
                #expect(terminal.text.contains("one goes on"), "\(terminal.text)")
                #expect(try terminal.settings() == before)
                #expect(try sandboxes.state("one") == "running")
            }
        }
    }

    @Test func `Other keys leave where they are named, and none where none are`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", ["-t"], script: Self.reader)
            _ = try sandboxes.awaitLog("one", "ready")
            let other = try sandboxes.terminal(["attach", "--detach-keys", "ctrl-a,d", "one"])
            try other.type("x\r")
            other.awaitOutput("got-x")
            try other.type("\u{1}d")
            #expect(try other.wait() == 0)
            let none = try sandboxes.terminal(["attach", "--detach-keys", "", "one"])
            try none.type("y\r")
            none.awaitOutput("got-y")
            try none.type(Self.leave + "\r")
            none.awaitOutput("got-")
            // The end of file is the agent's, and its end is the attached one's.
            try none.type("\u{4}")
            none.awaitOutput("over")
            #expect(try none.wait() == 0)
            #expect(try sandboxes.martinet("wait", "one").output == "0\n")
            let wrong = try sandboxes.martinet("attach", "--detach-keys", "ctrl-1", "one")
            #expect(wrong.status == 125 && wrong.errors.contains("ctrl-1"), "\(wrong.errors)")
        }
    }

    @Test func `A process started with a terminal has one of its own, of the caller's size, and its keys`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", script: "sleep 60")
            let script = #"""
                trap 'stty size' WINCH; trap 'echo int; exit 5' INT
                tty; stty size; echo $TERM; echo ready; while :; do sleep 0.05; done
                """#
            let terminal = try sandboxes.terminal(
                ["exec", "-it", "one", "sh", "-c", script], rows: 31, columns: 97)
            let before = try terminal.settings()
            terminal.awaitOutput("ready")
            #expect(terminal.text.hasPrefix("/dev/pts/0\r\n31 97\r\nvt100\r\n"), "\(terminal.text)")
            try terminal.resize(rows: 40, columns: 120)
            terminal.awaitOutput("40 120")
            try terminal.type("\u{3}")
            #expect(try terminal.wait() == 5)
            #expect(try terminal.settings() == before)
            // The next one's is another, and the sandbox does not mind.
            let second = try sandboxes.terminal(["exec", "-it", "one", "sh", "-c", "tty; exit 3"])
            #expect(try second.wait() == 3)
            #expect(second.text.hasPrefix("/dev/pts/"), "\(second.text)")
            #expect(try sandboxes.state("one") == "running")
        }
    }

    @Test func `One connection serves process after process, and says where none can be started`() throws {
        try DetachedSandboxes.with { sandboxes in
            try sandboxes.run("one", script: "sleep 60")
            let connection = try SandboxStore(path: sandboxes.state).find("one").connect()
            let null = try open("/dev/null", .readWrite)
            let raw = null.rawValue
            func run(_ command: String...) throws(EngineError) -> Int32? {
                try connection.exec(
                    ExecRequest(command: command), streams: StandardStreams(input: raw, output: raw, error: raw)
                )?.exitStatus
            }
            for status in 0..<20 as Range<Int32> {
                #expect(try run("sh", "-c", "exit \(status)") == status)
            }
            // What fails to start leaves the connection as it was.
            #expect(throws: EngineError.self) { try run("/nonexistent") }
            #expect(try run("true") == 0)
            if try sandboxes.martinet("pause", "one").status == 0 {
                let error = #expect(throws: EngineError.self) { try run("true") }
                #expect(error?.code == .wrongState && error?.message.contains("paused") == true)
                #expect(try sandboxes.martinet("resume", "one").status == 0)
                #expect(try run("true") == 0)
            }
            let events = try sandboxes.martinet("events", "--filter", "event=exec").lines
            #expect(events.count(where: { $0.contains("sh -c exit 7") }) == 1, "\(events)")
            #expect(!events.contains { $0.contains("nonexistent") })
            #expect(try sandboxes.martinet("kill", "one").status == 0)
            let ended = #expect(throws: EngineError.self) { try run("true") }
            #expect(ended?.code == .unavailable, "\(String(describing: ended))")
        }
    }
}
