// SPDX-License-Identifier: Apache-2.0
import Confinement
import Glibc
import LinuxKernel

/// A directory in which programs are built and run under filters. It goes away with the value.
final class ProgramGround {
    let directory: String

    init() throws {
        var template = Array("/tmp/martinet-programs-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", .notPermitted, "/tmp") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try run("/usr/bin/cc", ["-O1", "-static", "-o", path("filter-exec"), Fixtures.path("Programs/filter-exec.c")])
    }

    deinit { _ = try? run("/bin/rm", ["-rf", directory]) }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    struct Outcome: Equatable, CustomStringConvertible {
        var status: ExitStatus
        var output: String
        var errors: String
        var description: String { "\(status)\n\(output)\n\(errors)" }
    }

    /// Runs a program under a filter, or under none, to its end.
    func run(
        _ program: String, _ arguments: [String], under filter: [UInt8], input: String = ""
    ) throws -> Outcome {
        let file = path("filter.bpf")
        try writeAll(try open(file, [.writeOnly, .create, .truncate], mode: 0o600), filter)
        return try run(path("filter-exec"), [file, program] + arguments, input: input)
    }

    @discardableResult
    func run(_ program: String, _ arguments: [String], input: String = "") throws -> Outcome {
        func file(_ name: String) throws -> Descriptor {
            try open(path(name), [.readWrite, .create, .truncate], mode: 0o600)
        }
        let output = try file("output")
        let errors = try file("errors")
        try writeAll(try file("input"), input.utf8)
        let standardInput = try open(path("input"))
        let home = getenv("HOME").map { String(cString: $0) } ?? directory
        var request = SpawnRequest(
            path: program, arguments: [program] + arguments,
            environment: [
                "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=\(home)", "TMPDIR=\(directory)",
                "XDG_CACHE_HOME=\(directory)/cache",
            ],
            standardOutput: output.rawValue, standardError: errors.rawValue)
        request.standardInput = standardInput.rawValue
        let status = try reap(try spawn(request))
        func text(_ name: String) throws -> String {
            String(decoding: try readAll(try open(path(name))), as: UTF8.self)
        }
        return Outcome(status: status, output: try text("output"), errors: try text("errors"))
    }
}
