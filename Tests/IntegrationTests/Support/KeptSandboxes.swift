// SPDX-License-Identifier: Apache-2.0
import Engine
import LinuxKernel
import SandboxSpec
import SetupProgram
import Testing

/// A store of a test's own, and the command line on it.
struct KeptSandboxes {
    let store: SandboxStore

    static func with(_ body: (KeptSandboxes) throws -> Void) throws {
        try Scratch.with { scratch in
            try body(KeptSandboxes(store: SandboxStore(path: scratch["state"])))
        }
    }

    var environment: [String] { HostProgram.plainEnvironment + ["MARTINET_STATE_DIR=\(store.path)"] }

    func martinet(_ arguments: [String], input: HostProgram.Input = .nothing) throws -> HostProgram.Outcome {
        try start(arguments, input: input).wait()
    }

    func start(_ arguments: [String], input: HostProgram.Input = .nothing) throws -> HostProgram {
        try HostProgram([Martinet.path] + arguments, input: input, environment: environment)
    }

    @discardableResult
    func create(
        _ name: String? = nil, command: [String] = ["sleep", "60"], labels: [String: String] = [:]
    ) throws -> StoredSandbox {
        var spec = SandboxSpec()
        spec.name = try name.map { try SandboxName($0) }
        spec.command = command
        return try store.create(spec) { $0.labels = labels }
    }

    /// Writes down that a process is its init.
    func run(_ sandbox: StoredSandbox, as pid: Int32) throws {
        let process = try ProcessIdentity(of: pid)
        let status = try sandbox.update { status in
            status.phase = .running
            status.started = .now()
            status.initProcess = process
        }
        try store.announce(SandboxEvent(.started, status))
    }

    /// Writes what an init writes as its last: an exit with this code, and when.
    func writeVerdict(_ sandbox: StoredSandbox, code: UInt32) throws {
        var bytes: [UInt8] = []
        func append(_ value: UInt64, _ count: Int) {
            for index in 0..<count { bytes.append(UInt8(value >> (8 * index) & 0xff)) }
        }
        append(UInt64(RecordLayout.magic), 4)
        append(UInt64(RecordLayout.version), 2)
        append(UInt64(RecordKind.exited.rawValue), 2)
        append(84, 4)
        append(UInt64(code) << 8, 4)
        // Reason; five counts; the disk, not measured.
        for count in [4, 8, 8, 8, 8, 8, 4, 8, 8, 4] { append(0, count) }
        let lock = try sandbox.lock()
        try writeAll(lock.makeFile("verdict"), bytes)
    }

    /// Writes a log: texts with their streams, a second after each other from 2026-01-01 on.
    func writeLog(_ sandbox: StoredSandbox, _ records: [(LogStream, String)]) throws {
        var bytes: [UInt8] = []
        func append(_ value: UInt64, _ count: Int) {
            for index in 0..<count { bytes.append(UInt8(value >> (8 * index) & 0xff)) }
        }
        append(UInt64(LogLayout.magic), 4)
        append(UInt64(LogLayout.version), 4)
        append(1, 8)
        for (index, record) in records.enumerated() {
            append(UInt64(record.1.utf8.count), 4)
            append(UInt64(record.0.rawValue), 4)
            append(1_767_225_600_000_000_000 + UInt64(index) * 1_000_000_000, 8)
            append(0, 8)
            bytes += Array(record.1.utf8)
        }
        let lock = try sandbox.lock()
        try writeAll(lock.makeFile("log.0"), bytes)
        _ = try lock.makeFile("log.1")
    }
}
