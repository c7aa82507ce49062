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
        // Compiled where that takes seconds, for a machine in which it takes minutes.
        if let compiled = ProcessInfo.processInfo.environment["MARTINET_ATTACKS"] {
            for name in try FileManager.default.contentsOfDirectory(atPath: compiled) {
                try FileManager.default.copyItem(atPath: "\(compiled)/\(name)", toPath: "\(directory)/\(name)")
            }
            return
        }
        let (status, _, errors) = try HostProcess.run("\(sources)/compile", [directory])
        guard status == .exited(0) else { throw CompilerFailure(description: errors) }
    }

    /// Beside this file; or below the working directory, where a bundle runs on another machine.
    private static let sources: String = {
        let beside = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Attacks").path
        return FileManager.default.fileExists(atPath: beside) ? beside : "Tests/SecurityTests/Attacks"
    }()
}
