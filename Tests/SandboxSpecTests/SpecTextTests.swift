// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import SandboxSpec

/// What is written can be read, also where YAML has limits that JSON has not.
@Suite struct SpecTextTests {
    private static func read(_ text: String) throws -> SpecNode { try YAMLReader.read(Array(text.utf8)) }

    /// A key of so many characters as it is written: plain, with quotes, with escapes, and of more bytes than characters.
    private static let keys: [(what: String, make: @Sendable (Int) -> String)] = [
        ("plain", { String(repeating: "a", count: $0) }),
        ("quoted", { String(repeating: " ", count: $0 - 2) }),
        ("escaped", { String(repeating: "a", count: $0 - 4) + "\t" }),
        ("wide", { String(repeating: "é", count: $0 - 2) }),
    ]

    /// YAML 1.2.2, section 7.4.3: a key that is no longer than 1,024 characters needs no mark.
    @Test(arguments: [1023, 1024, 1025, 4000], 0..<4)
    func `A key is read again however long it is`(count: Int, kind: Int) throws {
        let key = Self.keys[kind].make(count)
        let leaf = SpecNode(.list([SpecNode(.map([.init(key: key, value: SpecNode(.number("1")))]))]))
        // In a map of the document, in a map below it, and between brackets.
        let inner = SpecNode(.map([.init(key: key, value: SpecNode(.string("x"))), .init(key: "b", value: leaf)]))
        let node = SpecNode(
            .map([
                .init(key: key, value: inner), .init(key: "c", value: SpecNode(.null)),
                .init(key: key + "d", value: leaf), .init(key: key + "e", value: SpecNode(.list([]))),
            ]))
        #expect(try Self.read(node.yamlText).jsonText == node.jsonText, "\(Self.keys[kind].what)")
        #expect(try Self.read(leaf.yamlText).jsonText == leaf.jsonText, "\(Self.keys[kind].what)")
        #expect(try JSONReader.read(Array(node.jsonText.utf8)).jsonLine == node.jsonLine)
    }

    @Test func `Only a key that is too long has a question mark before it`() throws {
        let long = String(repeating: "k", count: 1025)
        let node = SpecNode(
            .map([
                .init(key: String(long.dropLast()), value: SpecNode(.boolean(true))),
                .init(key: "a", value: SpecNode(.map([.init(key: long, value: SpecNode(.number("1")))]))),
                .init(
                    key: long, value: SpecNode(.list([SpecNode(.map([.init(key: long, value: SpecNode(.null))]))]))),
            ]))
        #expect(
            node.yamlText == """
                \(long.dropLast()): true
                a:
                  ? \(long)
                  : 1
                ? \(long)
                :
                  - { ? "\(long)": null }

                """)
        #expect(node.jsonText.contains("?") == false)
    }

    /// Why: libyaml says so of the key without the mark. `yaml_parser_stale_simple_keys`
    @Test func `A long key without a question mark is what libyaml refuses`() {
        #expect(throws: SpecError.self) { try Self.read(String(repeating: "k", count: 1025) + ": 1") }
        #expect(throws: Never.self) { try Self.read(String(repeating: "k", count: 1024) + ": 1") }
    }

    /// So the names of variables, the only keys of a spec that its table does not name, never need one.
    @Test func `No key of a spec is long`() {
        #expect(throws: Never.self) { try environmentName(String(repeating: "A", count: 255)) }
        #expect(throws: SpecError.self) { try environmentName(String(repeating: "A", count: 256)) }
    }
}
