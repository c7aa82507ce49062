// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKernel
import Testing

@testable import Confinement

private func exists(_ path: String) -> Bool { ((try? status(of: path)) ?? nil) != nil }

private let home = getenv("HOME").map { String(cString: $0) } ?? "/"

/// A test that needs a compiler or interpreter of this machine's.
private func needs(_ tool: String) -> ConditionTrait { .enabled(if: exists(tool), "there is no \(tool) here") }

@Suite struct `The strict profile lets real programs calculate in threads, read a file and write:` {
    @Test(needs("/usr/bin/cc")) func `C`() throws {
        try compiled("/usr/bin/cc", ["-O1", "-pthread"], "compute.c")
    }

    @Test(needs("/usr/bin/cc")) func `C, static`() throws {
        try compiled("/usr/bin/cc", ["-O1", "-pthread", "-static"], "compute.c")
    }

    @Test(needs("/usr/bin/c++")) func `C++`() throws { try compiled("/usr/bin/c++", ["-pthread"], "compute.cpp") }

    @Test(needs(home + "/.cargo/bin/rustc")) func `Rust`() throws {
        try compiled(home + "/.cargo/bin/rustc", [], "compute.rs")
    }

    @Test(needs("/usr/bin/go")) func `Go`() throws { try compiled("/usr/bin/go", ["build"], "compute.go") }

    @Test(needs("/opt/swift/usr/bin/swiftc")) func `Swift`() throws {
        try compiled("/opt/swift/usr/bin/swiftc", ["-static-stdlib"], "compute.swift-source", named: "main.swift")
    }

    @Test(needs("/usr/bin/python3")) func `Python`() throws {
        // It also says what fork returned.
        try interpreted("/usr/bin/python3", [], "compute.py", more: "\(EPERM)\n")
    }

    @Test(needs("/usr/bin/java")) func `Java`() throws {
        try interpreted("/usr/bin/java", ["-Xmx128m"], "Compute.java")
    }

    @Test(needs("/usr/bin/node")) func `JavaScript`() throws { try interpreted("/usr/bin/node", [], "compute.js") }

    private func compiled(_ compiler: String, _ options: [String], _ source: String, named name: String? = nil) throws {
        let ground = try ProgramGround()
        let copy = ground.path(name ?? source)
        try ground.run("/bin/cp", [Fixtures.path("Programs/\(source)"), copy])
        let built = try ground.run(compiler, options + ["-o", ground.path("program"), copy])
        try #require(built.status == .exited(0), "\(built)")
        try check(ground, ground.path("program"), [])
    }

    private func interpreted(
        _ interpreter: String, _ options: [String], _ source: String, more: String = ""
    ) throws {
        try check(
            try ProgramGround(), interpreter, options + [Fixtures.path("Programs/\(source)")], more: more)
    }

    private func check(
        _ ground: ProgramGround, _ program: String, _ arguments: [String], more: String = ""
    ) throws {
        try writeAll(
            try open(ground.path("file"), [.writeOnly, .create], mode: 0o600), [UInt8](repeating: 0x61, count: 1234))
        let outcome = try ground.run(
            program, arguments + [ground.path("file")], under: try SeccompCompiler.compile(.strict),
            input: (1...4000).map(String.init).joined(separator: " "))
        #expect(outcome.status == .exited(0), "\(outcome)")
        #expect(outcome.output == "4000 numbers, sum 8002000, file 1234\n" + more)
        #expect(outcome.errors == "")
    }
}

@Suite struct `The strict profile, tried` {
    private let filter: [UInt8]

    init() throws { filter = try SeccompCompiler.compile(.strict) }

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

    @Test(needs("/usr/bin/cc")) func `refuses everything else, with the errno that makes sense`() throws {
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
