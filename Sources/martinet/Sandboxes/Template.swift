// SPDX-License-Identifier: Apache-2.0
import Engine
import LinuxKernel
import SandboxSpec

/// `--format TEMPLATE`: text with `{{.Field}}` in it, the plainest of Docker's. A field of a field is `{{.status.name}}`,
/// all of it as JSON `{{json .}}`; `\t` and `\n` are a tab and a line end.
struct Template {
    private enum Piece {
        case text(String)
        case field([String], asJSON: Bool)
    }

    private var pieces: [Piece] = []

    init(_ text: String) throws(EngineError) {
        var rest = Substring(text)
        while let start = rest.firstRange(of: "{{") {
            add(rest[..<start.lowerBound])
            rest = rest[start.upperBound...]
            guard let end = rest.firstRange(of: "}}") else {
                throw EngineError(.invalidSpec, "format: a {{ without its }}", hint: "write {{.Name}}")
            }
            pieces.append(try Self.field(rest[..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        add(rest)
    }

    private mutating func add(_ text: Substring) {
        if !text.isEmpty {
            pieces.append(.text(String(text).replacing("\\t", with: "\t").replacing("\\n", with: "\n")))
        }
    }

    private static func field(_ text: Substring) throws(EngineError) -> Piece {
        var words = text.split(separator: " ")
        let asJSON = words.first == "json"
        if asJSON { words.removeFirst() }
        guard words.count == 1, let word = words.first, word.hasPrefix(".") else {
            throw EngineError(
                .invalidSpec, "format: {{\(text)}} is not a field",
                hint: "write {{.Name}}, or {{json .Name}}; there are no functions")
        }
        return .field(word.split(separator: ".").map(String.init), asJSON: asJSON)
    }

    /// The text for one value. Texts in it are shown so that a terminal obeys nothing.
    func render(_ node: SpecNode) throws(EngineError) -> String {
        var result = ""
        for piece in pieces {
            switch piece {
            case .text(let text): result += text
            case .field(let path, let asJSON):
                let value = try Self.value(path, in: node)
                switch value.value {
                case _ where asJSON: result += Message.json(value.jsonLine)
                case .null: break
                case .string(let text): result += visible(text)
                case .boolean, .number, .list, .map: result += Message.json(value.jsonLine)
                }
            }
        }
        return result
    }

    private static func value(_ path: [String], in node: SpecNode) throws(EngineError) -> SpecNode {
        var node = node
        for (index, key) in path.enumerated() {
            switch node.value {
            // Of what is not known, nothing is known.
            case .null: return node
            case .map(let entries):
                guard let entry = entries.first(where: { $0.key == key }) else {
                    let keys = entries.map(\.key)
                    throw EngineError(
                        .invalidSpec,
                        "format: there is no field .\(path[...index].joined(separator: "."))"
                            + suggestion(for: key, among: keys),
                        hint: "fields: "
                            + keys.map { ".\((path[..<index] + [$0]).joined(separator: "."))" }
                            .joined(separator: " "))
                }
                node = entry.value
            case .boolean, .number, .string, .list:
                throw EngineError(
                    .invalidSpec, "format: .\(path[..<index].joined(separator: ".")) has no fields",
                    hint: "leave .\(key) out")
            }
        }
        return node
    }
}
