// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestHost
import Testing

/// A process on the host with objects of every kind that has a name: what a sandbox must neither see nor touch.
final class HostCanary {
    private let process: HostProcess
    /// What the names of its objects are made of.
    let key: Int32
    /// The TCP port that it listens on, on the host's loopback.
    let port: Int

    var pid: Int32 { process.pid }

    init() throws {
        key = Int32.random(in: 100_000..<1_000_000_000)
        process = try HostProcess(AttackPrograms.path("canary"), ["\(key)"])
        for _ in 0..<500 * Patience.factor where AttemptReport(process.output.text)["ready"] == nil { usleep(10_000) }
        guard case .succeeded(let port) = AttemptReport(process.output.text)["ready"] else {
            throw NotReady(description: "the canary is not ready: \(process.output.text)")
        }
        self.port = port
    }

    deinit {
        process.end()
        _ = try? HostProcess.run(AttackPrograms.path("canary"), ["\(key)", "remove"])
    }

    struct NotReady: Error, CustomStringConvertible { let description: String }

    /// Ends it: says how many have called on it, and whether its objects are still there. `nil` if it is dead already.
    func end() -> (visits: Int, isIntact: Bool)? {
        guard process.isRunning else { return nil }
        let status = process.wait()
        let report = AttemptReport(process.output.text)
        guard status == .exited(0), case .succeeded(let visits) = report["visits"] else { return nil }
        return (visits, report["intact"] == .succeeded(1))
    }

    /// Ends it and expects it to be as it was.
    func expectUntouched(visits expected: Int = 0, sourceLocation: SourceLocation = #_sourceLocation) {
        let end = end()
        #expect(end?.visits == expected, sourceLocation: sourceLocation)
        #expect(end?.isIntact == true, sourceLocation: sourceLocation)
    }
}

/// A file on the host in a directory that everybody may read.
struct FileCanary {
    let directory = TemporaryTree.makeDirectory("canary")
    var path: String { "\(directory)/file" }
    private let listing: [String]

    init() {
        TemporaryTree.write("untouched", to: "\(directory)/file")
        listing = TemporaryTree.listing(directory)
    }

    func expectUntouched(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(TemporaryTree.listing(directory) == listing, sourceLocation: sourceLocation)
        #expect(TemporaryTree.read(path) == "untouched", sourceLocation: sourceLocation)
    }
}
