// SPDX-License-Identifier: Apache-2.0

/// A value from a short list, with a message that names the list.
public protocol Choice: RawRepresentable, CaseIterable, Sendable, Hashable where RawValue == String {}

extension Choice {
    public init(named text: String) throws(SpecError) {
        guard let value = Self(rawValue: text) else {
            let names = Self.allCases.map(\.rawValue)
            throw SpecError(
                "\(text.quoted) is none of \(names.joined(separator: ", "))\(suggestion(for: text, among: names))")
        }
        self = value
    }
}

/// Where the agent's standard input comes from.
public enum StandardInput: String, Choice {
    /// The caller's.
    case inherit
    /// Nothing: end of file at once.
    case none
}

/// Which system-call filter the agent runs under.
public enum SeccompProfileReference: Sendable, Hashable {
    case `default`
    /// Pure computation: no sockets, no new processes.
    case strict
    case unconfined
    /// A profile of Docker's and OCI's, as JSON, on the host.
    case file(String)

    /// Reads a profile's name, or a path: what holds a slash or ends in `.json`.
    public init(_ text: String) throws(SpecError) {
        switch text {
        case "default": self = .default
        case "strict": self = .strict
        case "unconfined": self = .unconfined
        case _ where text.contains("/") || text.hasSuffix(".json"): self = .file(try hostPath(text))
        default:
            let near = suggestion(for: text, among: ["default", "strict", "unconfined"])
            throw SpecError(
                "\(text.quoted) is no system-call filter; write default, strict, unconfined or a file, as ./profile.json\(near)"
            )
        }
    }

    public var text: String {
        switch self {
        case .default: "default"
        case .strict: "strict"
        case .unconfined: "unconfined"
        case .file(let path): path
        }
    }
}

/// Whether Landlock is laid around the agent as a second wall. landlock(7), Linux 5.13
public enum LandlockMode: Sendable, Hashable {
    /// As much as this kernel has; the verdict says how much.
    case auto
    case off
    /// At least this version of its interface, or no start.
    case atLeast(UInt32)

    public init(_ text: String) throws(SpecError) {
        switch text {
        case "auto": self = .auto
        case "off": self = .off
        default:
            guard let version = plainNumber(Substring(text)), (1...1000).contains(version) else {
                throw SpecError("\(text.quoted) is not a level of Landlock; write auto, off, or the lowest ABI, as 4")
            }
            self = .atLeast(UInt32(version))
        }
    }

    public var text: String {
        switch self {
        case .auto: "auto"
        case .off: "off"
        case .atLeast(let version): "\(version)"
        }
    }
}

/// What keeps an agent apart from its host.
public enum Isolation: String, Choice {
    /// All of it: namespaces, a root of its own, Landlock, seccomp, cgroups.
    case namespaces
    /// What is left where unprivileged user namespaces are forbidden: Landlock, seccomp, resource limits and cgroups, over
    /// the host's own files and processes.
    case landlock
}

/// Which network the agent has.
public enum NetworkMode: String, Choice {
    /// Loopback of its own, nothing else.
    case none
    /// The host's: addresses, ports and abstract sockets are shared with it.
    case host
}

/// Things that may be missing without an error.
public enum Waiver: String, Choice {
    /// Limits that this machine, or this user on it, cannot enforce.
    case limits
}

/// A namespace to join instead of making a new one.
public struct NamespaceJoin: Sendable, Hashable, CustomStringConvertible {
    public enum Kind: String, Choice {
        case network = "net"
        case ipc
        case uts
        case cgroup
        case user
    }
    public let type: Kind
    public internal(set) var path: String

    public init(type: Kind, path: String) {
        self.type = type
        self.path = path
    }

    /// Reads `TYPE=PATH`.
    public init(_ text: String) throws(SpecError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw SpecError("\(text.quoted) is not a namespace; write net=/proc/PID/ns/net") }
        try self.init(type: String(parts[0]), path: String(parts[1]))
    }

    public init(type: String, path: String) throws(SpecError) {
        switch type {
        case "mnt", "mount": throw SpecError("the mount namespace is always the sandbox's own: its root is built in it")
        case "pid": throw SpecError("the PID namespace is always the sandbox's own: init is its PID 1")
        case "time": throw SpecError("a time namespace takes no process of another user namespace; use time-offset")
        default:
            self.type = try Kind(named: type)
            self.path = try hostPath(path)
        }
    }

    public var description: String { "\(type.rawValue)=\(path)" }
}

/// Offsets of a sandbox's clocks against the host's. time_namespaces(7), Linux 5.6
public struct TimeOffsets: Sendable, Hashable {
    public var monotonic: Duration?
    public var boottime: Duration?
    public init(monotonic: Duration? = nil, boottime: Duration? = nil) {
        self.monotonic = monotonic
        self.boottime = boottime
    }
    public var isEmpty: Bool { monotonic == nil && boottime == nil }
}

/// A name that is not known, and the known one that is nearest to it, for the end of a message.
public func suggestion(for text: String, among names: [String]) -> String {
    guard let nearest = names.min(by: { editDistance(text, $0) < editDistance(text, $1) }),
        editDistance(text, nearest) <= max(1, nearest.utf8.count / 3)
    else { return "" }
    return "; did you mean \(nearest.quoted)?"
}

/// How many letters must be added, removed, replaced or swapped to make one word of the other.
func editDistance(_ a: String, _ b: String) -> Int {
    let a = Array(a.lowercased().utf8.prefix(64)), b = Array(b.lowercased().utf8.prefix(64))
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
            row.append(cost)
        }
        rows.append(row)
    }
    return rows[a.count][b.count]
}
