// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel

/// Whether this is root, who may make cgroups and change owners.
let isRoot = effectiveUID() == 0

/// A directory for one test, removed with everything in it.
struct Scratch {
    let path: String

    static func with<Value>(_ body: (Scratch) throws -> Value) throws -> Value {
        let path = "/tmp/martinet-integration-\(processID())-\(UInt32.random(in: 0 ... .max))"
        try makeDirectory(path, mode: 0o755)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(Scratch(path: path))
    }

    subscript(_ name: String) -> String { "\(path)/\(name)" }

    /// Makes a file; returns its path.
    @discardableResult
    func write(_ name: String, _ text: String, mode: UInt32 = 0o644) throws -> String {
        let file = try open(self[name], [.writeOnly, .create, .truncate], mode: mode)
        try writeAll(file, text.utf8)
        return self[name]
    }

    @discardableResult
    func directory(_ name: String) throws -> String {
        try makeDirectory(self[name], mode: 0o755)
        return self[name]
    }

    func read(_ name: String) throws -> String? { try readText(self[name]) }

    /// Every name below a directory of it, sorted.
    func names(_ name: String) -> [String] {
        (FileManager.default.enumerator(atPath: self[name])?.compactMap { $0 as? String } ?? []).sorted()
    }

    /// Gives a file or directory to somebody. Root only.
    func give(_ name: String, uid: UInt32, gid: UInt32) throws {
        try changeOwner(open(self[name]), uid: uid, gid: gid)
    }
}
