// SPDX-License-Identifier: Apache-2.0

/// The JSON Schema of a spec's document, for editors and checks before a run. Made from `SpecField.all`.
///
/// It describes each value alone; that values go together, and what a pattern cannot say, `SandboxSpec` checks.
/// - SeeAlso: json-schema.org, draft 2020-12
public enum SpecSchema {
    /// The schema as JSON.
    public static var json: String { node.jsonText }

    public static var node: SpecNode {
        var properties: [SpecNode.Entry] = [
            entry(
                "command",
                map([
                    entry("description", text("The program, looked up in the sandbox's PATH, and its arguments")),
                    entry("type", text("array")), entry("items", one(.anyText)), entry("minItems", number(1)),
                ]))
        ]
        var sections: [(name: String, entries: [SpecNode.Entry])] = []
        for field in SpecField.all {
            let property = entry(field.key, schema(of: field))
            guard let section = field.section else {
                properties.append(property)
                continue
            }
            if let index = sections.firstIndex(where: { $0.name == section }) {
                sections[index].entries.append(property)
            } else {
                sections.append((section, [property]))
            }
        }
        properties += sections.map { entry($0.name, object($0.entries)) }
        var entries = [
            entry("$schema", text("https://json-schema.org/draft/2020-12/schema")),
            entry("title", text("Martinet sandbox spec")),
        ]
        if case .map(let rest) = object(properties).value { entries += rest }
        return map(entries)
    }

    private static func schema(of field: SpecField) -> SpecNode {
        var entries = [entry("description", text(field.help))]
        let shape: SpecNode
        switch field.access {
        case .boolean: shape = map([entry("type", text("boolean"))])
        case .text: shape = one(field.form)
        case .list: shape = map([entry("type", text("array")), entry("items", one(field.form))])
        case .map(let keys, let takesNull, _, _):
            let value = one(field.form, orNull: takesNull)
            shape =
                keys.isEmpty
                ? map([
                    entry("type", text("object")),
                    entry("propertyNames", map([entry("pattern", text("^[A-Za-z_][A-Za-z0-9_]{0,254}$"))])),
                    entry("additionalProperties", value),
                ]) : object(keys.map { entry($0, value) })
        }
        if case .map(let rest) = shape.value { entries += rest }
        return map(entries)
    }

    /// One text, or what stands for it.
    private static func one(_ form: SpecForm, orNull: Bool = false) -> SpecNode {
        guard form.values.isEmpty else { return map([entry("enum", SpecNode(.list(form.values.map(text))))]) }
        var types = ["string"]
        if form.takesNumbers { types.append(form.numbers == .any ? "number" : "integer") }
        if orNull { types.append("null") }
        var entries = [
            entry("type", types.count == 1 ? text(types[0]) : SpecNode(.list(types.map(text)))),
            entry("pattern", text(form.pattern)),
        ]
        if let minimum = form.minimum { entries.append(entry("minimum", number(minimum))) }
        if let maximum = form.maximum { entries.append(entry("maximum", number(maximum))) }
        return map(entries)
    }

    private static func object(_ properties: [SpecNode.Entry]) -> SpecNode {
        map([
            entry("type", text("object")), entry("properties", map(properties)),
            entry("additionalProperties", SpecNode(.boolean(false))),
        ])
    }

    private static func text(_ value: String) -> SpecNode { SpecNode(.string(value)) }
    private static func number(_ value: Int) -> SpecNode { SpecNode(.number("\(value)")) }
    private static func map(_ entries: [SpecNode.Entry]) -> SpecNode { SpecNode(.map(entries)) }
    private static func entry(_ key: String, _ value: SpecNode) -> SpecNode.Entry {
        SpecNode.Entry(key: key, value: value)
    }
}
