// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

@Suite struct FlagParserTests {
    private func texts(_ arguments: String...) -> [String]? {
        FlagParser.parse(arguments)?.flags.map { $0.text.isEmpty ? $0.field.flag : "\($0.field.flag) \($0.text)" }
    }

    @Test func `Values are attached or the next word`() {
        for arguments in [["--memory", "1m"], ["--memory=1m"], ["-m", "1m"], ["-m1m"], ["-m=1m"]] {
            #expect(FlagParser.parse(arguments)?.flags.map(\.text) == ["1m"], "\(arguments)")
        }
    }

    @Test func `v alone asks for words, and before what has a bind's form it is one`() {
        #expect(FlagParser.parse(["-v", "ls"])?.isVerbose == true)
        #expect(FlagParser.parse(["-v", "ls"])?.command == ["ls"])
        #expect(FlagParser.parse(["-tv", "--", "/a:/b"])?.isVerbose == true)
        #expect(texts("-v", "/a:/b", "ls") == ["bind /a:/b"])
        #expect(texts("-v/a:/b:ro") == ["bind /a:/b:ro"])
        #expect(FlagParser.parse(["-v", "/a:/b", "ls"])?.isVerbose == false)
    }

    @Test func `A negative number is a value only where a field takes one`() {
        #expect(texts("--nice", "-5") == ["nice -5"])
        #expect(texts("--nice", "-x") == nil)
        #expect(texts("--pids", "-5") == nil)
    }

    @Test func `Report, learn and verbose are the run's, not the sandbox's`() {
        let parsed = FlagParser.parse(["--report", "json=3", "--learn=p.json", "--verbose", "ls"])
        #expect(parsed?.report == "json=3")
        #expect(parsed?.learn == "p.json")
        #expect(parsed?.isVerbose == true)
        #expect(parsed?.flags.isEmpty == true)
        #expect(FlagParser.parse(["--report"]) == nil)
    }

    @Test func `Letters stand in clusters, the last with a value`() {
        #expect(texts("-it", "x") == ["interactive", "tty"])
        #expect(texts("-iteA=b", "x") == ["interactive", "tty", "env A=b"])
        #expect(texts("-te", "A=b", "x") == ["tty", "env A=b"])
    }

    @Test func `Only the first equals sign divides`() {
        #expect(texts("--env=A=b=c") == ["env A=b=c"])
        #expect(texts("-e=A=b=c") == ["env A=b=c"])
        #expect(FlagParser.parse(["-e="])?.flags.map(\.text) == [""])
    }

    @Test func `The first word that is no flag begins the command, whose own flags are left alone`() {
        #expect(FlagParser.parse(["-t", "ls", "-l", "--", "--tty"])?.command == ["ls", "-l", "--", "--tty"])
        #expect(FlagParser.parse(["-t", "--", "-l", "--", "x"])?.command == ["-l", "--", "x"])
        #expect(FlagParser.parse(["-"])?.command == ["-"])
        #expect(FlagParser.parse([])?.command == [])
    }

    @Test(
        arguments: [
            ["--help"], ["-h"], ["--memroy", "1"], ["--memory"], ["--memory", "--tty"], ["--tty=1"], ["-tx"], ["-m"],
            ["--=x"], ["---tty"], ["--mem=1"], ["--spec"], ["-ie", "-t"],
        ])
    func `What is not recognised is left to the other parser`(arguments: [String]) {
        #expect(FlagParser.parse(arguments).map { _ in 1 } == nil)
    }

    @Test func `The file is named once, standard input by a dash`() {
        #expect(FlagParser.parse(["--spec", "a", "--spec=job.yaml", "-t"])?.specFile == "job.yaml")
        #expect(FlagParser.parse(["--spec", "-", "x"])?.specFile == "-")
    }

    @Test func `Flags replace single values of a file and add to lists`() throws {
        var spec = try SandboxSpec(yaml: "{command: [a], user: 5, bind: ['/a:/b'], limits: {memory: 1MiB, pids: 9}}")
        let parsed = try #require(FlagParser.parse(["-u6", "-v/c:/d", "-m2m", "b", "c"]))
        try parsed.apply(to: &spec, callerEnvironment: [:])
        #expect(spec.command == ["b", "c"])
        #expect(spec.user?.description == "6")
        #expect(spec.binds.map(\.description) == ["/a:/b", "/c:/d"])
        #expect(spec.limits.memory == .value(ByteCount(bytes: 2 << 20)))
        #expect(spec.limits.pids == .value(9))
    }

    @Test func `A file's command stays where none is given`() throws {
        var spec = try SandboxSpec(yaml: "command: [a]")
        try #require(FlagParser.parse(["-t"])).apply(to: &spec, callerEnvironment: [:])
        #expect(spec.command == ["a"])
    }

    @Test func `A variable's name alone passes the caller's value on`() throws {
        let asked = try spec("-e", "HOME", environment: ["HOME": "/root"])
        #expect(asked.environment.map(\.description) == ["HOME=/root"])
        #expect(
            message { _ = try spec("-e", "HOME") }
                == "env.HOME: HOME is not set in the caller's environment; write HOME=VALUE")
    }
}
