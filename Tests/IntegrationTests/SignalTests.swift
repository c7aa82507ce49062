// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKernel
import TestHost
import Testing

@Suite(.serialized) struct SignalTests {
    @Test(arguments: [
        ("INT", SIGINT), ("TERM", SIGTERM), ("HUP", SIGHUP), ("QUIT", SIGQUIT), ("USR1", SIGUSR1), ("USR2", SIGUSR2),
    ])
    func `A signal to the command line is the agent's`(name: String, number: Int32) throws {
        let program = try Martinet.start(
            [], ["/bin/sh", "-c", "trap 'echo got \(name); exit 3' \(name); echo ready; while :; do sleep 0.05; done"])
        program.awaitOutput("ready")
        program.send(number)
        let outcome = program.wait()
        #expect(outcome.output == "ready\ngot \(name)\n")
        #expect(outcome.status == 3)
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1])
    func `An agent without a handler dies of it, and the status says so`(number: Int32) throws {
        let program = try Martinet.start([], ["/bin/sh", "-c", "echo ready; exec sleep 60"])
        program.awaitOutput("ready")
        usleep(UInt32(50_000 * Patience.factor))
        program.send(number)
        #expect(program.wait().status == 128 + number)
    }

    @Test func `A terminal that takes no more does not keep signals from being heard`() throws {
        let master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0)
        defer { close(master) }
        var name = [CChar](repeating: 0, count: 64)
        try #require(ptsname_r(master, &name, name.count) == 0)
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // The first signal is the agent's, the second one for whoever waits until its output is read.
        let outcome = try Martinet.hostShell(
            #"""
            "$M" run -- yes > \#(path) & p=$!
            for signal in TERM TERM KILL; do sleep 1; kill -0 $p && kill -$signal $p; done 2> /dev/null
            wait $p; echo $?
            """#)
        #expect(outcome.output == "143\n")
    }

    @Test func `SIGTSTP stops agent and command line, SIGCONT lets both go on`() throws {
        // One process: a shell stopped in the middle of vfork(2) waits for its child, and does not count as stopped.
        let program = try Martinet.start([], ["/bin/sh", "-c", "echo ready; exec sleep 1"])
        program.awaitOutput("ready")
        let agent = try #require(Self.agent(of: program.pid))
        #expect(Self.becomes("SRD", agent))
        program.send(SIGTSTP)
        #expect(Self.becomes("T", program.pid), "the command line stops, for the caller's shell to see")
        #expect(Self.becomes("T", agent), "the agent stops")
        program.send(SIGCONT)
        #expect(Self.becomes("SRD", agent), "the agent goes on")
        let outcome = program.wait()
        #expect(outcome.output == "ready\n")
        #expect(outcome.status == 0)
    }

    /// The agent's pid on the host: init's only child.
    private static func agent(of pid: Int32) -> Int32? {
        guard let initPID = HostView.initProcess(of: pid) else { return nil }
        return HostView.children(of: initPID).first
    }

    private static func becomes(_ states: String, _ pid: Int32) -> Bool {
        for _ in 0..<300 * Patience.factor {
            if let state = HostView.state(of: pid), states.contains(state) { return true }
            usleep(10_000)
        }
        return false
    }
}
