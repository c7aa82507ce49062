// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

/// What `--filter KEY=VALUE` picks: of one key any of the values, of several keys all of them.
public struct StoreFilter: Sendable {
    /// What can be asked for.
    public enum Key: String, Sendable, CaseIterable {
        /// `label=KEY` or `label=KEY=VALUE`
        case label
        case state
        /// A sandbox's name, its id, or the beginning of that.
        case name
        case event
    }

    private var wanted: [Key: [String]] = [:]

    /// Reads the texts of a command line.
    ///
    /// - Parameter keys: those that mean something to this command.
    public init(_ texts: [String], keys: [Key]) throws(SpecError) {
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let names = keys.map(\.rawValue)
            guard let key = keys.first(where: { $0.rawValue == parts[0] }), parts.count == 2, !parts[1].isEmpty else {
                let known = names.contains(parts[0])
                throw SpecError(
                    "filter: \(text.quoted) is not KEY=VALUE with a KEY of \(names.joined(separator: ", "))"
                        + (known ? "" : suggestion(for: parts[0], among: names)))
            }
            let value = parts[1]
            let choices =
                key == .state
                ? SandboxState.allCases.map(\.rawValue)
                : key == .event ? SandboxEvent.Kind.allCases.map(\.rawValue) : [value]
            guard choices.contains(value) else {
                throw SpecError(
                    "filter: \(value.quoted) is none of \(choices.joined(separator: ", "))"
                        + suggestion(for: value, among: choices))
            }
            wanted[key, default: []].append(value)
        }
    }

    public func picks(_ entry: SandboxEntry) -> Bool {
        wanted.allSatisfy { key, values in
            values.contains { value in
                switch key {
                case .label: Self.has(entry.status?.labels ?? [:], value)
                case .state: entry.state.rawValue == value
                case .name: Self.isNamed(value, entry.displayName, entry.sandbox.id)
                case .event: false
                }
            }
        }
    }

    public func picks(_ event: SandboxEvent) -> Bool {
        wanted.allSatisfy { key, values in
            values.contains { value in
                switch key {
                case .label: Self.has(event.labels, value)
                case .name: Self.isNamed(value, event.name, event.id)
                case .event: event.kind.rawValue == value
                case .state: false
                }
            }
        }
    }

    private static func has(_ labels: [String: String], _ text: String) -> Bool {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let value = labels[parts[0]] else { return false }
        return parts.count == 1 || value == parts[1]
    }

    private static func isNamed(_ text: String, _ name: String, _ id: SandboxID) -> Bool {
        text == name || SandboxID.isPrefix(text) && id.text.hasPrefix(text)
    }
}
