// SPDX-License-Identifier: Apache-2.0

extension SpecNode: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Reads any value. Maps are in the order of their keys, since decoders do not keep the document's.
    public init(from decoder: any Decoder) throws {
        guard decoder.codingPath.count < Self.maximumDepth else {
            throw SpecError("lists and maps nest deeper than \(Self.maximumDepth)")
        }
        if let map = try? decoder.container(keyedBy: Key.self) {
            let keys = map.allKeys.sorted { $0.stringValue < $1.stringValue }
            self.init(
                .map(try keys.map { Entry(key: $0.stringValue, value: try map.decode(SpecNode.self, forKey: $0)) }))
            return
        }
        if var list = try? decoder.unkeyedContainer() {
            var nodes: [SpecNode] = []
            while !list.isAtEnd { nodes.append(try list.decode(SpecNode.self)) }
            self.init(.list(nodes))
            return
        }
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self.init(.null)
        } else if let flag = try? value.decode(Bool.self) {
            self.init(.boolean(flag))
        } else if let number = try? value.decode(UInt64.self) {
            self.init(.number("\(number)"))
        } else if let number = try? value.decode(Int64.self) {
            self.init(.number("\(number)"))
        } else if let number = try? value.decode(Double.self) {
            self.init(.number("\(number)"))
        } else {
            self.init(.string(try value.decode(String.self)))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        switch value {
        case .map(let entries):
            var map = encoder.container(keyedBy: Key.self)
            for entry in entries { try map.encode(entry.value, forKey: Key(stringValue: entry.key)) }
        case .list(let nodes):
            var list = encoder.unkeyedContainer()
            for node in nodes { try list.encode(node) }
        case .null, .boolean, .number, .string:
            var single = encoder.singleValueContainer()
            try encodeScalar(into: &single)
        }
    }

    private func encodeScalar(into container: inout any SingleValueEncodingContainer) throws {
        switch value {
        case .boolean(let flag): try container.encode(flag)
        case .string(let text): try container.encode(text)
        case .number(let text):
            if let number = UInt64(text) {
                try container.encode(number)
            } else if let number = Int64(text) {
                try container.encode(number)
            } else if let number = Double(text) {
                try container.encode(number)
            } else {
                try container.encode(text)
            }
        case .null, .list, .map: try container.encodeNil()
        }
    }
}

extension SandboxSpec: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(node: try SpecNode(from: decoder))
    }

    public func encode(to encoder: any Encoder) throws {
        try node.encode(to: encoder)
    }
}
