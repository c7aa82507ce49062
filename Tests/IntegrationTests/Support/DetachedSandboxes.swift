// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import TestHost
import Testing

/// The command line on a store of a test's own. What still runs at the end is killed.
struct DetachedSandboxes {
    let state: String
    let scratch: Scratch

    static func with(_ body: (DetachedSandboxes) throws -> Void) throws {
        try Scratch.with { scratch in
            let sandboxes = DetachedSandboxes(state: scratch["state"], scratch: scratch)
            defer {
                let left = (try? sandboxes.martinet("ps", "-aq").output)?.split(separator: "\n").map(String.init) ?? []
                if !left.isEmpty { _ = try? sandboxes.martinet(["rm", "-f"] + left) }
            }
            try body(sandboxes)
        }
    }

    var environment: [String] { HostProgram.plainEnvironment + ["MARTINET_STATE_DIR=\(state)"] }

    func martinet(_ arguments: [String], input: HostProgram.Input = .nothing) throws -> HostProgram.Outcome {
        try start(arguments, input: input).wait()
    }

    func martinet(_ arguments: String...) throws -> HostProgram.Outcome { try martinet(arguments) }

    func start(_ arguments: [String], input: HostProgram.Input = .nothing) throws -> HostProgram {
        try HostProgram([Martinet.path] + arguments, input: input, environment: environment)
    }

    /// The command line on a terminal.
    func terminal(_ arguments: [String], rows: UInt16 = 24, columns: UInt16 = 80) throws -> TerminalProgram {
        try TerminalProgram(arguments, environment: environment + ["TERM=vt100"], rows: rows, columns: columns)
    }

    /// Starts a sandbox, and returns its id.
    @discardableResult
    func run(
        _ name: String, _ options: [String] = [], script: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let outcome = try martinet(["run", "-d", "--name", name] + options + ["--", "sh", "-c", script])
        #expect(outcome.status == 0, "\(outcome.errors)", sourceLocation: sourceLocation)
        return outcome.output.split(separator: "\n").first.map(String.init) ?? ""
    }

    /// A field of the status record.
    func field(_ name: String, of id: String) -> String? {
        let text = (try? readText("\(state)/sandboxes/\(id)/status.json")) ?? nil
        guard let text, let found = text.range(of: "\"\(name)\":") else { return nil }
        return String(text[found.upperBound...].prefix { $0 != "," && $0 != "}" && $0 != "\n" })
            .trimmingCharacters(in: .whitespaces)
    }

    /// Init's process id on the host.
    func initPID(_ name: String) throws -> Int32 {
        let text = try martinet("inspect", name).output
        let found = try #require(text.range(of: "\"pid\":"))
        let digits = text[found.upperBound...].drop { $0 == " " }.prefix { $0.isNumber }
        return try #require(Int32(digits))
    }

    func state(_ name: String) throws -> String {
        try martinet("ps", "-a", "--filter", "name=\(name)", "--format", "{{.State}}").output
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Waits until the log holds this.
    func awaitLog(_ name: String, _ text: String) throws -> String {
        var log = ""
        for _ in 0..<200 * Patience.factor {
            log = try martinet("logs", name).output
            if log.contains(text) { return log }
            blockThread(for: .milliseconds(20))
        }
        return log
    }
}
