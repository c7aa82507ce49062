// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

@Suite struct ErrorTextTests {
    @Test(
        arguments: [
            (["-m", "12 parsecs"], #"limits.memory: "12 parsecs" is not a size; write 512MiB"#),
            (["--timeout", "10"], #"limits.timeout: "10" has no unit; write 10s for seconds"#),
            (["--pids", "-3"], nil),
            (["--pids=-3"], #"limits.pids: "-3" is not a number of processes; write 32 or max"#),
            (["--net", "bridge"], #"net: "bridge" is none of none, host"#),
            (
                ["--seccomp", "unconfind"],
                #"seccomp: "unconfind" is no system-call filter; write default, strict, unconfined or a file, "#
                    + #"as ./profile.json; did you mean "unconfined"?"#
            ),
            (["--cap", "net_rwa"], #"cap: "net_rwa" is not a capability; did you mean "NET_RAW"?"#),
            (
                ["--secret", "T=hunter2"],
                "secret.T: a secret's value does not belong here, where others can read it; write T=@FILE"
            ),
            (["--join", "pid=/x"], "join: the PID namespace is always the sandbox's own: init is its PID 1"),
            (["--join", "net"], #"join.net: "net" is not a namespace; write net=/proc/PID/ns/net"#),
            (["--time-offset", "monotonic"], #"time-offset.monotonic: "monotonic" has no offset; write monotonic=1h"#),
            (
                ["--time-offset", "boottme=1s"],
                #"time-offset: "boottme" is not a clock with an offset; write monotonic or boottime; did you mean "boottime"?"#
            ),
            (
                ["--rlimit", "nofiel=1"],
                #"limits.rlimit: "nofiel" is none of cpu, fsize, data, stack, core, rss, nproc, nofile, memlock, as, locks, "#
                    + #"sigpending, msgqueue, nice, rtprio, rttime; did you mean "nofile"?"#
            ),
            (["--group", "70000"], #"group: "70000" is not a group's id; write one from 0 to 65535"#),
        ] as [([String], String?)])
    func `Flags are answered with path and cure`(arguments: [String], expected: String?) {
        guard let expected else {
            #expect(FlagParser.parse(arguments).map { _ in 1 } == nil)
            return
        }
        #expect(message { _ = try spec(arguments) } == expected)
    }

    @Test(
        arguments: [
            (
                "limits:\n  pids: 3\n  memory: 12 parsecs",
                #"job.yaml:3:11: limits.memory: "12 parsecs" is not a size; write 512MiB"#
            ),
            ("limits: {memroy: 1}", #"job.yaml:1:10: limits.memroy: unknown key; did you mean "memory"?"#),
            ("tty: true\neenv: {}", #"job.yaml:2:1: eenv: unknown key; did you mean "env"?"#),
            ("memory: 1", #"job.yaml:1:1: memory: unknown key; write "limits.memory""#),
            ("limits: {env: {}}", #"job.yaml:1:10: limits.env: unknown key; write "env""#),
            ("volume: []", #"job.yaml:1:1: volume: unknown key; write "bind""#),
            ("colour: 1", "job.yaml:1:1: colour: unknown key"),
            ("\"\\e[1m\": 1", #"job.yaml:1:1: "\u{1b}[1m": unknown key"#),
            ("limits: 5", "job.yaml:1:9: limits: the number 5 is not a map; write NAME: VALUE"),
            ("tty: yes", #"job.yaml:1:6: tty: the text "yes" is not a switch; write true or false"#),
            ("env: {A: true}", #"job.yaml:1:10: env.A: true is a switch's value; write "true" for a text"#),
            ("env: {A: 1.10}", #"job.yaml:1:10: env.A: 1.10 is a number; write "1.10" for a text"#),
            ("env: {A: }", "job.yaml:1:10: env.A: nothing stands where a text belongs"),
            (
                "hide: [a, ../b]",
                #"job.yaml:1:11: hide[1]: "../b" is not a pattern below the workspace; write .env or secrets/*.key"#
            ),
            ("command: ls", #"job.yaml:1:10: command: the text "ls" is not a list; write [A, B]"#),
            ("command: [ls, [a]]", "job.yaml:1:15: command[1]: a list stands where a text belongs"),
            ("[a]", "job.yaml: a list is not a spec; write keys and values, as command: [\"true\"]"),
        ])
    func `Documents are answered with place, path and cure`(yaml: String, expected: String) {
        #expect(message { _ = try SandboxSpec(yaml: yaml, fileName: "job.yaml") } == expected)
    }

    @Test func `JSON is answered with place, path and cure`() {
        let json = "{\"tty\": true,\n \"limits\": {\"memory\": \"12 parsecs\"}}"
        #expect(
            message { _ = try SandboxSpec(json: json, fileName: "job.json") }
                == #"job.json:2:23: limits.memory: "12 parsecs" is not a size; write 512MiB"#)
    }

    @Test(arguments: SpecField.all)
    func `An error of any field begins with its path`(field: SpecField) {
        let outer = field.section.map { "{\($0): {\(field.key): " } ?? "{\(field.key): "
        let document = outer + "[[]]" + (field.section == nil ? "}" : "}}")
        let text = message { _ = try SandboxSpec(yaml: document) } ?? ""
        #expect(text.contains(": \(field.path): ") || text.contains(": \(field.path)[0]: "), "\(text)")
    }

    @Test func `Control characters in a value are shown escaped`() {
        #expect(
            message { _ = try spec("--name", "a\u{1b}]0;x\u{7}\u{202e}\nb") }?
                .hasPrefix(#"name: "a\u{1b}]0;x\u{7}\u{202e}\nb" is not a name"#) == true)
    }

    @Test(arguments: [
        ["--workdir", "a\u{1b}[2J"], ["--tmpfs", "a\u{7}"], ["--secret", "a\u{1b}c=x"], ["--secret-file", "\u{7}=x"],
        ["--hide", "\u{1b}["], ["--env", "\u{1b}"], ["--device", "\u{7}"], ["--memory", "\u{7}"],
    ])
    func `What a message proposes to write holds no control characters either`(arguments: [String]) {
        let text = message { _ = try spec(arguments) } ?? ""
        #expect(
            !text.isEmpty && text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 },
            "\(text.debugDescription)")
    }

    @Test func `A secret's value is in no message`() {
        for arguments in [["--secret", "T=hunter2"], ["--secret-file=T=hunter2"]] {
            #expect(message { _ = try spec(arguments) }?.contains("hunter2") == false)
        }
        #expect(message { _ = try SandboxSpec(yaml: "secret: {T: hunter2}") }?.contains("hunter2") == false)
    }
}

extension SpecField: CustomTestStringConvertible {
    public var testDescription: String { path }
}
