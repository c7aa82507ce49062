// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// How much a kept overlay may hold. `nil` is no limit.
public struct DiskLimit: Sendable, Equatable {
    public var bytes: UInt64?
    public var inodes: UInt64?

    public init(bytes: UInt64? = nil, inodes: UInt64? = nil) {
        self.bytes = bytes
        self.inodes = inodes
    }

    public var isEmpty: Bool { bytes == nil && inodes == nil }
}

/// What an overlay directory with a limit says about itself, in its file `kind`: lines of a key and a value. A directory
/// without that file has no limit.
struct StoreRecord: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// `upper` and `work` belong to a project of their own, which the file system holds to its quota.
        case quota(project: UInt32)
        /// `upper` and `work` are in a file system of their own, in the file `disk.img`.
        case image
    }

    var kind: Kind
    /// As it was asked for: what is `nil` here has no promise to keep.
    var limit: DiskLimit
    /// While an image is being enlarged: what it could hold besides its files before. A crash in between is taken up again.
    var usableBefore: UInt64?

    static let name = "kind"
    private static let temporaryName = "kind.new"

    var text: String {
        var lines: [(String, String)] = []
        switch kind {
        case .quota(let project): lines = [("kind", "quota"), ("project", "\(project)")]
        case .image: lines = [("kind", "image")]
        }
        if let bytes = limit.bytes { lines.append(("bytes", "\(bytes)")) }
        if let inodes = limit.inodes { lines.append(("inodes", "\(inodes)")) }
        if let usableBefore { lines.append(("usable-before", "\(usableBefore)")) }
        return lines.map { "\($0.0) \($0.1)\n" }.joined()
    }

    init(kind: Kind, limit: DiskLimit) {
        self.kind = kind
        self.limit = limit
    }

    /// Reads it back; `nil` for any text that is not exactly one.
    init?(text: String) {
        var values: [String: String] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, values.updateValue(parts[1], forKey: parts[0]) == nil else { return nil }
        }
        func number(_ key: String) -> UInt64? { values[key].flatMap { UInt64($0) } }
        let limit = DiskLimit(bytes: number("bytes"), inodes: number("inodes"))
        switch values["kind"] {
        case "quota":
            guard let project = number("project"), let id = UInt32(exactly: project) else { return nil }
            self.init(kind: .quota(project: id), limit: limit)
        case "image":
            guard limit.bytes != nil else { return nil }
            self.init(kind: .image, limit: limit)
        default: return nil
        }
        usableBefore = number("usable-before")
        guard self.text == text else { return nil }
    }

    /// The record of an overlay directory; `nil` where it has none.
    static func read(in directory: borrowing Descriptor, _ path: String) throws(StorageError) -> StoreRecord? {
        let number = directory.rawValue
        let text = try reporting("read", "\(path)/\(name)") { () throws(SystemError) -> String? in
            do throws(SystemError) {
                let file = try open(
                    name, [.noFollow, .nonBlocking], at: .descriptor(number),
                    resolving: [.beneath, .noSymlinks, .noMagicLinks])
                return String(decoding: try readAll(file, limit: 4096), as: UTF8.self)
            } catch where error.errno == .noEntry { return nil } catch { throw error }
        }
        guard let text else { return nil }
        guard let record = StoreRecord(text: text) else {
            throw StorageError(
                .malformed, "use as overlay", path, "its file \(name) is not one of this version's",
                hint: "name another directory, or copy what is in its upper directory into one")
        }
        return record
    }

    /// Writes it, all or nothing, also if the machine stops.
    func write(in directory: Int32, _ path: String) throws(StorageError) {
        let base = PathBase.descriptor(directory)
        let bytes = Array(text.utf8)
        try reporting("write", "\(path)/\(Self.name)") { () throws(SystemError) in
            let file = try open(
                Self.temporaryName, [.writeOnly, .create, .truncate, .noFollow], mode: 0o600, at: base,
                resolving: [.beneath, .noSymlinks, .noMagicLinks])
            try writeAll(file, bytes)
            try synchronize(file)
            try rename(Self.temporaryName, to: Self.name, at: base, toBase: base)
        }
    }
}
