// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

/// Reads a record's map strictly: every key is known, every value has its form, and errors name the field's path.
struct RecordFields {
    private var rest: [String: SpecNode] = [:]

    init(_ node: SpecNode) throws(SpecError) {
        for entry in try node.map() { rest[entry.key] = entry.value }
    }

    /// What stands under a key that has to be there; null is `nil`.
    private mutating func value(_ key: String) throws(SpecError) -> SpecNode? {
        guard let node = rest.removeValue(forKey: key) else { throw SpecError("is missing", path: key) }
        if case .null = node.value { return nil }
        return node
    }

    /// Reads a field; `nil` where it is null.
    mutating func optional<Value>(
        _ key: String, _ read: (SpecNode) throws(SpecError) -> Value
    ) throws(SpecError) -> Value? {
        guard let node = try value(key) else { return nil }
        do throws(SpecError) { return try read(node) } catch { throw error.within(key) }
    }

    /// Reads a field that is not null.
    mutating func required<Value>(
        _ key: String, _ read: (SpecNode) throws(SpecError) -> Value
    ) throws(SpecError) -> Value {
        guard let value = try optional(key, read) else {
            throw SpecError("null stands where a value belongs", path: key)
        }
        return value
    }

    /// Nothing else may stand there.
    func requireEnd() throws(SpecError) {
        if let key = rest.keys.min() { throw SpecError("unknown key", path: key.quoted) }
    }
}

extension SpecNode {
    init(_ text: String?) { self.init(text.map { .string($0) } ?? .null) }
    init(_ number: (some BinaryInteger)?) { self.init(number.map { .number("\($0)") } ?? .null) }
    init(_ flag: Bool) { self.init(.boolean(flag)) }
    init(_ texts: [String]) { self.init(.list(texts.map { SpecNode(.string($0)) })) }
    init(_ entries: KeyValuePairs<String, SpecNode>) {
        self.init(.map(entries.map { SpecNode.Entry(key: $0.key, value: $0.value) }))
    }

    func string() throws(SpecError) -> String { try text(numbers: .refused) }

    /// A whole number that fits.
    func whole<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(SpecError) -> Number {
        guard case .number(let text) = value, let number = Number(text) else {
            throw SpecError("\(kindName) is not a whole number from \(Number.min) to \(Number.max)")
        }
        return number
    }

    /// A list, each element read alike.
    func elements<Value>(_ read: (SpecNode) throws(SpecError) -> Value) throws(SpecError) -> [Value] {
        var values: [Value] = []
        for (index, node) in try list().enumerated() {
            do throws(SpecError) { values.append(try read(node)) } catch { throw error.within("[\(index)]") }
        }
        return values
    }

    func strings() throws(SpecError) -> [String] {
        try elements { (node) throws(SpecError) in try node.string() }
    }

    /// A text of a short list.
    func word<Word: RawRepresentable & CaseIterable>(_: Word.Type = Word.self) throws(SpecError) -> Word
    where Word.RawValue == String {
        let text = try string()
        guard let word = Word(rawValue: text) else {
            throw SpecError("\(text.quoted) is none of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    func timestamp() throws(SpecError) -> Timestamp {
        let text = try string()
        guard let time = Timestamp(text) else { throw SpecError("\(text.quoted) is not a time of RFC 3339") }
        return time
    }
}
