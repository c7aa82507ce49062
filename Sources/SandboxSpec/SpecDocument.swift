// SPDX-License-Identifier: Apache-2.0

/// The formats a spec can be written in.
public enum SpecFormat: Sendable {
    case yaml
    case json

    /// The format of a file: by its name, and by its first letter where the name says nothing.
    public init(fileName: String, contents: [UInt8]) {
        if fileName.hasSuffix(".json") {
            self = .json
        } else if fileName.hasSuffix(".yaml") || fileName.hasSuffix(".yml") {
            self = .yaml
        } else {
            self = contents.first { $0 > 0x20 } == 0x7b ? .json : .yaml
        }
    }
}

extension SandboxSpec {
    /// Reads a document.
    ///
    /// - Parameters:
    ///   - document: at most 1 MiB of UTF-8.
    ///   - fileName: what errors call it.
    /// - Throws: an error with the place in the document and the path of the field, as
    ///   `job.yaml:3:11: limits.memory: "12 parsecs" is not a size; write 512MiB`.
    public init(document: [UInt8], format: SpecFormat, fileName: String? = nil) throws(SpecError) {
        do throws(SpecError) {
            switch format {
            case .yaml: try self.init(node: try YAMLReader.read(document))
            case .json: try self.init(node: try JSONReader.read(document))
            }
        } catch {
            var located = error
            located.location = [fileName, error.location].compactMap { $0 }.joined(separator: ":")
            if located.location == "" { located.location = nil }
            throw located
        }
    }

    public init(yaml: String, fileName: String? = nil) throws(SpecError) {
        try self.init(document: Array(yaml.utf8), format: .yaml, fileName: fileName)
    }

    public init(json: String, fileName: String? = nil) throws(SpecError) {
        try self.init(document: Array(json.utf8), format: .json, fileName: fileName)
    }

    /// Reads a document's tree by the table of fields. Keys that are not in it are errors.
    public init(node: SpecNode) throws(SpecError) {
        self.init()
        guard case .map(let entries) = node.value else {
            throw SpecError("\(node.kindName) is not a spec; write keys and values, as command: [\"true\"]")
        }
        for entry in entries {
            guard SpecField.all.contains(where: { $0.section == entry.key }) else {
                try apply(entry, in: nil)
                continue
            }
            do throws(SpecError) {
                let inner = try locating(entry.value) { () throws(SpecError) in try entry.value.map() }
                for limit in inner { try apply(limit, in: entry.key) }
            } catch {
                // Fields name their whole path.
                throw error.path.hasPrefix(entry.key + ".") ? error : error.within(entry.key)
            }
        }
    }

    private mutating func apply(_ entry: SpecNode.Entry, in section: String?) throws(SpecError) {
        if section == nil, entry.key == "command" { return try applyCommand(entry.value) }
        guard let field = SpecField.all.first(where: { $0.section == section && $0.key == entry.key }) else {
            throw Self.unknown(entry, in: section)
        }
        try field.apply(.node(entry.value), to: &self)
    }

    private mutating func applyCommand(_ node: SpecNode) throws(SpecError) {
        do throws(SpecError) {
            let nodes = try locating(node) { () throws(SpecError) in try node.list() }
            command = []
            for (index, element) in nodes.enumerated() {
                do throws(SpecError) {
                    command.append(
                        try locating(element) { () throws(SpecError) in try element.text(numbers: .whole) })
                } catch { throw error.within("[\(index)]") }
            }
        } catch { throw error.within("command") }
    }

    private static func unknown(_ entry: SpecNode.Entry, in section: String?) -> SpecError {
        let location = entry.place.map { "\($0.line):\($0.column)" }
        // The key that stands in another map comes first, then the nearest of this one.
        let elsewhere = SpecField.all.first {
            $0.key == entry.key || $0.flag == entry.key || $0.aliases.contains(entry.key)
        }
        var known = SpecField.all.filter { $0.section == section }.map(\.key)
        if section == nil { known += ["command", "limits"] }
        let near = elsewhere.map { "; write \($0.path.quoted)" } ?? suggestion(for: entry.key, among: known)
        let isPlain =
            entry.key.utf8.count <= 64 && entry.key.consists(of: { isLetter($0) || isDigit($0) || $0 == 0x2d })
        let path = [section, isPlain ? entry.key : entry.key.quoted].compactMap { $0 }.joined(separator: ".")
        return SpecError("unknown key\(near)", path: path, location: location)
    }

    /// The spec as a tree: what differs from the default, in the table's order.
    public var node: SpecNode {
        var entries: [SpecNode.Entry] = []
        if !command.isEmpty {
            entries.append(.init(key: "command", value: SpecNode(.list(command.map { SpecNode(.string($0)) }))))
        }
        var sections: [(name: String, entries: [SpecNode.Entry])] = []
        for field in SpecField.all {
            guard let value = field.encode(self) else { continue }
            let entry = SpecNode.Entry(key: field.key, value: value)
            guard let section = field.section else {
                entries.append(entry)
                continue
            }
            if let index = sections.firstIndex(where: { $0.name == section }) {
                sections[index].entries.append(entry)
            } else {
                sections.append((section, [entry]))
            }
        }
        entries += sections.map { SpecNode.Entry(key: $0.name, value: SpecNode(.map($0.entries))) }
        return SpecNode(.map(entries))
    }
}
