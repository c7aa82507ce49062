// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

/// What the agent is told to be: environment, secrets, identity, names.
@Suite(.serialized) struct AgentTests {
    @Test func `Variables are set, replaced and passed on by name`() throws {
        let outcome = try Martinet.run(
            ["--env", "A=1", "--env", "A=2 words = x", "-e", "PASSED", "--env", "HOME=/elsewhere"],
            ["/bin/sh", "-c", #"echo "$A|$PASSED|$KEPT|$HOME""#],
            environment: HostProgram.plainEnvironment + ["PASSED=from the caller", "KEPT=must not get in"])
        #expect(outcome.output == "2 words = x|from the caller||/elsewhere\n")
    }

    @Test func `Secrets reach the agent as variables and as files of its own`() throws {
        try Scratch.with { scratch in
            let file = try scratch.write("secret", "hunter2\n", mode: 0o600)
            let outcome = try Martinet.run(
                [
                    "--secret", "A=@\(file)", "--secret", "B", "--secret-file", "C=@\(file)", "--secret-file",
                    "B2=@\(file)",
                ],
                [
                    "/bin/sh", "-c",
                    #"echo "$A|$B|$C"; cat /run/secrets/C; echo; stat -c %a:%U /run/secrets/C; ls /run/secrets"#,
                ],
                environment: HostProgram.plainEnvironment + ["B=swordfish"])
            #expect(outcome.output == "hunter2|swordfish|\nhunter2\n400:agent\nB2\nC\n")
        }
    }

    @Test func `Secrets are neither in the printed program nor in what ps shows`() throws {
        try Scratch.with { scratch in
            let file = try scratch.write("secret", "hunter2")
            let options = ["--secret", "A=@\(file)", "--secret-file", "C=@\(file)", "--secret", "B"]
            let environment = HostProgram.plainEnvironment + ["B=swordfish"]
            let program = try HostProgram(
                [Martinet.path, "explain"] + options + ["--", "true"], environment: environment
            ).wait()
            #expect(program.status == 0)
            #expect(program.output.contains("A=<redacted> B=<redacted>"))
            #expect(!program.output.contains("hunter2") && !program.output.contains("swordfish"))

            let running = try Martinet.start(
                Array(options.prefix(4)), ["/bin/sh", "-c", "echo ready $A; read line"], input: .open)
            running.awaitOutput("ready hunter2")
            let initPID = try #require(HostView.initProcess(of: running.pid))
            for pid in [running.pid, initPID] {
                let words = try #require(HostView.text("/proc/\(pid)/cmdline"))
                #expect(!words.contains("hunter2"))
                // Init's is closed to us where we are not root.
                #expect(!(HostView.text("/proc/\(pid)/environ") ?? "").contains("hunter2"))
            }
            #expect(HostView.text("/proc/\(running.pid)/cmdline")?.contains("A=@\(file)") == true)
            running.send(SIGKILL)
            _ = running.wait()
        }
    }

    @Test func `A secret that is not there is an error that does not run anything`() throws {
        for option in ["A=@/no/such/file", "NOT_SET_ANYWHERE"] {
            let outcome = try Martinet.run(["--secret", option], ["/bin/echo", "ran"])
            #expect(outcome.status == 125)
            #expect(outcome.output == "")
            #expect(outcome.errors.hasPrefix("martinet: secret."), "\(outcome.errors)")
        }
    }

    @Test(arguments: [
        ([], "1000 agent 1000 1000"), (["--user", "root"], "0 root 0 0"),
        (["--user", "nobody"], "65534 nobody 65534 65534"),
    ])
    func `The agent is who it is asked to be`(options: [String], expected: String) throws {
        let outcome = try Martinet.shell(options, "echo $(id -u) $(id -un) $(id -g) $(id -G)")
        #expect(outcome.output == expected + "\n")
    }

    @Test(
        .enabled(if: isRoot, "other groups and ids take a range of ids"),
        arguments: [
            (["--user", "4242:17"], "4242 17 17"), (["-u", "77"], "77 77 77"),
            (["--group", "44", "--group", "45"], "1000 1000 1000 44 45"),
            (["--user", "root:5", "--group", "6"], "0 5 5 6"),
        ])
    func `Numbers of users and groups are taken as they are`(options: [String], expected: String) throws {
        #expect(try Martinet.shell(options, "echo $(id -u) $(id -g) $(id -G)").output == expected + "\n")
    }

    @Test func `Working directory and host name`() throws {
        #expect(try Martinet.shell([], "pwd; hostname").output == "/workspace\nmartinet\n")
        #expect(
            try Martinet.shell(
                ["--workdir", "/usr/bin", "--hostname", "cell.example"], "pwd; hostname; cat /etc/hostname"
            )
            .output == "/usr/bin\ncell.example\ncell.example\n")
        #expect(try Martinet.shell(["--name", "by-name"], "hostname").output == "by-name\n")
    }

    @Test func `The host's own name stays as it was`() throws {
        let before = HostView.text("/proc/sys/kernel/hostname")
        _ = try Martinet.run(["--hostname", "cell", "--user", "root"], ["/bin/true"])
        #expect(HostView.text("/proc/sys/kernel/hostname") == before)
    }
}
