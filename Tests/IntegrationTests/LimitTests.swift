// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import TestHost
import Testing

@Suite(.serialized) struct LimitTests {
    static let needsCgroups: Comment = "cgroups of its own take root here, or a delegated subtree"
    /// Root always may: if not, that is a failure and no reason to skip.
    static let hasCgroups: Bool =
        isRoot || (try? Martinet.run(["--memory", "64MiB", "--cpus", "0.5"], ["/bin/true"]).status) == 0

    @Test func `The time limit kills everything, and says so`() throws {
        let before = monotonicNow()
        let outcome = try Martinet.shell(["--timeout", "300ms"], "sleep 60 & trap '' TERM INT; sleep 60")
        let took = monotonicNow() - before
        #expect(outcome.status == 137)
        #expect(outcome.errors == "martinet: ended by the time limit of 300ms\n")
        #expect(took >= .milliseconds(300))
        #expect(took < .seconds(10).patient)
    }

    @Test(.enabled(if: hasCgroups, needsCgroups))
    func `The time limit holds for hundreds of processes that share a twentieth of a processor`() throws {
        let script = "i=0; while [ $i -lt 300 ]; do (while :; do :; done) & i=$((i+1)); done; wait"
        let before = monotonicNow()
        let outcome = try Martinet.shell(["--cpus", "0.05", "--pids", "500", "--timeout", "1s"], script)
        let took = monotonicNow() - before
        #expect(outcome.status == 137)
        #expect(outcome.errors.hasSuffix("martinet: ended by the time limit of 1s\n"), "\(outcome.errors)")
        #expect(took < .seconds(3).patient, "\(took)")
    }

