// SPDX-License-Identifier: Apache-2.0
import Engine
import Foundation
import LinuxKernel
import TestHost
import Testing

/// The commands that need no running init: on records as a launch writes them.
@Suite struct StoreCommandTests {
    @Test func `ps lists what is alive, and with -a everything`() throws {
        try KeptSandboxes.with { kept in
            let program = try HostProgram(["/bin/sleep", "600"])
            let running = try kept.create("web", command: ["sh", "-c", "while true; do sleep 1; done"])
            try kept.run(running, as: program.pid)
            try kept.create("idle", labels: ["tier": "back"])
            let ended = try kept.create()
            try kept.run(ended, as: 1)
            try kept.writeVerdict(ended, code: 3)
            try ended.update { $0.initProcess = ProcessIdentity(pid: 1, startTime: 1) }

            let list = try kept.martinet(["ps"])
            #expect(list.status == 0, "\(list.errors)")
            #expect(list.lines.count == 2)
            #expect(
                list.lines[0].split(separator: " ").map(String.init) == ["ID", "NAME", "COMMAND", "CREATED", "STATUS"])
            #expect(list.lines[1].contains("web"))
            #expect(list.lines[1].contains("\"sh -c while true; d…\""))
            #expect(list.lines[1].contains("Up "))

            let all = try kept.martinet(["ps", "-a", "--format", "{{.Name}} {{.State}} {{.ExitCode}}|{{.Labels}}"])
            #expect(
                Set(all.lines) == [
                    "web running |", "idle created |tier=back", "\(ended.id.short) exited 3|",
                ], "\(all.errors)")
            #expect(try kept.martinet(["ps", "-aq", "--filter", "label=tier=back"]).lines.count == 1)
            #expect(try kept.martinet(["ps", "-q", "--no-trunc"]).lines == [running.id.text])
            #expect(try kept.martinet(["ps", "-q", "--filter", "state=exited"]).lines == [ended.id.short])

