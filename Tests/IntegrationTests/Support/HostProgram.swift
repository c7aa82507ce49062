// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import TestHost
import Testing

/// The command line under test, built beside this test bundle.
enum Martinet {
    static let path: String = {
        let tests = (try? readSymlink("/proc/self/exe")) ?? ""
        return tests.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/martinet"
    }()

    /// Runs `martinet run OPTIONS -- COMMAND` to its end.
    static func run(
        _ options: [String], _ command: [String], input: HostProgram.Input = .nothing,
        environment: [String] = HostProgram.plainEnvironment, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> HostProgram.Outcome {
        try start(options, command, input: input, environment: environment).wait(sourceLocation: sourceLocation)
    }

    /// Runs a shell script in a sandbox to its end.
    static func shell(
        _ options: [String], _ script: String, input: HostProgram.Input = .nothing,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> HostProgram.Outcome {
        try run(options, ["/bin/sh", "-c", script], input: input, sourceLocation: sourceLocation)
    }

    static func start(
        _ options: [String], _ command: [String], input: HostProgram.Input = .nothing,
        environment: [String] = HostProgram.plainEnvironment
    ) throws -> HostProgram {
        try HostProgram([path, "run"] + options + ["--"] + command, input: input, environment: environment)
    }

    /// Runs a shell script on the host, in which `"$M"` is the command line under test.
    static func hostShell(
        _ script: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> HostProgram.Outcome {
        try HostProgram(["/bin/sh", "-c", script], environment: HostProgram.plainEnvironment + ["M=\(path)"])
            .wait(sourceLocation: sourceLocation)
    }
}

/// A program on the host with pipes for its standard streams. `wait` reaps it.
final class HostProgram {
    enum Input {
        /// The end of file at once.
        case nothing
        case bytes([UInt8])
        /// A pipe that stays open until the end, or `end`.
        case open
    }

    struct Outcome {
        var status: Int32
        var bytes: [UInt8]
        var errors: String
        var output: String { String(decoding: bytes, as: UTF8.self) }
        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    static let plainEnvironment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/tmp", "LANG=C"]

    let pid: Int32
    private var input: Descriptor?
    private var toWrite: [UInt8] = []
    private var keepsInput = false
    private let outputReader: Descriptor
    private let errorReader: Descriptor
    private var streamsOpen = [true, true]
    private(set) var output: [UInt8] = []
    private(set) var errors: [UInt8] = []
    private var isReaped = false

    init(_ arguments: [String], input: Input = .nothing, environment: [String] = plainEnvironment) throws {
        let stdin = try LinuxKernel.Pipe()
        let stdout = try LinuxKernel.Pipe()
        let stderr = try LinuxKernel.Pipe()
        var request = SpawnRequest(
            path: arguments[0], arguments: arguments, environment: environment,
            standardOutput: stdout.writer.rawValue, standardError: stderr.writer.rawValue)
        request.standardInput = stdin.reader.rawValue
        request.ownProcessGroup = true
        pid = try spawn(request)
        outputReader = stdout.intoReader()
        errorReader = stderr.intoReader()
        switch input {
        case .nothing: break
        case .bytes(let bytes): toWrite = bytes
        case .open: keepsInput = true
        }
        let writer = stdin.intoWriter()
        try setNonBlocking(writer.rawValue)
        if keepsInput || !toWrite.isEmpty { self.input = consume writer }
    }

    deinit {
        guard !isReaped else { return }
        kill(pid, SIGKILL)
        _ = try? reap(pid)
    }

    var text: String { String(decoding: output, as: UTF8.self) }

    func send(_ signal: Int32) { kill(pid, signal) }

    /// Reads until the output contains a text; false when it has not within ten patient seconds.
    @discardableResult
    func awaitOutput(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> Bool {
        let deadline = monotonicNow() + .seconds(10).patient
        while !self.text.contains(text), turn(before: deadline) {}
        if self.text.contains(text) { return true }
        Issue.record(
            "\(text) never came, but: \(self.text)\(String(decoding: errors, as: UTF8.self))",
            sourceLocation: sourceLocation)
        return false
    }

    /// As `awaitOutput`, of standard error.
    @discardableResult
    func awaitErrors(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) -> Bool {
        let deadline = monotonicNow() + .seconds(10).patient
        func hasCome() -> Bool { String(decoding: errors, as: UTF8.self).contains(text) }
        while !hasCome(), turn(before: deadline) {}
        if hasCome() { return true }
        Issue.record("\(text) never came to standard error", sourceLocation: sourceLocation)
        return false
    }

    /// Writes to standard input, which must be open and have room.
    func type(_ text: String) {
        if let raw = inputNumber { _ = try? writeAll(raw: raw, Array(text.utf8)) }
    }

    /// Moves bytes until the program ends and reaps it. Killed, with an issue, if it has not within thirty patient seconds.
    func wait(sourceLocation: SourceLocation = #_sourceLocation) -> Outcome {
        let deadline = monotonicNow() + .seconds(30).patient
        while streamsOpen.contains(true), turn(before: deadline) {}
        if streamsOpen.contains(true) {
            Issue.record("it does not end: \(text)", sourceLocation: sourceLocation)
            kill(pid, SIGKILL)
        }
        input = nil
        let status = (try? reap(pid)) ?? .exited(-1)
        isReaped = true
        return Outcome(status: status.shellCode, bytes: output, errors: String(decoding: errors, as: UTF8.self))
    }

    /// Waits for one thing and does it; false after the deadline or at the end of both streams.
    private func turn(before deadline: Duration) -> Bool {
        let left = (deadline - monotonicNow()).components
        let milliseconds = Int32(left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000)
        guard milliseconds > 0 else { return false }
        var interests: [(descriptor: Int32, events: PollEvents)] = []
        if streamsOpen[0] { interests.append((outputReader.rawValue, .readable)) }
        if streamsOpen[1] { interests.append((errorReader.rawValue, .readable)) }
        guard !interests.isEmpty else { return false }
        if !toWrite.isEmpty, let raw = inputNumber { interests.append((raw, .writable)) }
        guard let ready = try? poll(interests, milliseconds: milliseconds) else { return false }
        for (interest, events) in zip(interests, ready) where !events.isEmpty { move(interest.descriptor) }
        return true
    }

    private var inputNumber: Int32? {
        switch input {
        case .some(let descriptor): descriptor.rawValue
        case .none: nil
        }
    }

    private func move(_ descriptor: Int32) {
        if descriptor == inputNumber {
            if let count = try? writeSome(raw: descriptor, Array(toWrite.prefix(1 << 16))) {
                toWrite.removeFirst(count)
            } else {
                toWrite = []
            }
            if toWrite.isEmpty, !keepsInput { input = nil }
            return
        }
        let bytes = (try? read(raw: descriptor, upTo: 1 << 16)) ?? []
        let isOutput = descriptor == outputReader.rawValue
        if bytes.isEmpty { streamsOpen[isOutput ? 0 : 1] = false }
        if isOutput { output += bytes } else { errors += bytes }
    }
}
