// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What a command did to the host's file systems, seen from outside: see `Attacks/watch.c`. Takes root; as an ordinary
/// user the command runs unwatched, under a deadline of coreutils'.
struct HostWatch {
    let status: Int32
    let output: String
    let errors: String
    /// What was changed, or opened where nothing may be opened, in words; processes left behind.
    let sights: [String]
    let hung: Bool

    static let deadline = 20

    init(_ command: [String], canaries: [String]) throws {
        let report = "\(TemporaryTree.shared("watch"))/report"
        let process: HostProcess
        if isRoot {
            // Every file system that a path of the host's may lead to.
            let systems = canaries.prefix(1) + ["/", "/etc", "/run", "/dev", "/dev/shm", "/tmp", "/var/tmp", "/home"]
            process = try HostProcess(
                AttackPrograms.path("watch"),
                [report, "\(Self.deadline)"] + canaries.flatMap { ["-c", $0] } + systems.flatMap { ["-f", $0] } + ["--"]
                    + command)
        } else {
            process = try HostProcess("/usr/bin/timeout", ["-s", "KILL", "\(Self.deadline)"] + command)
        }
        guard case .exited(let code) = process.wait() else {
            (status, output, errors) = (-1, process.output.text, process.errors.text)
            (sights, hung) = (["the watcher did not end by itself"], !isRoot)
            return
        }
        status = code
        output = process.output.text.replacingOccurrences(of: "\r\n", with: "\n")  // a terminal's
        errors = process.errors.text
        let lines = isRoot ? (TemporaryTree.read(report) ?? "").split(separator: "\n").map(String.init) : []
        if isRoot, lines.last?.hasPrefix("status ") != true { throw WatchFailure(description: process.errors.text) }
        sights = lines.filter { $0.hasPrefix("event ") || $0.hasPrefix("left ") }
        hung = isRoot ? lines.contains("hang") : code == 137
    }

    struct WatchFailure: Error, CustomStringConvertible { let description: String }

    /// What was seen that is not at or below one of these paths, nor in one of their directories' place.
    func sights(except allowed: [String]) -> [String] {
        sights.filter { sight in
            let words = sight.split(separator: " ")
            guard words.count == 4, words[0] == "event" else { return true }
            if words[3].hasPrefix("gone/") { return false }
            return !allowed.contains { words[3] == $0 || words[3].hasPrefix("\($0)/") }
        }
    }
}
