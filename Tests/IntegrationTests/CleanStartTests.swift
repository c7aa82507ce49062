// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

/// Nothing leaks in: what the caller has is not what the agent starts with.
@Suite(.serialized) struct CleanStartTests {
    @Test func `Descriptors 0, 1 and 2 are all there are`() throws {
        let outcome = try Martinet.hostShell(
            #"exec 5</etc/passwd 7>&1 9</; "$M" run -- sh -c 'for f in /proc/self/fd/*; do echo ${f##*/}; done' < /dev/null"#
        )
        // The shell has no descriptor of its own open while it expands a pattern but the directory's, closed by then.
        #expect(outcome.lines.prefix(3) == ["0", "1", "2"])
        #expect(
            !outcome.lines.contains("5") && !outcome.lines.contains("7") && !outcome.lines.contains("9"),
            "\(outcome.lines)")
        #expect(outcome.lines.count <= 4)
    }

    @Test func `The agent's own descriptors lead to nothing of the launcher's`() throws {
        let outcome = try Martinet.shell([], "readlink /proc/$$/fd/*")
        #expect(outcome.lines.count == 3)
        #expect(outcome.lines.allSatisfy { $0.hasPrefix("pipe:[") }, "\(outcome.lines)")
    }

    @Test func `The environment is the documented one, exactly`() throws {
        let outcome = try Martinet.run(
            [], ["/usr/bin/env"], environment: HostProgram.plainEnvironment + ["LD_PRELOAD=", "SECRET=x", "TERM=xterm"])
        #expect(
            outcome.lines.sorted() == [
                "HOME=/home/agent", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "USER=agent", "container=martinet",
            ])
    }

    @Test func `The umask is 022 whatever the caller's is`() throws {
        let outcome = try Martinet.hostShell(#"umask 077; "$M" run -- sh -c 'umask; touch /tmp/f; stat -c %a /tmp/f'"#)
        #expect(outcome.output == "0022\n644\n")
    }

    @Test func `No signal is blocked or ignored, though the caller's are`() throws {
        let outcome = try HostProgram([
            "/usr/bin/env", "--block-signal=USR2,ALRM,34", "--ignore-signal=INT,TERM,USR1,PIPE,40", Martinet.path,
            "run",
            "--", "/bin/grep", "-E", "^Sig(Pnd|Blk|Ign)", "/proc/self/status",
        ]).wait()
        #expect(outcome.status == 0)
        let zero = String(repeating: "0", count: 16)
        #expect(outcome.lines == ["SigPnd:\t\(zero)", "SigBlk:\t\(zero)", "SigIgn:\t\(zero)"])
    }

    @Test func `The agent leads a session and a process group of its own, without a terminal`() throws {
        // pid, comm, state, ppid, pgrp, session, tty_nr; the shell is replaced, so pid is the agent's.
        let outcome = try Martinet.shell([], "exec cat /proc/self/stat")
        let words = outcome.output.split(separator: " ").map(String.init)
        try #require(words.count > 7)
        #expect(words[3] == "1", "init is the parent")
        #expect(words[4] == words[0] && words[5] == words[0])
        #expect(words[6] == "0")
    }

    @Test func `No capability, no new privileges, and a filter`() throws {
        let outcome = try Martinet.run(
            ["--user", "root"], ["/bin/grep", "-E", "^(Cap|NoNewPrivs|Seccomp:)", "/proc/self/status"])
        let zero = String(repeating: "0", count: 16)
        #expect(
            outcome.lines == ["Inh", "Prm", "Eff", "Bnd", "Amb"].map { "Cap\($0):\t\(zero)" } + [
                "NoNewPrivs:\t1", "Seccomp:\t2",
            ])
    }

    @Test func `Only capabilities that are asked for are there`() throws {
        let outcome = try Martinet.run(
            ["--cap", "net_bind_service", "--cap", "CAP_CHOWN"],
            ["/bin/grep", "-E", "^Cap(Eff|Bnd|Amb)", "/proc/self/status"])
        // CAP_CHOWN is 0, CAP_NET_BIND_SERVICE 10.
        let set = "0000000000000401"
        #expect(outcome.lines == ["CapEff:\t\(set)", "CapBnd:\t\(set)", "CapAmb:\t\(set)"])
    }

    @Test func `The working directory of the caller is nowhere to be found`() throws {
        try Scratch.with { scratch in
            try scratch.write("here", "x")
            let outcome = try Martinet.hostShell(
                #"cd \#(scratch.path) && "$M" run -- sh -c 'pwd; ls -A; ls /proc/1/cwd 2>/dev/null'"#)
            #expect(outcome.output == "/workspace\n")
        }
    }
}