            let json = try kept.martinet(["ps", "--format", "json"])
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any])
            #expect(object["ID"] as? String == running.id.text)
            #expect(object["Pid"] as? Int == Int(program.pid))
            program.send(9)
            _ = program.wait()
            #expect(try kept.martinet(["ps", "-a", "--format", "{{.Name}} {{.Status}}"]).lines.contains("web Dead"))
        }
    }

    @Test func `unknown fields, filters and names are answered with what there is`() throws {
        try KeptSandboxes.with { kept in
            try kept.create("web")
            let field = try kept.martinet(["ps", "-a", "--format", "{{.Nmae}}"])
            #expect(field.status == 125)
            #expect(field.errors.contains("there is no field .Nmae; did you mean \"Name\"?"))
            #expect(field.errors.contains("hint: fields: .ID .Name"))
            for wrong in ["{{.Name", "{{Name}}", "{{range .}}", "{{.Name.X}}"] {
                let outcome = try kept.martinet(["ps", "-a", "--format", wrong])
                #expect(outcome.status == 125, "\(wrong)")
                #expect(outcome.errors.hasPrefix("martinet: format: "), "\(outcome.errors)")
            }
            #expect(try kept.martinet(["ps", "--filter", "stat=x"]).errors.contains("did you mean \"state\"?"))
            let name = try kept.martinet(["rm", "wbe"])
            #expect(name.status == 1)
            #expect(name.errors.contains("did you mean \"web\"?"))
        }
    }

    @Test func `what an agent may have chosen is shown and not obeyed`() throws {
        try KeptSandboxes.with { kept in
            try kept.create("web", command: ["\u{1b}]0;x\u{7}", "\u{202e}\n"], labels: ["k": "\u{1b}[2J"])
            for arguments in [
                ["ps", "-a"], ["ps", "-a", "--no-trunc"], ["ps", "-a", "--format", "json"],
                ["ps", "-a", "--format", "{{.Command}} {{.Labels}} {{json .}}"], ["inspect", "web"], ["events"],
                ["inspect", "--format", "{{.status.command}} {{.status.labels.k}}", "web"],
                ["rm", "\u{1b}[2J"], ["ps", "--filter", "\u{1b}[2J=x"], ["ps", "-a", "--format", "{{.\u{1b}}}"],
            ] {
                let outcome = try kept.martinet(arguments)
                for text in [outcome.output, outcome.errors] {
                    #expect(
                        !text.contains("\u{1b}") && !text.contains("\u{202e}") && !text.contains("\u{7}"),
                        "\(arguments)")
                }
            }
        }
    }

    @Test func `rm tries all names, and tells which failed`() throws {
        try KeptSandboxes.with { kept in
            let program = try HostProgram(["/bin/sleep", "600"])
            try kept.run(try kept.create("busy"), as: program.pid)
            try kept.create("a")
            let last = try kept.create("b")
            let outcome = try kept.martinet(["rm", "a", "none", "busy", String(last.id.text.prefix(14))])
            #expect(outcome.status == 1)
            #expect(outcome.lines == ["a", String(last.id.text.prefix(14))])
            #expect(outcome.errors.contains("find sandbox \"none\""))
            #expect(outcome.errors.contains("remove sandbox busy: it is running"))
            #expect(outcome.errors.contains("martinet rm -f busy"))
            #expect(try kept.martinet(["rm", "-f", "busy"]).status == 0)
            #expect(program.wait().status == 137)
            #expect(try kept.martinet(["ps", "-aq"]).output.isEmpty)
        }
    }

    @Test func `prune removes what does not run, where somebody says yes`() throws {
        try KeptSandboxes.with { kept in
            let program = try HostProgram(["/bin/sleep", "600"])
            try kept.run(try kept.create("busy"), as: program.pid)
            try kept.create("a", labels: ["keep": "no"])
            try kept.create("b", labels: ["keep": "yes"])
            let asked = try kept.martinet(["prune"])
            #expect(asked.status == 125)
            #expect(asked.errors.contains("martinet prune -f"))
            let some = try kept.martinet(["prune", "-f", "--filter", "label=keep=no"])
            #expect(some.status == 0, "\(some.errors)")
            #expect(some.lines == ["a"])
            #expect(try kept.martinet(["prune", "-f"]).lines == ["b"])
            #expect(try kept.martinet(["ps", "-aq"]).lines.count == 1)
            program.send(9)
            _ = program.wait()
        }
    }

    @Test func `rename moves the name`() throws {
        try KeptSandboxes.with { kept in
            let made = try kept.create("old")
            try kept.create("taken")
            #expect(try kept.martinet(["rename", "old", "new"]).status == 0)
            #expect(try kept.martinet(["inspect", "--format", "{{.id}}", "new"]).lines == [made.id.text])
            let taken = try kept.martinet(["rename", "new", "taken"])
            #expect(taken.status == 125)
            #expect(taken.errors.contains("has this name"))
            #expect(try kept.martinet(["rename", "new", "../x"]).errors.contains("is not a name"))
        }
    }

    @Test func `inspect prints everything, and fails for what is unknown`() throws {
        try KeptSandboxes.with { kept in
            let program = try HostProgram(["/bin/sleep", "600"])
            let made = try kept.create("web", labels: ["a": "b"])
            try kept.run(made, as: program.pid)
            let outcome = try kept.martinet(["inspect", "web", "none"])
            #expect(outcome.status == 1)
            let list = try #require(try JSONSerialization.jsonObject(with: Data(outcome.bytes)) as? [[String: Any]])
            let object = try #require(list.first)
            #expect(list.count == 1)
            #expect(object["state"] as? String == "running")
            #expect(object["pids"] as? [Int] == [Int(program.pid)])
            let namespaces = try #require(object["namespaces"] as? [String: Any])
            #expect((namespaces["pid"] as? String)?.hasPrefix("pid:[") == true)
            #expect((object["spec"] as? [String: Any])?["command"] as? [String] == ["sleep", "60"])
            #expect(object["verdict"] is NSNull)
            program.send(9)
            _ = program.wait()
        }
    }

    @Test func `without a place for sandboxes the error says how to have one`() throws {
        let outcome = try HostProgram(
            [Martinet.path, "ps"], environment: HostProgram.plainEnvironment + ["MARTINET_STATE_DIR=x"]
        ).wait()
        #expect(outcome.status == 125)
        #expect(outcome.errors.contains("not an absolute path"))
        guard !isRoot else { return }
        let user = try HostProgram([Martinet.path, "ps"], environment: HostProgram.plainEnvironment).wait()
        #expect(user.errors.contains("XDG_RUNTIME_DIR is not set"))
        #expect(user.errors.contains("hint: "))
    }

    @Test func `names are completed for shells`() throws {
        try KeptSandboxes.with { kept in
            try kept.create("web")
            try kept.create("work")
            let outcome = try kept.martinet(["---completion", "rm", "--", "positional@0", "2", "1", "w"])
            #expect(Set(outcome.lines) == ["web", "work"], "\(outcome.errors)")
        }
    }
}
