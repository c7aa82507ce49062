// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

@Suite(.serialized) struct StreamTests {
    @Test func `10 MiB pass through cat unchanged`() throws {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<(10 << 17)).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        #expect(bytes.count == 10 << 20)
        let outcome = try Martinet.run([], ["/bin/cat"], input: .bytes(bytes))
        #expect(outcome.status == 0)
        #expect(outcome.bytes == bytes)
    }

    @Test func `Standard input is a file, standard output another`() throws {
        try Scratch.with { scratch in
            let text = (0..<10_000).map { "line \($0)\n" }.joined()
            try scratch.write("in", text)
            let outcome = try Martinet.hostShell(#""$M" run -- cat < \#(scratch["in"]) > \#(scratch["out"])"#)
            #expect(outcome.status == 0)
            #expect(try scratch.read("out") == text)
        }
    }

    @Test func `Output is appended to a file that was opened so`() throws {
        try Scratch.with { scratch in
            try scratch.write("log", "before\n")
            _ = try Martinet.hostShell(#""$M" run -- echo after >> \#(scratch["log"])"#)
            #expect(try scratch.read("log") == "before\nafter\n")
        }
    }

    @Test func `Standard output and standard error stay apart`() throws {
        let outcome = try Martinet.shell([], "echo out; echo err >&2")
        #expect(outcome.output == "out\n")
        #expect(outcome.errors == "err\n")
    }

    @Test(arguments: [[], ["--user", "root"]])
    func `The agent can open dev stdout and dev stderr of pipes`(options: [String]) throws {
        let outcome = try Martinet.shell(options, "echo out > /dev/stdout && echo err > /dev/stderr")
        #expect(outcome.status == 0)
        #expect(outcome.output == "out\n")
        #expect(outcome.errors == "err\n")
    }

    @Test(arguments: ["0<&-", "1>&-", "2>&-"])
    func `A closed standard stream is refused, and nothing of the launcher's takes its place`(redirection: String)
        throws
    {
        let outcome = try Martinet.hostShell(#"exec 3>&1 4>&2; "$M" run -- touch /tmp/x \#(redirection); echo $? >&3"#)
        #expect(outcome.output == "125\n")
        if !redirection.hasPrefix("2") {
            let name = redirection.hasPrefix("0") ? "standard input" : "standard output"
            #expect(outcome.errors.hasPrefix("martinet: \(name) is closed\nhint: "), "\(outcome.errors)")
        }
    }

    @Test(arguments: [[], ["--user", "root"]])
    func `An agent cannot write what others read from the caller's input`(options: [String]) throws {
        let words = options.joined(separator: " ")
        let outcome = try Martinet.hostShell(
            #"""
            (echo first; sleep 1) | {
                "$M" run \#(words) -- sh -c '
                    chmod 666 /proc/self/fd/0; echo injected > /proc/self/fd/0; echo injected 1<> /proc/self/fd/0' 2> /dev/null
                cat
            }
            """#)
        #expect(!outcome.output.contains("injected"))
        if isRoot { #expect(outcome.output == "first\n") }
    }

    @Test(.enabled(if: isRoot, "any other agent is the caller to its own pipe"), arguments: [[], ["--user", "root"]])
    func `An agent cannot take back what it wrote`(options: [String]) throws {
        let outcome = try Martinet.shell(options, "head -c1 < /proc/self/fd/1 && echo opened")
        #expect(outcome.status != 0)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains("Permission denied"), "\(outcome.errors)")
    }

    @Test(arguments: [
        ("0>", "standard input is not open for reading"), ("1<", "standard output is not open for writing"),
        ("2<", "standard error is not open for writing"),
    ])
    func `A stream that was opened the wrong way round is refused`(redirection: String, message: String) throws {
        try Scratch.with { scratch in
            try scratch.write("file", "text")
            let file = scratch["file"]
            let outcome = try Martinet.hostShell(
                #"exec 3>&1; "$M" run --report json=\#(scratch["report"]) -- true \#(redirection)\#(file); echo $? >&3"#
            )
            #expect(outcome.output == "125\n")
            #expect(try scratch.read("report")?.contains(message) == true)
        }
    }

    @Test(arguments: ["0> /dev/null", "1< /dev/null"])
    func `With a terminal a stream that was opened the wrong way round is refused`(redirection: String) throws {
        let outcome = try Martinet.hostShell(#"exec 3>&1; "$M" run -t -- true \#(redirection); echo $? >&3"#)
        #expect(outcome.output == "125\n")
        #expect(outcome.errors.contains("is not open for"), "\(outcome.errors)")
    }

    @Test func `A device that was opened the wrong way round is passed on, as nohup does`() throws {
        let outcome = try Martinet.hostShell(#""$M" run -- sh -c 'cat; echo x' 0> /dev/null"#)
        #expect(outcome.status == 0)
        #expect(outcome.output == "x\n")
    }

    @Test func `A directory as standard input is refused`() throws {
        let outcome = try Martinet.hostShell(#""$M" run -- true < /"#)
        #expect(outcome.status == 125)
        #expect(outcome.errors.hasPrefix("martinet: standard input is a directory"), "\(outcome.errors)")
    }

    @Test func `With stdin none there is nothing to read`() throws {
        let outcome = try Martinet.run(["--stdin", "none"], ["/bin/cat"], input: .bytes(Array("typed".utf8)))
        #expect(outcome.status == 0)
        #expect(outcome.output == "")
    }

    @Test func `A reader that goes away ends the writer with SIGPIPE`() throws {
        let outcome = try Martinet.hostShell(#"{ "$M" run -- yes; echo $? >&2; } | head -1"#)
        #expect(outcome.output == "y\n")
        #expect(outcome.errors == "141\n")
    }
}
