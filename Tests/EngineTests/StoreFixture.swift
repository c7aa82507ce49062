// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage
import Testing

@testable import Engine

/// A store in a directory of its own, which is removed at the end.
func withStore(_ body: (SandboxStore) throws -> Void) throws {
    let path = try makeStorePath()
    let outcome = Result { try body(SandboxStore(path: path)) }
    try TreeRemoval.remove(path)
    try outcome.get()
}

/// A path that nobody else has, where nothing is.
func makeStorePath() throws -> String { "/tmp/martinet-store-\(processID())-\(try randomNumber())" }

/// The names in a directory, in order.
func names(in path: String) throws -> [String] {
    try entries(of: open(path, .directory)).map(\.name).sorted()
}

func plainSpec(_ name: String? = nil) throws -> SandboxSpec {
    var spec = SandboxSpec()
    spec.name = try name.map { try SandboxName($0) }
    spec.command = ["sleep", "60"]
    return spec
}

/// What init writes at the agent's end.
func verdictBytes(status: UInt32 = 0x0300, reason: UInt32 = 0, ended: Int64? = nil) -> [UInt8] {
    var payload = WireWriter()
    payload.uint32(status)
    payload.uint32(reason)
    for value in [1500, 20, 4, 7, 0] as [UInt64] { payload.uint64(value) }
    payload.uint32(0)
    payload.uint64(0)
    payload.uint64(0)
    payload.uint32(0)
    var writer = WireWriter()
    writer.uint32(RecordLayout.magic)
    writer.uint16(RecordLayout.version)
    writer.uint16(RecordKind.exited.rawValue)
    writer.uint32(UInt32(payload.bytes.count + RecordLayout.headerSize))
    writer.raw(payload.bytes)
    if let ended { writer.uint64(UInt64(bitPattern: ended)) }
    return writer.bytes
}

extension StoredSandbox {
    /// Writes down that it runs, with an init that has ended, and what that wrote.
    func pretendToHaveRun(verdict: [UInt8]?, change: (inout SandboxStatus) -> Void = { _ in }) throws {
        let lock = try lock()
        try lock.update { status in
            status.phase = .running
            status.started = status.created
            // No process was ever started at the machine's start but its first.
            status.initProcess = ProcessIdentity(pid: processID(), startTime: 0)
            change(&status)
        }
        if let verdict { try writeAll(lock.makeFile("verdict"), verdict) }
    }

    /// Writes down that it runs, with this process as its init.
    func pretendToRun() throws {
        let own = try #require(try ProcessIdentity(of: processID()))
        try update { status in
            status.phase = .running
            status.started = .now()
            status.initProcess = own
        }
    }
}
