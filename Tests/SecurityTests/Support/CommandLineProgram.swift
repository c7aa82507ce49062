// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

/// Who starts a sandbox on the host.
enum Caller: CaseIterable, CustomTestStringConvertible {
    /// Root, whose agent gets an id of its own.
    case root
    /// An ordinary user, who is the agent.
    case user

    var testDescription: String { self == .root ? "started by root" : "started by an ordinary user" }

    /// Those that this process can be.
    static var possible: [Caller] { isRoot ? allCases : [.user] }

    /// The ordinary user: nobody, or whoever runs the tests.
    static var userID: UInt32 { isRoot ? 65534 : geteuid() }

    /// What to put before a command so that it runs as this caller.
    var prefix: [String] {
        guard self == .user, isRoot else { return [] }
        return ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"]
    }
}

/// The command line under test, started as one or the other.
enum CommandLineProgram {
    /// Beside this test bundle.
    static let path: String = {
        let tests = (try? readSymlink("/proc/self/exe")) ?? ""
        return tests.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/martinet"
    }()

    static func start(as caller: Caller, _ arguments: [String]) throws -> HostProcess {
        let all = caller.prefix + [path] + arguments
        return try HostProcess(all[0], Array(all.dropFirst()))
    }

    static func run(
        as caller: Caller, _ arguments: [String]
    ) throws -> (status: LinuxKernel.ExitStatus, report: AttemptReport, errors: String) {
        let process = try start(as: caller, arguments)
        let status = process.wait()
        let text = process.output.text
        return (status, AttemptReport(text, context: "\(status)\n\(process.errors.text)\(text)"), process.errors.text)
    }
}
