// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

/// The options that ArgumentParser knows are declared by hand; the table of fields is what they must be.
@Suite struct OptionTableTests {
    private struct Dump: Decodable {
        struct Command: Decodable {
            var commandName: String
            var arguments: [Argument]?
            var subcommands: [Command]?
        }
        struct Argument: Decodable {
            struct Name: Decodable {
                var kind: String
                var name: String
            }
            var kind: String
            var names: [Name]?
            var valueName: String?
            var abstract: String?
            var isRepeating: Bool
        }
        var command: Command
    }

    /// The program under test, built beside this one.
    private static func martinet() throws -> URL {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "martinet")
    }

    private func dump(_ subcommand: String) throws -> [Dump.Argument] {
        let process = Process()
        process.executableURL = try Self.martinet()
        process.arguments = ["--experimental-dump-help"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let root = try JSONDecoder().decode(Dump.self, from: data).command
        return try #require(root.subcommands?.first { $0.commandName == subcommand }?.arguments)
    }

    @Test(arguments: ["run", "explain"])
    func `The options are those of the table, with its help`(subcommand: String) throws {
        let options = try dump(subcommand).filter { $0.kind != "positional" }
        let longs = options.flatMap { $0.names ?? [] }.filter { $0.kind == "long" }.map(\.name)
        let shorts = options.flatMap { $0.names ?? [] }.filter { $0.kind == "short" }.map(\.name)
        #expect(
            longs.sorted()
                == (SpecField.all.flatMap { [$0.flag] + $0.aliases } + [
                    "spec", "help", "version", "report", "learn", "verbose", "detach", "rm", "restart", "label",
                    "log-size",
                ]).sorted())
        #expect(shorts.sorted() == (SpecField.all.compactMap(\.short).map(String.init) + ["h", "d", "l"]).sorted())
        for field in SpecField.all {
            let option = try #require(options.first { $0.names?.contains { $0.name == field.flag } == true })
            #expect(option.abstract == field.help)
            #expect((option.kind == "flag") == field.isSwitch, "\(field.path)")
            #expect(option.isRepeating == field.isRepeatable, "\(field.path)")
            if !field.isSwitch { #expect(option.valueName == field.metavar) }
            let names = Set((option.names ?? []).map(\.name))
            #expect(names == Set([field.flag] + field.aliases + (field.short.map { [String($0)] } ?? [])))
        }
    }
}
