// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel

/// A child process that waits for a line on its standard input, so that it can be put into a cgroup before it works.
/// Killed and reaped at the end of its scope, if it has not been awaited.
final class TestProcess {
    private let process = Process()
    private let input = Foundation.Pipe()

    var pid: Int32 { process.processIdentifier }

    /// A Perl program that runs after `release`. Perl, because every Debian has it, and its fork reports failures.
    init(perl program: String) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/perl")
        process.arguments = ["-e", "<STDIN>; \(program)"]
        process.standardInput = input
        try process.run()
    }

    deinit { if process.isRunning { _ = terminate() } }

    /// Lets the program run.
    func release() throws { try input.fileHandleForWriting.write(contentsOf: Data("go\n".utf8)) }

    /// Waits for the end.
    func wait() -> ExitStatus {
        process.waitUntilExit()
        let status = process.terminationStatus
        return process.terminationReason == .exit ? .exited(status) : .signaled(status)
    }

    func terminate() -> ExitStatus {
        if let descriptor = try? openProcess(pid) { _ = try? sendSignal(9, to: descriptor) }
        return wait()
    }
}
