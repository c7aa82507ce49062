// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// One run of a program of the host, its two outputs read as lines while it runs.
///
/// A signal that asks this process to end (SIGHUP, SIGINT, SIGTERM) ends the program instead, so that whoever started it can
/// clean up; `run` then reports the interruption. Blocks the calling thread.
struct CommandRun {
    enum Outcome: Sendable, Equatable {
        case ended(ExitStatus)
        case interrupted(signal: Int32)
    }

    /// A longer line is cut here.
    static let lineLimit = 4096

    var path: String
    var arguments: [String]
    var environment: [String]
    /// What the program reads from; `nil` is /dev/null.
    var standardInput: Int32?

    /// Runs the program to its end and until nobody holds its outputs.
    func run(onLine: (String) -> Void) throws(SystemError) -> Outcome {
        let endings = SignalSet([1, 2, 15])
        let before = setSignalMask(endings)
        var during = before
        during.rawValue |= endings.rawValue
        setSignalMask(during)
        defer { setSignalMask(before) }
        let signals = try makeSignalDescriptor(endings)

        let pipe = try Pipe()
        var request = SpawnRequest(
            path: path, arguments: arguments, environment: environment, standardOutput: pipe.writer.rawValue,
            standardError: pipe.writer.rawValue)
        request.standardInput = standardInput
        // A terminal's Ctrl-C reaches this process only, which then decides.
        request.ownProcessGroup = true
        let pid = try spawn(request)
        let output = pipe.intoReader()
        var interruption: Int32?
        do throws(SystemError) {
            let process = try openProcess(pid)
            var lines = LineSplitter(limit: Self.lineLimit)
            while true {
                let ready = try poll([(output.rawValue, .readable), (signals.rawValue, .readable)])
                if ready[1].contains(.readable) {
                    interruption = try readSignal(signals)
                    try sendSignal(9, to: process)
                }
                if ready[0].isEmpty { continue }
                let bytes = try read(output, upTo: 65_536)
                for line in bytes.isEmpty ? lines.finish() : lines.take(bytes) { onLine(line) }
                if bytes.isEmpty { break }
            }
        } catch {
            if let process = try? openProcess(pid) { _ = try? sendSignal(9, to: process) }
            _ = try? reap(pid)
            throw error
        }
        let status = try reap(pid)
        return interruption.map { .interrupted(signal: $0) } ?? .ended(status)
    }
}

/// Cuts a stream of bytes into lines, at most `limit` bytes of each.
struct LineSplitter {
    let limit: Int
    private var current: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    /// The lines that these bytes complete.
    mutating func take(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                lines += finish()
            } else if current.count < limit {
                current.append(byte)
            }
        }
        return lines
    }

    /// The last line, where it has no end.
    mutating func finish() -> [String] {
        defer { current.removeAll(keepingCapacity: true) }
        return current.isEmpty ? [] : [String(decoding: current, as: UTF8.self)]
    }
}
