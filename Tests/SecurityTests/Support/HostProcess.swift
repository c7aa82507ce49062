// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel

/// A program on the host, with what it writes kept in memory. Reaped by `wait`.
///
/// Not Foundation's: that leaves descriptors of its run loop behind, which the leak check would have to overlook.
final class HostProcess {
    let pid: Int32
    let output = MemoryFile()
    let errors = MemoryFile()
    private var input: Descriptor?
    private(set) var status: ExitStatus?

    init(_ path: String, _ arguments: [String]) throws {
        let pipe = try LinuxKernel.Pipe()
        var request = SpawnRequest(
            path: path, arguments: [path] + arguments, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"],
            standardOutput: output.descriptor, standardError: errors.descriptor)
        request.standardInput = pipe.reader.rawValue
        pid = try spawn(request)
        input = pipe.intoWriter()
    }

    deinit { if status == nil { end() } }

    /// Ends standard input and waits.
    @discardableResult
    func wait() -> ExitStatus {
        if let status { return status }
        input = nil
        let status = (try? reap(pid)) ?? .exited(-1)
        self.status = status
        return status
    }

    /// Whether it has not ended.
    var isRunning: Bool {
        let state = TemporaryTree.read("/proc/\(pid)/stat").flatMap {
            $0.split(separator: ")").last?.split(separator: " ").first
        }
        return status == nil && state != nil && state != "Z"
    }

    func end() {
        if status == nil { kill(pid, SIGKILL) }
        wait()
    }

    /// Runs a program to its end.
    static func run(_ path: String, _ arguments: [String]) throws -> (
        status: ExitStatus, output: String, errors: String
    ) {
        let process = try HostProcess(path, arguments)
        let status = process.wait()
        return (status, process.output.text, process.errors.text)
    }
}

/// A file in memory without a name, for a program to write to; it can be read meanwhile.
final class MemoryFile {
    let descriptor: Int32

    init() {
        descriptor = memfd_create("output", UInt32(MFD_CLOEXEC))
        precondition(descriptor >= 0, "memfd_create")
    }

    deinit { close(descriptor) }

    var text: String {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
