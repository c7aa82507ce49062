// SPDX-License-Identifier: Apache-2.0

/// Something a sandbox can be asked for: its flag, its key in YAML and JSON, its help and its place in `SandboxSpec`.
///
/// `SpecField.all` is the one list from which the flags, both formats, the JSON Schema and the help are made.
public struct SpecField: Sendable {
    /// How a field's texts reach the spec and come back from it.
    public enum Access: Sendable {
        /// A switch; the flag, which has no value, means `flagMeans`. `get` answers `nil` for the default.
        case boolean(
            flagMeans: Bool, set: @Sendable (inout SandboxSpec, Bool) -> Void, get: @Sendable (SandboxSpec) -> Bool?)
        /// One text; a later one replaces an earlier one.
        case text(
            set: @Sendable (inout SandboxSpec, String) throws(SpecError) -> Void,
            get: @Sendable (SandboxSpec) -> String?)
        /// A repeated flag, a list in a document.
        case list(
            add: @Sendable (inout SandboxSpec, String) throws(SpecError) -> Void,
            get: @Sendable (SandboxSpec) -> [String])
        /// A repeated flag `NAME=VALUE`, a map in a document. The value is `nil` for `NAME` alone and for null. The
        /// caller's environment is there for flags only: a document means the same whoever reads it.
        case map(
            keys: [String], takesNull: Bool,
            add: @Sendable (inout SandboxSpec, String, String?, [String: String]?) throws(SpecError) -> Void,
            get: @Sendable (SandboxSpec) -> [(String, String?)])
    }

    /// Where the value comes from.
    public enum Input: Sendable {
        /// A flag's value, not looked at for switches.
        case flag(String, callerEnvironment: [String: String])
        case node(SpecNode)
    }

    /// The map in a document that the key is in: `limits`, or `nil` for the document itself.
    public let section: String?
    /// The key in YAML and JSON.
    public let key: String
    /// The long flag, without dashes; the key except for switches that a flag turns off.
    public let flag: String
    /// The one-letter flag.
    public let short: Character?
    /// Other long flags that mean the same, as other tools call it.
    public let aliases: [String]
    /// What stands for the value in help texts; empty for switches.
    public let metavar: String
    /// One line that says what the field is for.
    public let help: String
    public let form: SpecForm
    public let access: Access

    init(
        _ key: String, in section: String? = nil, flag: String? = nil, short: Character? = nil, aliases: [String] = [],
        metavar: String = "", _ help: String, _ form: SpecForm, _ access: Access
    ) {
        self.section = section
        self.key = key
        self.flag = flag ?? key
        self.short = short
        self.aliases = aliases
        self.metavar = metavar
        self.help = help
        self.form = form
        self.access = access
    }

    /// The field's path, as errors name it: `limits.memory`.
    public var path: String { section.map { "\($0).\(key)" } ?? key }

    /// Whether the flag stands alone, without a value.
    public var isSwitch: Bool {
        if case .boolean = access { true } else { false }
    }

    /// Whether the flag may be given several times.
    public var isRepeatable: Bool {
        switch access {
        case .boolean, .text: false
        case .list, .map: true
        }
    }

    /// Every field, in the order of help texts.
    public static let all: [SpecField] = identity + files + confinement + limits

    /// The field of a long flag.
    public static func named(_ flag: some StringProtocol) -> SpecField? {
        all.first { $0.flag == flag || $0.aliases.contains { $0 == flag } }
    }

    /// The field of a one-letter flag.
    public static func named(_ short: Character) -> SpecField? { all.first { $0.short == short } }
}

extension SpecField {
    /// Puts a value into a spec: replaces a single one, adds to a list or map.
    ///
    /// - Throws: an error with the field's path and, from a document, the element in it.
    public func apply(_ input: Input, to spec: inout SandboxSpec) throws(SpecError) {
        do throws(SpecError) {
            switch input {
            case .flag(let text, let environment): try apply(flag: text, environment, to: &spec)
            case .node(let node): try apply(node: node, to: &spec)
            }
        } catch {
            throw error.within(path)
        }
    }

