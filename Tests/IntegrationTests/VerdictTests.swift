// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import TestHost
import Testing

/// What `--report json` and `-v` say of a run, by programs whose use is known.
@Suite(.serialized) struct VerdictTests {
    /// Runs with a report on standard error and reads it.
    private func report(
        _ options: [String], _ script: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (outcome: HostProgram.Outcome, json: [String: Any]) {
        let outcome = try Martinet.shell(["--report", "json"] + options, script, sourceLocation: sourceLocation)
        let line = try #require(
            outcome.errors.split(separator: "\n").last { $0.hasPrefix("{") }, "\(outcome.errors)",
            sourceLocation: sourceLocation)
        let json = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return (outcome, try #require(json))
    }

    private func number(_ json: [String: Any], _ section: String, _ key: String) -> Int? {
        (json[section] as? [String: Any])?[key] as? Int
    }

    @Test(arguments: ["| head -n 1", "> /dev/full", "> file-too-large"])
    func `A verdict is written also where the output cannot be`(target: String) throws {
        try Scratch.with { scratch in
            let outcome = try Martinet.hostShell(
                #"""
                cd \#(scratch.path); ulimit -f 200
                { "$M" run --report json=\#(scratch["report"]) -- sh -c 'yes | head -c 200000'; echo $? > status; } \#(target)
                cat status
                """#)
            let report = try #require(try scratch.read("report"))
            #expect(report.contains("\"exit-status\":"), "\(outcome.output) \(outcome.errors)")
        }
    }

    @Test func `A good end has its code, times and no limit`() throws {
        let (outcome, json) = try report([], "sleep 0.3; exit 7")
        #expect(outcome.status == 7)
        #expect(json["version"] as? Int == 1)
        #expect(json["exit-status"] as? Int == 7 && json["exit-code"] as? Int == 7)
        #expect(json["signal"] is NSNull && json["limit"] is NSNull && json["error"] is NSNull)
        #expect(json["reached"] as? [String] == [])
        let wall = try #require(number(json, "time", "wall-ns"))
        #expect((300_000_000..<5_000_000_000 * Patience.factor).contains(wall))
        #expect(try #require(number(json, "time", "cpu-ns")) < 200_000_000 * Patience.factor)
    }

    @Test func `A signal is named`() throws {
        let (outcome, json) = try report([], "kill -SEGV $$")
        #expect(outcome.status == 139)
        #expect(json["signal"] as? String == "SIGSEGV")
        #expect(json["exit-code"] is NSNull)
    }

    @Test func `CPU time is that of all processes, also of those that nobody waited for`() throws {
        // Two children burn 0.3 s of CPU time each; the shell ends without waiting for them.
        let script = """
            cat > /tmp/b.py <<'X'
            import sys, time
            while time.process_time() < 0.3: pass
            open("/tmp/done" + sys.argv[1], "w")
            time.sleep(60)
            X
            /usr/bin/python3 /tmp/b.py 1 & /usr/bin/python3 /tmp/b.py 2 &
            while ! [ -e /tmp/done1 -a -e /tmp/done2 ]; do sleep 0.05; done
            """
        let (outcome, json) = try report([], script)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let cpu = try #require(number(json, "time", "cpu-ns"))
        let wall = try #require(number(json, "time", "wall-ns"))
        #expect(cpu >= 600_000_000 && cpu <= wall * Int(onlineProcessors()), "\(cpu) of \(wall)")
    }

    @Test(.enabled(if: LimitTests.hasCgroups, LimitTests.needsCgroups))
    func `The CPU time limit ends a run of several processes at their sum`() throws {
        let spin = "while :; do :; done & while :; do :; done"
        let (outcome, json) = try report(["--cpu-time", "400ms"], spin)
        #expect(outcome.status == 137)
        #expect(json["limit"] as? String == "cpu-time")
        let cpu = try #require(number(json, "time", "cpu-ns"))
        #expect((400_000_000..<520_000_000).contains(cpu), "\(cpu)")
        #expect(outcome.errors.contains("martinet: ended by the CPU time limit of 400ms\n"))
    }

    @Test(.enabled(if: LimitTests.hasCgroups, LimitTests.needsCgroups))
    func `A run within its CPU time is left alone, however long it sleeps`() throws {
        // Starting a program takes of its CPU time, too.
        let time = Duration.milliseconds(300).patient / .milliseconds(1)
        let (outcome, json) = try report(["--cpu-time", "\(Int(time))ms"], "sleep \(time * 2 / 1000)")
        #expect(outcome.status == 0)
        #expect(json["limit"] is NSNull)
    }

    @Test(.enabled(if: LimitTests.hasCgroups, LimitTests.needsCgroups))
    func `Memory is the limit only where the kernel killed for it`() throws {
        let (killed, json) = try report(["-m", "30m"], "exec /usr/bin/tail /dev/zero")
        #expect(killed.status == 137)
        #expect(json["limit"] as? String == "memory")
        let peak = try #require(number(json, "used", "memory-peak"))
        #expect((28 << 20...30 << 20).contains(peak), "\(peak)")
        // An allocation that is refused is the program's own business.
        let (refused, other) = try report(
            ["-m", "30m", "--rlimit", "as=200000000"], "exec /usr/bin/python3 -c 'bytearray(1 << 30)'")
        #expect(refused.status == 1)
        #expect(other["limit"] is NSNull)
        let (byHand, third) = try report(["-m", "30m"], "kill -KILL $$")
        #expect(byHand.status == 137)
        #expect(third["limit"] is NSNull)
    }

    @Test(.enabled(if: LimitTests.hasCgroups, LimitTests.needsCgroups))
    func `Refused processes are counted, and the limit where the agent then failed`() throws {
        let script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; exit 3"
        let (failed, json) = try report(["--pids", "6"], script)
        #expect(failed.status == 2)
        #expect(json["limit"] as? String == "pids")
        #expect(json["reached"] as? [String] == ["pids"])
        #expect(number(json, "used", "processes-peak") == 6)
        let (_, fine) = try report(["--pids", "20"], "for i in 1 2 3; do sleep 0.1 & done; wait")
        #expect(fine["reached"] as? [String] == [])
        // The shell, three children, and init.
        #expect(number(fine, "used", "processes-peak") == 5)
    }

    @Test func `A full disk is the limit where the agent then failed`() throws {
        let (failed, json) = try report(["--disk", "2MiB"], "head -c 4000000 /dev/zero > /tmp/x")
        #expect(failed.status == 1)
        #expect(json["limit"] as? String == "disk")
        let bytes = try #require(number(json, "used", "disk-bytes"))
        #expect((1 << 20...2 << 20).contains(bytes), "\(bytes)")
        let (_, tidied) = try report(["--disk", "2MiB"], "head -c 4000000 /dev/zero > /tmp/x; rm /tmp/x; exit 1")
        #expect(tidied["limit"] is NSNull)
    }

    @Test func `A run that does not start has a report with the error and its cure`() throws {
        let (missing, json) = try report(["--user", "nosuch"], "true")
        #expect(missing.status == 125)
        #expect(json["exit-status"] as? Int == 125)
        let error = try #require(json["error"] as? [String: Any])
        #expect((error["message"] as? String)?.contains("nosuch") == true)
        #expect(error["hint"] is String)
        try Scratch.with { scratch in
            let path = scratch["report.json"]
            let outcome = try Martinet.run(["--report", "json=\(path)"], ["/nonexistent"])
            let text = try scratch.read("report.json")
            #expect(outcome.status == 127)
            #expect(text?.contains(#""exit-status":127"#) == true)
        }
    }

    @Test func `Reports go to files and descriptors, and nowhere else`() throws {
        try Scratch.with { scratch in
            let path = try scratch.write("r", String(repeating: "x", count: 20_000))
            let toFile = try Martinet.shell(["--report", "json=\(path)"], "echo out; echo err >&2")
            #expect(toFile.output == "out\n" && toFile.errors == "err\n")
            let text = try #require(try scratch.read("r"))
            #expect(text.hasPrefix("{") && text.hasSuffix("}\n") && !text.contains("xx"))
        }
        let toDescriptor = try Martinet.hostShell(
            #""$M" run --report json=5 -- /bin/sh -c 'ls /proc/self/fd | wc -l' 5>&1"#)
        #expect(toDescriptor.lines.count == 2)
        // Standard streams and the directory that is read.
        #expect(toDescriptor.lines.first == "4")
        for wrong in ["xml", "json=", "json=77", "json=/nonexistent/r", "json=/proc"] {
            let outcome = try Martinet.shell(["--report", wrong], "echo ran")
            #expect(outcome.status == 125 && outcome.output == "", "\(wrong)")
            #expect(outcome.errors.hasPrefix("martinet: report: "), "\(outcome.errors)")
        }
        #expect(try Martinet.hostShell(#""$M" run --report json=5 -- /bin/true 5</dev/null"#).status == 125)
    }

    @Test func `Verbose is one line that says how it ended and what held it`() throws {
        let outcome = try Martinet.shell(["-v"], "exit 3")
        #expect(outcome.status == 3)
        #expect(outcome.errors.hasPrefix("martinet: exit 3 · "))
        #expect(outcome.errors.contains("7 namespaces, seccomp default, "))
        #expect(outcome.errors.filter { $0 == "\n" }.count == 1)
        #expect(try Martinet.shell([], "exit 3").errors == "")
    }
}
