// SPDX-License-Identifier: Apache-2.0

extension SpecNode {
    /// The value as JSON, indented, keys in order.
    public var jsonText: String { json(indent: "", key: Self.jsonKey) + "\n" }

    /// The value as JSON without line breaks, keys in order.
    public var jsonLine: String {
        switch value {
        case .list(let nodes): "[\(nodes.map(\.jsonLine).joined(separator: ","))]"
        case .map(let entries):
            "{\(entries.map { "\(Self.quote($0.key)):\($0.value.jsonLine)" }.joined(separator: ","))}"
        default: json(indent: "", key: Self.jsonKey)
        }
    }

    private static func jsonKey(_ key: String) -> String { quote(key) + ":" }

    /// - Parameter key: how a key and the colon after it are written.
    private func json(indent: String, key: (String) -> String) -> String {
        let inner = indent + "  "
        switch value {
        case .null: return "null"
        case .boolean(let flag): return "\(flag)"
        case .number(let text): return text
        case .string(let text): return Self.quote(text)
        case .list(let nodes):
            if nodes.isEmpty { return "[]" }
            let isFlat = nodes.allSatisfy(\.isScalar)
            let texts = nodes.map { $0.json(indent: inner, key: key) }
            return isFlat
                ? "[\(texts.joined(separator: ", "))]"
                : "[\n\(texts.map { inner + $0 }.joined(separator: ",\n"))\n\(indent)]"
        case .map(let entries):
            if entries.isEmpty { return "{}" }
            let lines = entries.map { "\(inner)\(key($0.key)) \($0.value.json(indent: inner, key: key))" }
            return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
        }
    }

    /// The value as YAML in block style. Texts that could be read as anything else are in quotes.
    public var yamlText: String {
        switch value {
        case .map(let entries) where !entries.isEmpty:
            entries.map { "\(Self.yamlKey($0.key, indent: ""))\($0.value.yamlValue(indent: ""))\n" }.joined()
        default: json(indent: "", key: Self.flowKey) + "\n"
        }
    }

    private func yamlValue(indent: String) -> String {
        let inner = indent + "  "
        switch value {
        case .list(let nodes) where !nodes.isEmpty:
            return nodes.map { "\n\(inner)- \($0.yamlFlow)" }.joined()
        case .map(let entries) where !entries.isEmpty:
            return entries.map {
                "\n\(inner)\(Self.yamlKey($0.key, indent: inner))\($0.value.yamlValue(indent: inner))"
            }
            .joined()
        default: return " " + yamlFlow
        }
    }

    private var yamlFlow: String {
        if case .string(let text) = value { return Self.plainOrQuoted(text) }
        // JSON is YAML; line breaks between brackets do not matter there.
        return json(indent: "", key: Self.flowKey).split(separator: "\n").map { $0.drop { $0 == " " } }
            .joined(separator: " ")
    }

    /// A key of a map in block style, and the colon. A long one stands on a line of its own, after a question mark: only
    /// so may a key have more than 1,024 characters, and libyaml reads no other. YAML 1.2.2, sections 7.4.3 and 8.2.2
    private static func yamlKey(_ key: String, indent: String) -> String {
        let text = plainOrQuoted(key)
        return isSimpleKey(text) ? text + ":" : "? \(text)\n\(indent):"
    }

    /// The same between brackets. YAML 1.2.2, section 7.4.2
    private static func flowKey(_ key: String) -> String {
        let text = quote(key)
        return (isSimpleKey(text) ? "" : "? ") + text + ":"
    }

    /// - Parameter text: a key as it is written, with its quotes.
    private static func isSimpleKey(_ text: String) -> Bool { text.unicodeScalars.count <= 1024 }

    private var isScalar: Bool {
        switch value {
        case .list, .map: false
        case .null, .boolean, .number, .string: true
        }
    }

    private static func plainOrQuoted(_ text: String) -> String {
        let isSafe =
            text.utf8.first.map { isLetter($0) || $0 == 0x2f || isDigit($0) } ?? false
            && text.consists(of: { isLetter($0) || isDigit($0) || "/._+-".utf8.contains($0) })
        guard isSafe, case .string = plain(text) else { return quote(text) }
        return text
    }

    /// RFC 8259, section 7; also a double-quoted scalar of YAML 1.2.
    static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default:
                // Beside the controls: what libyaml does not take unescaped.
                let isPlain =
                    (0x20..<0x7f).contains(scalar.value) || (0xa0..<0x2028).contains(scalar.value)
                    || (0x202a..<0xd800).contains(scalar.value) || (0xe000..<0xfeff).contains(scalar.value)
                    || (0xff00..<0xfffe).contains(scalar.value) || scalar.value >= 0x10000
                if isPlain {
                    result.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            }
        }
        return result + "\""
    }
}

extension SandboxSpec {
    /// The spec as YAML: what differs from the default.
    public var yaml: String { node.yamlText }
    /// The spec as JSON: what differs from the default.
    public var json: String { node.jsonText }
}
