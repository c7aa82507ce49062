// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKernel
import Testing

@testable import Confinement

private func exists(_ path: String) -> Bool { ((try? status(of: path)) ?? nil) != nil }

/// A language's program, and how it comes to run.
private struct Language: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// Of the host: without it the case is skipped.
    var tool: String
    /// The arguments that build "program" from a source; `nil` where the tool itself runs it.
    var build: (@Sendable (_ source: String, _ program: String) -> [String])?
    var source: String
    var options: [String] = []
    var tail: String = ""
}

private let home = getenv("HOME").map { String(cString: $0) } ?? "/"

private let languages: [Language] = [
    Language(
        testDescription: "C", tool: "/usr/bin/cc", build: { ["-O1", "-pthread", "-o", $1, $0] }, source: "compute.c"),
    Language(
        testDescription: "C, static", tool: "/usr/bin/cc", build: { ["-O1", "-pthread", "-static", "-o", $1, $0] },
        source: "compute.c"),
    Language(
        testDescription: "C++", tool: "/usr/bin/c++", build: { ["-pthread", "-o", $1, $0] }, source: "compute.cpp"),
    Language(
        testDescription: "Rust", tool: home + "/.cargo/bin/rustc", build: { ["-o", $1, $0] }, source: "compute.rs"),
    Language(testDescription: "Go", tool: "/usr/bin/go", build: { ["build", "-o", $1, $0] }, source: "compute.go"),
    Language(
        testDescription: "Swift", tool: "/opt/swift/usr/bin/swiftc",
        build: { ["-static-stdlib", "-o", $1, $0] }, source: "compute.swift-source"),
    Language(testDescription: "Python", tool: "/usr/bin/python3", source: "compute.py", tail: "1\n"),
    Language(
        testDescription: "Java", tool: "/usr/bin/java", source: "Compute.java", options: ["-Xmx128m"]),
    Language(testDescription: "JavaScript", tool: "/usr/bin/node", source: "compute.js"),
]

@Suite struct `The strict profile, with real programs` {
    private let filter: [UInt8]

    init() throws { filter = try SeccompCompiler.compile(.strict) }

    @Test(arguments: languages)
    fileprivate func `lets a program calculate in threads, read a file, and write`(language: Language) throws {
        if !exists(language.tool) { try Test.cancel("there is no \(language.tool) here") }
        let ground = try ProgramGround()
        let source = Fixtures.path("Programs/\(language.source)")
        var (program, arguments) = (language.tool, language.options + [source])
        if let build = language.build {
            program = ground.path("program")
            var input = source
            if source.hasSuffix(".swift-source") {
                input = ground.path("main.swift")
                try ground.run("/bin/cp", [source, input])
            }
            let built = try ground.run(language.tool, build(input, program))
            try #require(built.status == .exited(0), "\(built)")
            arguments = []
        }
        try writeAll(
            try open(ground.path("file"), [.writeOnly, .create], mode: 0o600), [UInt8](repeating: 0x61, count: 1234))
        let numbers = (1...4000).map(String.init).joined(separator: " ")
        let outcome = try ground.run(program, arguments + [ground.path("file")], under: filter, input: numbers)
        #expect(outcome.status == .exited(0), "\(outcome)")
        #expect(outcome.output == "4000 numbers, sum 8002000, file 1234\n" + language.tail)
        #expect(outcome.errors == "")
    }

    @Test(arguments: ["/bin/sh", "/bin/bash"].filter(exists))
    func `lets a shell calculate and end in another program, and not start one beside itself`(shell: String) throws {
        let ground = try ProgramGround()
        let sum = #"i=0; s=0; while [ $i -lt 100 ]; do i=$((i+1)); s=$((s+i)); done; echo $s; exec /bin/echo done"#
        let calculated = try ground.run(shell, ["-c", sum], under: filter)
        #expect(calculated == .init(status: .exited(0), output: "5050\ndone\n", errors: ""))
        let forked = try ground.run(shell, ["-c", "/bin/echo never; echo after"], under: filter)
        #expect(!forked.output.contains("never"))
        #expect(forked.errors.contains("fork"), "\(forked)")
    }

    @Test func `refuses everything else, with the errno that makes sense`() throws {
        let ground = try ProgramGround()
        try ground.run("/usr/bin/cc", ["-o", ground.path("refused"), Fixtures.path("Programs/refused.c")])
        let outcome = try ground.run(ground.path("refused"), [], under: filter)
        #expect(outcome.status == .exited(0), "\(outcome)")
        let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.count == 40)
        for line in lines {
            let expected =
                switch line[0] {
                case "open-read", "prctl-name", "ioctl-isatty", "socketpair": "0"
                case "clone3", "openat2", "unknown": "ENOSYS"
                case "socket-unix", "socket-inet": "EAFNOSUPPORT"
                case "sendmsg": "ENOTSOCK"
                default: "EPERM"
                }
            #expect(line[1] == expected, "\(line[0])")
        }
    }
}
