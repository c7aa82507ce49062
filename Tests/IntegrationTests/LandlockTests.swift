// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

/// Landlock as a user meets it: on by default, and in nobody's way.
@Suite(.serialized) struct LandlockTests {
    private static let hasLandlock: Bool = if case .abi(2...) = LandlockSupport.probe() { true } else { false }
    private static let isRoot = effectiveUID() == 0

    @Test(
        "a file on standard input can be opened again as dev stdin, and devices on all three",
        .enabled(if: isRoot, "an ordinary user's files on standard input go through a pipe"))
    func reopening() throws {
        try Scratch.with { scratch in
            try scratch.write("in", "text\n")
            let outcome = try Martinet.hostShell(
                #""$M" run -- cat /dev/stdin < \#(scratch["in"]); "$M" run -- sh -c ': > /dev/stdin' < \#(scratch["in"])"#
            )
            #expect(outcome.output == "text\n")
            #expect(outcome.errors.contains("ermission denied"), "\(outcome.errors)")
            #expect(try scratch.read("in") == "text\n")
            let null = try Martinet.hostShell(
                #""$M" run -- sh -c 'cat /dev/stdin > /dev/stdout 2> /dev/stderr' < /dev/null > /dev/null"#)
            #expect(null.status == 0 && null.errors == "")
        }
    }

    @Test(
        "explain shows what is refused and what is allowed", .enabled(if: hasLandlock, "this kernel has no Landlock"))
    func explained() throws {
        let program = try Martinet.hostShell(#""$M" explain -- true"#).output
        #expect(program.contains(" refuse execute,write_file,"))
        #expect(program.contains(" allow below / execute,read_file,read_dir\n"))
        #expect(program.contains(" agent: restrict itself to "))
        #expect(!(try Martinet.hostShell(#""$M" explain --landlock off -- true"#).output.contains("restrict itself")))
    }

    @Test func `a version that the kernel has not is an error with its cure, and nothing runs`() throws {
        let outcome = try Martinet.run(["--landlock", "999"], ["/bin/echo", "ran"])
        #expect(outcome.status == 125)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasPrefix("martinet: landlock: ABI 999 was asked for"))
        #expect(outcome.errors.contains("\nhint: "))
    }
}