    @Test(.enabled(if: hasCgroups, needsCgroups))
    func `What an agent leaves busy does not hold up its end, however small their share of a processor`() throws {
        // The agent's end makes them busy, and no sooner: they would keep it from ending. PR_SET_PDEATHSIG is 1.
        let script = #"""
            pipe R, W; $SIG{USR1} = sub { 1 while 1 };
            for (1..300) { if (!fork) { syscall(157, 1, 10); syswrite W, "."; sleep 1000; exit } }
            my ($n, $b) = (0, ""); $n += $c while $n < 300 && ($c = sysread R, $b, 300);
            syswrite STDOUT, "made\n"; <STDIN>; exit 0
            """#
        // Whether init comes before or after all of them is chance.
        for _ in 0..<3 {
            let name = "busy-\(processID())"
            let program = try Martinet.start(
                ["--name", name, "--cpus", "1", "--pids", "500"], ["/usr/bin/perl", "-e", script], input: .open)
            program.awaitOutput("made")
            // Not before: making them takes its time, too.
            try Self.setQuota(milliseconds: 5, of: name)
            let before = monotonicNow()
            program.type("\n")
            #expect(program.wait().status == 0)
            let took = monotonicNow() - before
            // Turns of 3 ms for 300 in a twentieth of a processor take 18 seconds, on a slow machine too.
            #expect(took < .seconds(5) + .milliseconds(300).patient, "\(took)")
        }
    }

    /// Gives a sandbox so much of each tenth of a second.
    private static func setQuota(milliseconds: Int, of name: String) throws {
        let settings = [("cpu.cfs_quota_us", "\(milliseconds * 1000)"), ("cpu.max", "\(milliseconds * 1000) 100000")]
        let written = try HostView.cgroups(named: name).flatMap { cgroup in
            try settings.filter { HostView.text("\(cgroup)/\($0.0)") != nil }.map { file, value in
                try writeAll(open("\(cgroup)/\(file)", .writeOnly), value.utf8)
                return file
            }
        }
        try #require(written.count == 1)
    }

    @Test func `What ends in time is not touched by the limit`() throws {
        let outcome = try Martinet.shell(["--timeout", "20s"], "exit 4")
        #expect(outcome.status == 4)
        #expect(outcome.errors == "")
    }

    @Test(.enabled(if: hasCgroups, needsCgroups))
    func `The memory limit kills everything, and says so`() throws {
        let outcome = try Martinet.run(
            ["--memory", "20MiB"], ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=60M", "count=1"])
        #expect(outcome.status == 137)
        #expect(outcome.errors == "martinet: ended by the memory limit of 20MiB\n")
        #expect(
            try Martinet.run(["--memory", "200MiB"], ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=60M", "count=1"])
                .status == 0)
    }

    @Test(.enabled(if: hasCgroups, needsCgroups))
    func `What is written to tmp counts as memory`() throws {
        let outcome = try Martinet.shell(["--memory", "20MiB"], "head -c 60000000 /dev/zero > /tmp/x")
        #expect(outcome.status == 137)
        // On v1 one process is killed before the rest, and the shell may be quick enough to say so.
        #expect(outcome.errors.hasSuffix("martinet: ended by the memory limit of 20MiB\n"), "\(outcome.errors)")
    }

    @Test(.enabled(if: hasCgroups, needsCgroups))
    func `Beyond the limit of processes fork fails`() throws {
        let script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 60 & done; echo all"
        let held = try Martinet.shell(["--pids", "8"], script)
        #expect(held.status == 2)
        #expect(held.errors.contains("Cannot fork"), "\(held.errors)")
        #expect(held.output == "")
        #expect(try Martinet.shell(["--pids", "16"], script).output == "all\n")
    }

    @Test(.enabled(if: hasCgroups, needsCgroups))
    func `The kernel's files hold the limits while the sandbox runs, and are gone with it`() throws {
        let name = "limits-\(processID())"
        let program = try Martinet.start(
            ["--name", name, "--cpus", "0.5", "--memory", "64MiB", "--pids", "33"],
            ["/bin/sh", "-c", "echo ready; read line"], input: .open)
        program.awaitOutput("ready")
        #expect(HostView.control(["memory.limit_in_bytes", "memory.max"], ofSandbox: name) == "\(64 << 20)")
        #expect(HostView.control(["pids.max"], ofSandbox: name) == "33")
        if let quota = HostView.control(["cpu.cfs_quota_us"], ofSandbox: name) {
            let period = try #require(HostView.control(["cpu.cfs_period_us"], ofSandbox: name).flatMap(Int.init))
            #expect(quota == "\(period / 2)")
        } else {
            let words = try #require(HostView.control(["cpu.max"], ofSandbox: name)).split(separator: " ").compactMap {
                Int($0)
            }
            #expect(words.count == 2 && words[0] * 2 == words[1], "\(words)")
        }
        program.send(SIGTERM)
        #expect(program.wait().status == 143)
        #expect(HostView.cgroups(named: name) == [])
    }

    @Test func `The disk limit is ENOSPC`() throws {
        let outcome = try Martinet.shell(["--disk", "1MiB"], "head -c 3000000 /dev/zero > /tmp/x")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("No space left on device"), "\(outcome.errors)")
        #expect(try Martinet.shell(["--disk", "8MiB"], "head -c 3000000 /dev/zero > /tmp/x").status == 0)
    }

    @Test func `Resource limits are those of each process`() throws {
        let outcome = try Martinet.shell(
            ["--rlimit", "nofile=50:60", "--rlimit", "core=0"], "ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc")
        #expect(outcome.output == "50\n60\n0\n0\n")
    }

    @Test(.enabled(if: !hasCgroups, "this user has what is refused here"))
    func `A limit that this user cannot hold is an error that names the cure, and can be waived`() throws {
        let refused = try Martinet.run(["--memory", "64MiB"], ["/bin/true"])
        #expect(refused.status == 125)
        #expect(refused.errors.contains("--waive limits"), "\(refused.errors)")
        #expect(try Martinet.run(["--memory", "64MiB", "--waive", "limits"], ["/bin/true"]).status == 0)
    }
}
