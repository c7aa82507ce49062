// SPDX-License-Identifier: Apache-2.0

@testable import SandboxSpec

/// Documents and command lines: what people, and agents that start agents, write.
let specTargets = [
    FuzzTarget(name: "yaml") { (bytes) throws(Violation) in try readDocument(bytes, .yaml) },
    FuzzTarget(name: "json") { (bytes) throws(Violation) in
        try readDocument(bytes, .json)
        try readAlike(bytes)
    },
    FuzzTarget(name: "flags", run: readFlags),
]

private func tree(_ bytes: [UInt8], _ format: SpecFormat) throws(SpecError) -> SpecNode {
    switch format {
    case .yaml: try YAMLReader.read(bytes)
    case .json: try JSONReader.read(bytes)
    }
}

/// A document that can be read is a tree that both formats can write and read back; and where it is a spec, so is that.
private func readDocument(_ bytes: [UInt8], _ format: SpecFormat) throws(Violation) {
    if let read = try reading({ () throws(SpecError) in try tree(bytes, format) }), read.hasNumbersOfJSON {
        for text in [read.jsonText, read.jsonLine] {
            let again = try requireSuccess("JSON of ours can be read: \(text)") {
                try JSONReader.read(Array(text.utf8))
            }
            try requireSame(again, read, "JSON")
        }
        let text = read.yamlText
        let again = try requireSuccess("YAML of ours can be read: \(text)") { try YAMLReader.read(Array(text.utf8)) }
        try requireSame(again, read, "YAML")
    }
    try readSpec(bytes, format)
}

private func readSpec(_ bytes: [UInt8], _ format: SpecFormat) throws(Violation) {
    let spec = try reading { () throws(SpecError) in
        try SandboxSpec(document: bytes, format: format, fileName: "a\u{1b}b")
    }
    if let spec { try writeAndRead(spec) }
}

/// A spec, written in either format, is the same spec when it is read.
private func writeAndRead(_ spec: SandboxSpec) throws(Violation) {
    let fromYAML = try requireSuccess("a spec's YAML can be read: \(spec.yaml)") { try SandboxSpec(yaml: spec.yaml) }
    try require(
        fromYAML.json == spec.json, "the spec is another after writing it as YAML:\n\(spec.yaml)\n\(fromYAML.yaml)")
    let fromJSON = try requireSuccess("a spec's JSON can be read: \(spec.json)") { try SandboxSpec(json: spec.json) }
    try require(
        fromJSON.yaml == spec.yaml, "the spec is another after writing it as JSON:\n\(spec.json)\n\(fromJSON.json)")
    _ = try reading { () throws(SpecError) in try spec.validate() }
}

/// JSON is YAML: a text that can be read as both must not say two things.
private func readAlike(_ bytes: [UInt8]) throws(Violation) {
    guard let json = try? JSONReader.read(bytes), let yaml = try? YAMLReader.read(bytes) else { return }
    try requireSame(yaml, json, "the same text as YAML")
}

private func requireSame(_ one: SpecNode, _ other: SpecNode, _ what: String) throws(Violation) {
    try require(one.isSame(as: other), "\(what) says something else:\n\(one.jsonText)\n\(other.jsonText)")
}

extension SpecNode {
    /// Whether both hold the same, wherever it stands; texts are compared byte by byte.
    fileprivate func isSame(as other: SpecNode) -> Bool {
        switch (value, other.value) {
        case (.null, .null): true
        case (.boolean(let a), .boolean(let b)): a == b
        case (.number(let a), .number(let b)), (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.list(let a), .list(let b)): a.count == b.count && zip(a, b).allSatisfy { $0.isSame(as: $1) }
        case (.map(let a), .map(let b)):
            a.count == b.count
                && zip(a, b).allSatisfy { $0.key.utf8.elementsEqual($1.key.utf8) && $0.value.isSame(as: $1.value) }
        default: false
        }
    }

    /// YAML has numbers that JSON has not: `0x1f`, `+1`, `.5`, `007`. Nothing of ours writes those.
    fileprivate var hasNumbersOfJSON: Bool {
        switch value {
        case .number(let text): (try? JSONReader.read(Array(text.utf8))) != nil
        case .list(let nodes): nodes.allSatisfy(\.hasNumbersOfJSON)
        case .map(let entries): entries.allSatisfy(\.value.hasNumbersOfJSON)
        case .null, .boolean, .string: true
        }
    }
}

/// Words between zero bytes, as the kernel hands them over.
private func readFlags(_ bytes: [UInt8]) throws(Violation) {
    let words = bytes.parts(atMost: 64).map(\.text)
    guard let parsed = FlagParser.parse(words) else { return }
    try require(parsed.command.count <= words.count, "more command than words")
    try require(parsed.command.elementsEqual(words.suffix(parsed.command.count)), "the command is not the last words")
    var spec = SandboxSpec()
    let applied: Void? = try reading { () throws(SpecError) in
        try parsed.apply(to: &spec, callerEnvironment: ["HOME": "/root", "A": "b"])
    }
    if applied != nil { try writeAndRead(spec) }
}
