// SPDX-License-Identifier: Apache-2.0

/// A value of a YAML or JSON document, and where it stands there.
public struct SpecNode: Sendable {
    public enum Value: Sendable {
        case null
        case boolean(Bool)
        /// A number as it was written, so that nothing is rounded.
        case number(String)
        case string(String)
        case list([SpecNode])
        /// Keys are unique and in the document's order.
        case map([Entry])
    }

    public struct Entry: Sendable {
        public let key: String
        public let value: SpecNode
        public let place: Place?

        public init(key: String, value: SpecNode, place: Place? = nil) {
            self.key = key
            self.value = value
            self.place = place
        }
    }

    /// A place in a document, counted from 1.
    public struct Place: Sendable, Equatable {
        public let line: Int
        public let column: Int

        public init(line: Int, column: Int) {
            self.line = line
            self.column = column
        }
    }

    /// The longest document that is read, in bytes.
    public static let maximumBytes = 1 << 20
    /// How deep lists and maps may nest.
    public static let maximumDepth = 64

    public let value: Value
    public let place: Place?

    public init(_ value: Value, place: Place? = nil) {
        self.value = value
        self.place = place
    }

    /// What the value is, for a message.
    package var kindName: String {
        switch value {
        case .null: "nothing"
        case .boolean(let value): "\(value)"
        case .number(let text): "the number \(text.prefix(40))"
        case .string(let text): "the text \(text.quoted)"
        case .list: "a list"
        case .map: "a map"
        }
    }
}

extension SpecNode {
    /// Reads one JSON document strictly.
    ///
    /// - Throws: an error with the place of what is wrong.
    package init(json: [UInt8]) throws(SpecError) {
        self = try JSONReader.read(json)
    }

    /// Which numbers a field takes for a text.
    public enum Numbers: Sendable {
        /// None: quotes make a text of one.
        case refused
        /// Whole ones.
        case whole
        case any
    }

    package func text(numbers: Numbers) throws(SpecError) -> String {
        switch value {
        case .string(let text): return text
        case .number(let text):
            let isWhole = text.drop { $0 == "-" || $0 == "+" }.utf8.allSatisfy(isDigit)
            switch numbers {
            case .any: return text
            case .whole where isWhole: return text
            case .whole, .refused: throw SpecError("\(text.prefix(40)) is a number; write \(text.quoted) for a text")
            }
        case .boolean(let flag): throw SpecError("\(flag) is a switch's value; write \("\(flag)".quoted) for a text")
        case .null, .list, .map: throw SpecError("\(kindName) stands where a text belongs")
        }
    }

    package func boolean() throws(SpecError) -> Bool {
        guard case .boolean(let flag) = value else {
            throw SpecError("\(kindName) is not a switch; write true or false")
        }
        return flag
    }

    package func list() throws(SpecError) -> [SpecNode] {
        guard case .list(let nodes) = value else { throw SpecError("\(kindName) is not a list; write [A, B]") }
        return nodes
    }

    package func map() throws(SpecError) -> [Entry] {
        guard case .map(let entries) = value else { throw SpecError("\(kindName) is not a map; write NAME: VALUE") }
        return entries
    }
}
