// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import TestHost
import Testing

/// What the agent writes: counted, cut off, and through no descriptor of the caller's. ATTACKS.md 31
@Suite(.serialized) struct OutputTests {
    @Test(arguments: [1, 4096, 100_000, 1_000_000])
    func `attack 31: output is cut at the limit and everything is killed, with memory flat`(limit: Int) throws {
        let script = #"exec /usr/bin/head -c 1073741824 /dev/zero"#
        let outcome = try Martinet.hostShell(
            """
            "$M" run --output \(limit) --report json=3 -- /bin/sh -c '\(script)' 3>&2 2>/dev/null | wc -c
            """)
        #expect(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines) == "\(limit)")
        #expect(outcome.errors.contains(#""limit":"output""#), "\(outcome.errors)")
        #expect(outcome.errors.contains(#""signal":"SIGKILL""#), "\(outcome.errors)")
        #expect(outcome.errors.contains(#""output-bytes":\#(limit)"#), "\(outcome.errors)")
    }

    @Test(.enabled(if: !Sanitizer.hasRuntime, "a sanitizer keeps what was freed, so memory is not flat"))
    func `attack 31: a gibibyte without a line end passes with the launcher's and init's memory flat`() throws {
        let path = "/dev/shm/martinet-output-\(processID())"
        let program = try HostProgram(
            [
                "/bin/sh", "-c",
                #"exec "$0" run -- /bin/sh -c 'echo start >&2; read x; /usr/bin/head -c 1073741824 /dev/zero; read x' > "$1""#,
                Martinet.path, path,
            ], input: .open)
        defer { unlink(path) }
        program.awaitErrors("start")
        let before = HostView.residentKiB(program.pid)
        program.type("\n")
        let deadline = monotonicNow() + .seconds(120).patient
        var peak = 0
        while ((try? status(of: path))??.size ?? 0) < 1 << 30, monotonicNow() < deadline {
            peak = max(peak, HostView.residentKiB(program.pid))
            usleep(20_000)
        }
        #expect((try? status(of: path))??.size == 1 << 30)
        peak = max(peak, HostView.residentKiB(program.pid))
        // A buffer, and code that had not been used before.
        #expect(before > 0 && peak < before + (8 << 10), "from \(before) to \(peak) KiB")
        let initProcess = try #require(HostView.initProcess(of: program.pid))
        #expect((1..<1280).contains(HostView.residentKiB(initProcess)))
    }

    @Test func `Both streams together count, and what is within the limit arrives whole`() throws {
        let within = try Martinet.shell(["--output", "10"], "printf 12345; printf 67890 >&2")
        #expect(within.status == 0 && within.output == "12345" && within.errors == "67890")
        let beyond = try Martinet.shell(["--output", "10"], "printf 12345; printf 67890 >&2; printf x; sleep 60")
        #expect(beyond.status == 137)
        #expect(beyond.output.count + beyond.errors.prefix { $0 != "m" }.count == 10)
        #expect(beyond.errors.hasSuffix("martinet: ended by the output limit of 10\n"))
    }

    @Test func `The agent cannot read what others write to the caller's pipe, nor cut off its log`() throws {
        let outcome = try Scratch.with { scratch in
            let log = scratch["log"]
            return try Martinet.hostShell(
                """
                echo kept > \(log)
                "$M" run -- /usr/bin/python3 -c '
                import os
                for call in (lambda: os.ftruncate(1, 0), lambda: os.pwrite(1, b"x", 0), lambda: os.lseek(1, 0, 0)):
                    try: call(); print("done")
                    except OSError as error: print(error.strerror)
                ' >> \(log)
                cat \(log)
                """)
        }
        #expect(outcome.lines == ["kept", "Invalid argument", "Illegal seek", "Illegal seek"])
    }

    @Test func `Order is kept where both streams are one file`() throws {
        let outcome = try Martinet.hostShell(
            #""$M" run -- /bin/sh -c 'for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done' 2>&1"#)
        #expect(outcome.lines == ["o1", "e1", "o2", "e2", "o3", "e3", "o4", "e4", "o5", "e5"])
    }

    @Test func `A reader that is gone ends the agent as without a sandbox`() throws {
        let outcome = try Martinet.hostShell(#"("$M" run -- /usr/bin/yes; echo $? >&2) | head -n 1"#)
        #expect(outcome.output == "y\n")
        #expect(outcome.errors == "141\n")
    }

    @Test func `A slow reader gets everything, also after the agent's end`() throws {
        let outcome = try Martinet.hostShell(
            #""$M" run -- /usr/bin/head -c 300000 /dev/zero | (sleep 1; wc -c)"#)
        #expect(outcome.output.trimmingCharacters(in: .whitespacesAndNewlines) == "300000")
    }

    @Test func `Output that cannot be written is told, and is no success`() throws {
        // EFBIG stands in for a full disk: ulimit counts blocks of 512 bytes or 1 KiB.
        let outcome = try Martinet.hostShell(
            #"ulimit -f 8; trap '' XFSZ; "$M" run -- /usr/bin/head -c 100000 /dev/zero > /tmp/martinet-out-$$; echo $?; rm /tmp/martinet-out-$$"#
        )
        #expect(outcome.errors.contains("martinet: some of the agent's output is lost"), "\(outcome.errors)")
        #expect(outcome.output != "0\n")
    }
}
