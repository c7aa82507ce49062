// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The programs of `Tests/SecurityTests/Attacks`, compiled once a process, statically: they run on any root file
/// system.
enum AttackPrograms {
    /// Where they appear in a sandbox.
    static let target = "/attack"

    /// The directory of the compiled programs; it goes away with the process.
    static let directory: String = {
        let directory = TemporaryTree.makeDirectory("attacks")
        do { try compileAll(into: directory) } catch {
            preconditionFailure("the attack programs do not compile: \(error)")
        }
        return directory
    }()

    static func path(_ name: String) -> String { "\(directory)/\(name)" }

    private struct CompilerFailure: Error, CustomStringConvertible {
        let description: String
    }

    private static func compileAll(into directory: String) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: sources).filter { $0.hasSuffix(".c") }
        guard !names.isEmpty else { throw CompilerFailure(description: "\(sources) is empty") }
        for name in names {
            let program = "\(directory)/\(name.dropLast(2))"
            let (status, _, errors) = try HostProcess.run(
                "/usr/bin/cc", ["-O1", "-static", "-pthread", "-o", program, "\(sources)/\(name)"])
            guard status == .exited(0) else { throw CompilerFailure(description: errors) }
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        }
        try FileManager.default.createSymbolicLink(atPath: "\(directory)/loopback", withDestinationPath: "visibility")
    }

    /// Beside this file; or below the working directory, where a bundle runs on another machine.
    private static let sources: String = {
        let beside = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Attacks").path
        return FileManager.default.fileExists(atPath: beside) ? beside : "Tests/SecurityTests/Attacks"
    }()
}
