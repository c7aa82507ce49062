// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import TestHost
import Testing

/// A new directory for the length of a test, open, removed with everything in it.
func withTemporaryDirectory(_ body: (borrowing Descriptor) throws -> Void) throws {
    let path = "/tmp/martinet-kernel-\(processID())-\(UInt64.random(in: 0 ... .max))"
    try makeDirectory(path, mode: 0o700)
    let outcome = Result { try body(try open(path, .directory)) }
    try removeContents(of: try open(path, .directory))
    try remove(path, directory: true)
    try outcome.get()
}

private func removeContents(of directory: borrowing Descriptor) throws {
    for entry in try byteEntries(of: directory) {
        if entry.kind == .directory {
            try removeContents(of: try open(entry.name, .directory, in: directory, resolving: .beneath))
        }
        try remove(entry.name, directory: entry.kind == .directory, in: directory)
    }
}

extension Descriptor {
    /// As what the names of a test are relative to.
    var base: PathBase { .descriptor(rawValue) }

    /// Writes a file in the directory.
    func write(_ text: String, to name: String) throws {
        try writeAll(open(name, [.writeOnly, .create, .truncate], mode: 0o600, at: base), Array(text.utf8))
    }
}

/// The errno that `body` throws; `nil` where it throws none.
func errnoThrown(by body: () throws -> Void) -> Errno? {
    do { try body() } catch { return (error as? SystemError)?.errno }
    return nil
}

/// Whether the last writer of a pipe is gone, or goes in time: a program that another test starts has copies of all
/// descriptors from its fork to its exec.
func isAtEnd(
    _ reader: borrowing Descriptor, within milliseconds: Int32 = 5000 * Int32(Patience.factor)
) throws -> Bool {
    try poll([(reader.rawValue, .readable)], milliseconds: milliseconds)[0].contains(.hungUp)
}

/// Whether something is so, or becomes so in time, for the same reason.
func eventually(_ condition: () throws -> Bool) throws -> Bool {
    let deadline = monotonicNow() + .seconds(5).patient
    while monotonicNow() < deadline {
        if try condition() { return true }
        blockThread(for: .milliseconds(1))
    }
    return false
}