    private func apply(
        flag text: String, _ environment: [String: String], to spec: inout SandboxSpec
    ) throws(SpecError) {
        switch access {
        case .boolean(let meaning, let set, _): set(&spec, meaning)
        case .text(let set, _): try set(&spec, text)
        case .list(let add, _): try add(&spec, text)
        case .map(let keys, _, let add, _):
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            try within(name, of: keys) { () throws(SpecError) in
                try add(&spec, name, parts.count == 2 ? String(parts[1]) : nil, environment)
            }
        }
    }

    private func apply(node: SpecNode, to spec: inout SandboxSpec) throws(SpecError) {
        switch access {
        case .boolean(_, let set, _): try locating(node) { () throws(SpecError) in set(&spec, try node.boolean()) }
        case .text(let set, _):
            try locating(node) { () throws(SpecError) in try set(&spec, try node.text(numbers: form.numbers)) }
        case .list(let add, _):
            let nodes = try locating(node) { () throws(SpecError) in try node.list() }
            for (index, element) in nodes.enumerated() {
                do throws(SpecError) {
                    try locating(element) { () throws(SpecError) in
                        try add(&spec, try element.text(numbers: form.numbers))
                    }
                } catch { throw error.within("[\(index)]") }
            }
        case .map(let keys, let takesNull, let add, _):
            let entries = try locating(node) { () throws(SpecError) in try node.map() }
            for entry in entries {
                try within(entry.key, of: keys) { () throws(SpecError) in
                    try locating(entry.value) { () throws(SpecError) in
                        if takesNull, case .null = entry.value.value { return try add(&spec, entry.key, nil, nil) }
                        try add(&spec, entry.key, try entry.value.text(numbers: form.numbers), nil)
                    }
                }
            }
        }
    }

    /// Adds the name within a map to an error's path, where it can be one.
    private func within(
        _ name: String, of keys: [String], _ body: () throws(SpecError) -> Void
    ) throws(SpecError) {
        do throws(SpecError) { try body() } catch {
            let isPlain = keys.isEmpty ? (try? environmentName(name)) != nil : keys.contains(name)
            throw isPlain ? error.within(name) : error
        }
    }
}

extension SpecField {
    /// The field's value for a document; `nil` where the spec holds the default.
    public func encode(_ spec: SandboxSpec) -> SpecNode? {
        switch access {
        case .boolean(_, _, let get): return get(spec).map { SpecNode(.boolean($0)) }
        case .text(_, let get): return get(spec).map(encode)
        case .list(_, let get):
            let texts = get(spec)
            return texts.isEmpty ? nil : SpecNode(.list(texts.map(encode)))
        case .map(_, _, _, let get):
            // Of two values for one name the later one is in force.
            var entries: [SpecNode.Entry] = []
            for (name, text) in get(spec) {
                let entry = SpecNode.Entry(key: name, value: text.map(encode) ?? SpecNode(.null))
                if let index = entries.firstIndex(where: { $0.key == name }) {
                    entries[index] = entry
                } else {
                    entries.append(entry)
                }
            }
            return entries.isEmpty ? nil : SpecNode(.map(entries))
        }
    }

    private func encode(_ text: String) -> SpecNode {
        form.minimum != nil && plainNumber(Substring(text)) != nil ? SpecNode(.number(text)) : SpecNode(.string(text))
    }
}

/// Runs `body`, whose errors get the node's place unless they have one.
func locating<Value>(_ node: SpecNode, _ body: () throws(SpecError) -> Value) throws(SpecError) -> Value {
    do throws(SpecError) { return try body() } catch {
        var error = error
        if error.location == nil { error.location = node.place.map { "\($0.line):\($0.column)" } }
        throw error
    }
}
