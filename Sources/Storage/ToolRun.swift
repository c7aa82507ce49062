// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Runs programs of e2fsprogs on an open file: they get it as their standard input, and are told that path.
struct ToolRun: Sendable {
    /// The caller's `PATH`, looked through before the system's directories.
    var searchPath: String?

    private static let tailLength = 4

    /// - Parameter accepting: exit statuses that are none of a failure.
    /// - Throws: `.toolMissing`, `.toolFailed` with the end of what the program said, `.interrupted`, `.system`.
    func run(
        _ name: String, _ arguments: [String], on file: borrowing Descriptor, _ action: String, _ subject: String,
        accepting: [Int32] = [0]
    ) throws(StorageError) {
        let path = try ExecutableSearch.require(name, searchPath: searchPath, package: "e2fsprogs")
        var tail: [String] = []
        var command = CommandRun(
            path: path, arguments: [name] + arguments + ["/proc/self/fd/0"],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"])
        command.standardInput = file.rawValue
        let outcome: CommandRun.Outcome
        do throws(SystemError) {
            outcome = try command.run { line in
                tail.append(line)
                if tail.count > Self.tailLength { tail.removeFirst() }
            }
        } catch { throw StorageError(action, subject, error) }
        switch outcome {
        case .ended(.exited(let status)) where accepting.contains(status): return
        case .ended(let status):
            throw StorageError(
                .toolFailed, action, subject, "\(name) ended with \(status): \(tail.joined(separator: "; "))")
        case .interrupted(let signal):
            throw StorageError(.interrupted, action, subject, "signal \(signal) asked for the end")
        }
    }
}
