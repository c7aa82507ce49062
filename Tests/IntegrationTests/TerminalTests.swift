// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKernel
import TestHost
import Testing

@Suite(.serialized) struct TerminalTests {
    private func shell(_ script: String, _ options: [String] = []) throws -> TerminalProgram {
        try TerminalProgram(options, ["/bin/sh", "-c", script], rows: 31, columns: 97)
    }

    @Test func `The agent has a terminal of its own, of the caller's size, and the caller's TERM`() throws {
        let program = try shell("tty; stty size; echo term=$TERM; test -t 0 && test -t 1 && test -t 2 && echo all")
        #expect(try program.wait() == 0)
        #expect(program.text == "/dev/pts/0\r\n31 97\r\nterm=vt100\r\nall\r\n")
    }

    @Test func `A new size reaches the agent with SIGWINCH`() throws {
        let program = try shell(#"trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done"#)
        program.awaitOutput("ready")
        try program.resize(rows: 40, columns: 120)
        program.awaitOutput("40 120")
        #expect(try program.wait() == 0)
    }

    @Test func `Ctrl-C is the agent's SIGINT, and Ctrl-backslash its SIGQUIT`() throws {
        let program = try shell(
            #"trap 'echo INT' INT; trap 'echo QUIT; exit 5' QUIT; echo ready; while :; do sleep 0.05; done"#)
        program.awaitOutput("ready")
        try program.type("\u{3}")
        program.awaitOutput("INT")
        try program.type("\u{1c}")
        program.awaitOutput("QUIT")
        #expect(try program.wait() == 5)
    }

    @Test func `Ctrl-Z and fg work in a shell inside`() throws {
        let program = try TerminalProgram([], ["/bin/sh", "-i"])
        try program.type("PS1='> '; echo go$((1+1))\n")
        program.awaitOutput("go2")
        try program.type("sleep 100\n")
        program.awaitOutput("sleep 100")
        usleep(UInt32(200_000 * Patience.factor))
        try program.type("\u{1a}")
        program.awaitOutput("Stopped")
        try program.type("echo shell$((1+2))\n")
        program.awaitOutput("shell3")
        try program.type("fg\n")
        program.awaitOutput("sleep 100")
        usleep(UInt32(200_000 * Patience.factor))
        try program.type("\u{3}")
        try program.type("echo after-$?\n")
        program.awaitOutput("after-130")
        try program.type("exit 9\n")
        #expect(try program.wait() == 9)
    }

    @Test func `The end of file typed ends a reader`() throws {
        let program = try shell("echo ready; cat; echo end$((3+4))")
        // Before, the caller's terminal still takes the end of file for itself.
        program.awaitOutput("ready")
        try program.type("typed\n\u{4}")
        program.awaitOutput("end7")
        #expect(try program.wait() == 0)
        #expect(program.text.contains("typed"))
    }

    @Test(arguments: [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", 143)])
    func `The caller's terminal is raw meanwhile and as it was afterwards`(script: String, status: Int32) throws {
        let program = try shell("echo ready; read line; " + script)
        let before = try program.settings()
        #expect(before[3] & UInt32(ICANON) != 0, "a fresh terminal reads lines")
        program.awaitOutput("ready")
        let during = try program.settings()
        #expect(during[3] & UInt32(ICANON | ECHO | ISIG) == 0)
        try program.type("\n")
        #expect(try program.wait() == status)
        #expect(try program.settings() == before)
    }

    @Test func `The terminal is restored when the sandbox cannot be made`() throws {
        let program = try TerminalProgram([], ["/no/such/program"])
        let before = try program.settings()
        #expect(try program.wait() == 127)
        #expect(try program.settings() == before)
    }

    @Test func `The agent cannot open the caller's terminal`() throws {
        // Only its own is there. Should the caller's be number 0 too, it is on another devpts.
        let program = try shell("ls -1 /dev/pts; stat -c %d /dev/pts/0; echo line > /dev/tty")
        let host = try #require(try status(of: program.path))
        #expect(try program.wait() == 0)
        let lines = program.text.split(separator: "\r\n").map(String.init)
        #expect(lines.count == 4, "\(lines)")
        #expect(Array(lines.prefix(2)) == ["0", "ptmx"])
        #expect(lines.dropFirst(2).first != "\(host.device)")
        #expect(lines.last == "line")
    }

    @Test func `Without -t a caller's terminal is not handed in`() throws {
        let program = try TerminalProgram(["--name", "x"], ["/bin/true"])
        #expect(try program.wait() == 0)
        let outcome = try HostProgram(
            [
                "/usr/bin/script", "-qec",
                "\(Martinet.path) run -- sh -c 'for i in 0 1 2; do test -t $i && echo tty; done; tty'", "/dev/null",
            ],
            input: .open
        ).wait()
        #expect(outcome.output == "not a tty\r\n")
    }
}
