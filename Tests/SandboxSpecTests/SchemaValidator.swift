// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

/// The part of JSON Schema that `SpecSchema` uses. Keywords it does not know are errors, so that none goes unchecked.
struct SchemaValidator {
    /// Why a document does not conform; `nil` where it does.
    static func objection(to node: SpecNode, by schema: SpecNode, path: String = "") -> String? {
        for keyword in schema.members {
            if let objection = check(keyword.key, keyword.value, schema, node, path) { return objection }
        }
        return nil
    }

    private static func check(
        _ keyword: String, _ rule: SpecNode, _ schema: SpecNode, _ node: SpecNode, _ path: String
    ) -> String? {
        switch keyword {
        case "$schema", "title", "description": return nil
        case "type":
            let types = rule.elements.isEmpty ? [rule.text] : rule.elements.map(\.text)
            return types.contains { node.isA($0 ?? "") } ? nil : "\(path): not of type \(types)"
        case "enum": return rule.elements.contains { $0.text == node.text } ? nil : "\(path): not in the list"
        case "pattern":
            guard let text = node.string, let pattern = rule.text else { return nil }
            guard let expression = try? Regex(pattern) else { return "\(pattern): not an expression" }
            return (try? expression.firstMatch(in: text)) ?? nil != nil ? nil : "\(path): does not match \(pattern)"
        case "minimum": return node.number.map { $0 >= rule.number! } ?? true ? nil : "\(path): too small"
        case "maximum": return node.number.map { $0 <= rule.number! } ?? true ? nil : "\(path): too large"
        case "minItems":
            guard case .list(let nodes) = node.value else { return nil }
            return Double(nodes.count) >= rule.number! ? nil : "\(path): too few"
        case "items":
            return node.elements.lazy.compactMap { objection(to: $0, by: rule, path: path + "[]") }.first
        case "propertyNames":
            return node.members.lazy.compactMap {
                objection(to: SpecNode(.string($0.key)), by: rule, path: "\(path).\($0.key)")
            }.first
        case "properties":
            return node.members.lazy.compactMap { member in
                rule[member.key].flatMap { objection(to: member.value, by: $0, path: "\(path).\(member.key)") }
            }.first
        case "additionalProperties":
            let others = node.members.filter { schema["properties"]?[$0.key] == nil }
            if case .boolean(false) = rule.value { return others.first.map { "\(path): \($0.key) is unknown" } }
            return others.lazy.compactMap { objection(to: $0.value, by: rule, path: "\(path).\($0.key)") }.first
        default: return "the validator does not know \(keyword)"
        }
    }
}

extension SpecNode {
    var members: [Entry] { if case .map(let entries) = value { entries } else { [] } }
    var elements: [SpecNode] { if case .list(let nodes) = value { nodes } else { [] } }
    var string: String? { if case .string(let text) = value { text } else { nil } }
    var text: String? { string }
    var number: Double? { if case .number(let text) = value { Double(text) } else { nil } }

    subscript(key: String) -> SpecNode? { members.first { $0.key == key }?.value }

    func isA(_ type: String) -> Bool {
        switch (value, type) {
        case (.null, "null"), (.boolean, "boolean"), (.number, "number"), (.string, "string"), (.list, "array"),
            (.map, "object"):
            true
        case (.number(let text), "integer"): Int128(text) != nil
        default: false
        }
    }
}
