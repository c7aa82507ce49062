// SPDX-License-Identifier: Apache-2.0

/// What the root file system is made of.
public enum RootfsReference: Sendable, Hashable, CustomStringConvertible {
    /// This machine's programs and libraries, read-only, and nothing else of it.
    case host
    /// A directory that holds a root file system.
    case directory(String)

    /// Reads `host` or a path; a directory named host is written `./host`.
    public init(_ text: String) throws(SpecError) {
        if text == "host" {
            self = .host
        } else {
            self = .directory(try hostPath(text))
        }
    }

    public var description: String {
        switch self {
        case .host: "host"
        case .directory(let path): path
        }
    }
}

/// A path on the host as a user wrote it: relative ones are the caller's.
public func hostPath(_ text: String) throws(SpecError) -> String {
    guard !text.isEmpty else { throw SpecError("an empty path names nothing; write a path") }
    guard !text.utf8.contains(0) else { throw SpecError("\(text.quoted) holds a NUL byte, which no path may") }
    guard text.utf8.count < 4096 else { throw SpecError("a path of \(text.utf8.count) bytes is longer than 4095") }
    return text
}

/// A file or directory of the host's, shown in the sandbox.
public struct BindMount: Sendable, Hashable, CustomStringConvertible {
    public let source: String
    public let target: SandboxPath
    public let readOnly: Bool

    public init(source: String, target: SandboxPath, readOnly: Bool) {
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }

    /// Reads `SRC:DST`, `SRC:DST:ro` or `SRC:DST:rw`.
    public init(_ text: String) throws(SpecError) {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var readOnly = false
        if let last = parts.last, parts.count > 2, last == "ro" || last == "rw" {
            readOnly = last == "ro"
            parts.removeLast()
        }
        guard parts.count == 2 else {
            throw SpecError("\(text.quoted) is not a bind; write SRC:DST, SRC:DST:ro or SRC:DST:rw")
        }
        source = try hostPath(String(parts[0]))
        target = try SandboxPath(String(parts[1]))
        self.readOnly = readOnly
    }

    public var description: String { "\(source):\(target)\(readOnly ? ":ro" : "")" }
}

/// An empty in-memory file system.
public struct TmpfsMount: Sendable, Hashable, CustomStringConvertible {
    public let target: SandboxPath
    public let size: ByteCount?

    public init(target: SandboxPath, size: ByteCount?) {
        self.target = target
        self.size = size
    }

    /// Reads `DST` or `DST:SIZE`.
    public init(_ text: String) throws(SpecError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { throw SpecError("\(text.quoted) is not a tmpfs; write DST or DST:SIZE") }
        target = try SandboxPath(String(parts[0]))
        size = parts.count == 2 ? try ByteCount(String(parts[1])) : nil
        if let size, size.bytes < 4096 {
            throw SpecError("\(text.quoted): a tmpfs holds at least 4KiB; write \(parts[0]):4KiB")
        }
    }

    public var description: String { "\(target)\(size.map { ":\($0)" } ?? "")" }
}
