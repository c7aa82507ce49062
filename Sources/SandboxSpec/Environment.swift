// SPDX-License-Identifier: Apache-2.0

/// One variable of the agent's environment.
public struct EnvironmentVariable: Sendable, Hashable, CustomStringConvertible {
    public let name: String
    public let value: String

    public init(name: String, value: String) throws(SpecError) {
        self.name = try environmentName(name)
        guard !value.utf8.contains(0) else { throw SpecError("the value of \(name) holds a NUL byte, which none may") }
        self.value = value
    }

    /// Reads `NAME=VALUE`, or `NAME` for the caller's own value of it.
    public init(_ text: String, callerEnvironment: [String: String]) throws(SpecError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            try self.init(name: String(parts[0]), value: String(parts[1]))
            return
        }
        let name = try environmentName(text)
        guard let value = callerEnvironment[name] else {
            throw SpecError("\(name) is not set in the caller's environment; write \(name)=VALUE")
        }
        try self.init(name: name, value: value)
    }

    public var description: String { "\(name)=\(value)" }
}

/// A variable's name: letters, digits and `_`, not beginning with a digit.
func environmentName(_ text: String) throws(SpecError) -> String {
    guard let first = text.utf8.first, !isDigit(first), text.utf8.count <= 255,
        text.consists(of: { isLetter($0) || isDigit($0) || $0 == 0x5f })
    else { throw SpecError("\(text.quoted) is not a variable's name; write letters, digits and '_', as NAME=VALUE") }
    return text
}

/// Where a secret comes from and how the agent gets it. The value itself is never part of a spec.
public struct SecretReference: Sendable, Hashable, CustomStringConvertible {
    public enum Source: Sendable, Hashable {
        /// A file on the host; one newline at its end is not part of the secret.
        case file(String)
        /// A variable of the caller's environment.
        case environment(String)
    }
    public enum Delivery: Sendable, Hashable {
        /// As an environment variable of the secret's name.
        case environment
        /// As /run/secrets/NAME, readable by the agent alone.
        case file
    }
    public let name: String
    public internal(set) var source: Source
    public let delivery: Delivery

    public init(name: String, source: Source, delivery: Delivery) throws(SpecError) {
        self.name = try environmentName(name)
        self.source = source
        self.delivery = delivery
    }

    /// Reads `NAME=@FILE`, or `NAME` for the caller's variable of that name.
    public init(_ text: String, delivery: Delivery) throws(SpecError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 1 {
            let name = try environmentName(text)
            try self.init(name: name, source: .environment(name), delivery: delivery)
            return
        }
        try self.init(name: String(parts[0]), value: String(parts[1]), delivery: delivery)
    }

    /// Reads the part after the name: `@FILE`.
    public init(name: String, value: String, delivery: Delivery) throws(SpecError) {
        guard value.hasPrefix("@"), value.utf8.count > 1 else {
            // The value is not repeated: it may be the secret.
            let name = escapingControls(String(name.prefix(64)))
            throw SpecError("a secret's value does not belong here, where others can read it; write \(name)=@FILE")
        }
        try self.init(name: name, source: .file(try hostPath(String(value.dropFirst()))), delivery: delivery)
    }

    public var description: String {
        switch source {
        case .file(let path): "\(name)=@\(path)"
        case .environment(let variable): variable
        }
    }
}
