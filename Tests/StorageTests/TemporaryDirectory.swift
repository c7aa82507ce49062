// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

/// A new directory under /tmp for the length of a test, mode 0700, removed with everything in it.
func withTemporaryDirectory(_ body: (String) throws -> Void) throws {
    let path = "/tmp/martinet-storage-\(processID())-\(UInt64.random(in: 0 ... .max))"
    try makeDirectory(path, mode: 0o700)
    let outcome = Result { try body(path) }
    try TreeRemoval.remove(path)
    #expect(try status(of: path) == nil)
    try outcome.get()
}

/// Writes a file, and the directories above it.
func write(_ text: String, to path: String, mode: UInt32 = 0o644) throws {
    try makeDirectories(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    let file = try open(path, [.writeOnly, .create, .truncate], mode: mode)
    try writeAll(file, Array(text.utf8))
}

/// Makes a directory and those above it.
func makeDirectories(_ path: String) throws {
    var soFar = ""
    for part in path.split(separator: "/") {
        soFar += "/" + part
        if try status(of: soFar, followingSymlinks: true) == nil { try makeDirectory(soFar) }
    }
}

/// A fifo, which blocks whoever opens it without care. mkfifo(1), since no function of LinuxKernel makes one
func makeFifo(_ path: String) throws {
    let pipe = try Pipe()
    let pid = try spawn(
        SpawnRequest(
            path: "/usr/bin/mkfifo", arguments: ["mkfifo", path], environment: [],
            standardOutput: pipe.writer.rawValue, standardError: pipe.writer.rawValue))
    #expect(try reap(pid) == .exited(0))
}

/// The code of the `StorageError` that `body` throws; `nil` where it throws none.
func storageCode(_ body: () throws -> Void) -> StorageError.Code? {
    do { try body() } catch { return (error as? StorageError)?.code }
    return nil
}
