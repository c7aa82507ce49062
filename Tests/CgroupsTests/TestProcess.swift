// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel

/// A child process that waits for a line on its standard input, so that it can be put into a cgroup before it works.
/// Killed and reaped at the end of its scope, if it has not been awaited.
final class TestProcess {
    private let process = Process()
    private let input = Foundation.Pipe()
    private let answers = Foundation.Pipe()

    var pid: Int32 { process.processIdentifier }

    /// A Perl program that runs after `release`. Perl, because every Debian has it, and its fork reports failures.
    init(perl program: String) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/perl")
        process.arguments = ["-e", "$| = 1; syswrite(STDOUT, '!'); <STDIN>; \(program)"]
        process.standardInput = input
        process.standardOutput = answers
        try process.run()
        // Its own start is over then, with all that Perl opens for it, /dev/null among others.
        try waitForByte()
    }

    deinit { if process.isRunning { _ = terminate() } }

    /// Lets the program run.
    func release() throws { try input.fileHandleForWriting.write(contentsOf: Data("go\n".utf8)) }

    /// Waits until the program writes a byte.
    func waitForByte() throws { _ = try answers.fileHandleForReading.read(upToCount: 1) }

    /// What the program wrote, up to its end: a few words, or it waits for a reader.
    var output: String {
        let bytes = (try? answers.fileHandleForReading.readToEnd()) ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }

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
