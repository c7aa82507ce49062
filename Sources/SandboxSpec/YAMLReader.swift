// SPDX-License-Identifier: Apache-2.0
import CYAML

/// Reads one YAML document through libyaml's event parser. The only file that touches its memory.
///
/// A document is data here: anchors, aliases, tags, merge keys, repeated keys and further documents are errors, so that no
/// small text unfolds into a large one and no key hides another.
struct YAMLReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var event = yaml_event_t()

    /// - Throws: an error with the place of what is wrong.
    static func read(_ bytes: [UInt8]) throws(SpecError) -> SpecNode {
        guard bytes.count <= SpecNode.maximumBytes else {
            throw SpecError("a document of \(bytes.count) bytes is longer than 1MiB")
        }
        var outcome: Result<SpecNode, SpecError>?
        bytes.withUnsafeBufferPointer { buffer in
            do throws(SpecError) {
                // The parser keeps the pointer, so it lives and ends within this closure.
                var reader = try YAMLReader(buffer)
                outcome = .success(try reader.document())
            } catch { outcome = .failure(error) }
        }
        guard let outcome else { throw SpecError("the document could not be read") }
        return try outcome.get()
    }

    private init(_ buffer: UnsafeBufferPointer<UInt8>) throws(SpecError) {
        parser = .allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw SpecError("no memory for the YAML parser")
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
    }

    deinit {
        var last = event
        yaml_event_delete(&last)
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    private var place: SpecNode.Place {
        SpecNode.Place(line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1)
    }

    private func failure(_ message: String, at place: SpecNode.Place? = nil) -> SpecError {
        let place = place ?? self.place
        return SpecError(message, location: "\(place.line):\(place.column)")
    }

    /// Takes the next event in place of the last.
    private mutating func next() throws(SpecError) {
        yaml_event_delete(&event)
        event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
            let mark = parser.pointee.problem_mark
            throw failure(problem, at: SpecNode.Place(line: Int(mark.line) + 1, column: Int(mark.column) + 1))
        }
    }

    private mutating func document() throws(SpecError) -> SpecNode {
        try next()  // the stream's start
        try next()
        guard event.type == YAML_DOCUMENT_START_EVENT else { throw failure("the document is empty") }
        try next()
        let root = try node(depth: 1)
        try next()  // the document's end
        try next()
        guard event.type == YAML_STREAM_END_EVENT else { throw failure("a second document; write one a file") }
        return root
    }

    /// The value that the current event begins.
    private mutating func node(depth: Int) throws(SpecError) -> SpecNode {
        guard depth <= SpecNode.maximumDepth else {
            throw failure("lists and maps nest deeper than \(SpecNode.maximumDepth)")
        }
        let place = self.place
        switch event.type {
        case YAML_SCALAR_EVENT:
            let (text, isPlain) = try scalar()
            return SpecNode(isPlain ? SpecNode.plain(text) : .string(text), place: place)
        case YAML_SEQUENCE_START_EVENT:
            try refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag)
            var nodes: [SpecNode] = []
            try next()
            while event.type != YAML_SEQUENCE_END_EVENT {
                nodes.append(try node(depth: depth + 1))
                try next()
            }
            return SpecNode(.list(nodes), place: place)
        case YAML_MAPPING_START_EVENT:
            try refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag)
            return SpecNode(.map(try entries(depth: depth)), place: place)
        default:
            throw failure("an alias; write the value itself")
        }
    }

    private mutating func entries(depth: Int) throws(SpecError) -> [SpecNode.Entry] {
        var entries: [SpecNode.Entry] = []
        var keys: Set<String> = []
        try next()
        while event.type != YAML_MAPPING_END_EVENT {
            let place = self.place
            guard event.type == YAML_SCALAR_EVENT else { throw failure("a key is a plain text") }
            let key = try scalar().text
            guard keys.insert(key).inserted else { throw failure("the key \(key.quoted) stands here twice") }
            try next()
            entries.append(SpecNode.Entry(key: key, value: try node(depth: depth + 1), place: place))
            try next()
        }
        return entries
    }

    private func scalar() throws(SpecError) -> (text: String, isPlain: Bool) {
        let scalar = event.data.scalar
        try refuse(anchor: scalar.anchor, tag: scalar.tag)
        // libyaml has checked that the text is UTF-8.
        let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        return (text, scalar.style == YAML_PLAIN_SCALAR_STYLE)
    }

    private func refuse(
        anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?
    ) throws(SpecError) {
        if anchor != nil { throw failure("an anchor; write the value where it is used") }
        if tag != nil { throw failure("a tag; write the value alone, in quotes for a text") }
    }
}

extension SpecNode {
    /// What a plain scalar stands for. YAML 1.2.2, section 10.3.2, the core schema
    static func plain(_ text: String) -> Value {
        switch text {
        case "", "~", "null", "Null", "NULL": .null
        case "true", "True", "TRUE": .boolean(true)
        case "false", "False", "FALSE": .boolean(false)
        default: isNumber(text) ? .number(text) : .string(text)
        }
    }

    private static func isNumber(_ text: String) -> Bool {
        if text.hasPrefix("0x") || text.hasPrefix("0o") {
            return text.utf8.count > 2 && text.dropFirst(2).utf8.allSatisfy { isDigit($0) || isLetter($0) }
        }
        var rest = Substring(text).utf8
        func digits() -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == 0x2b || rest.first == 0x2d { rest = rest.dropFirst() }
        var count = digits()
        if rest.first == 0x2e {
            rest = rest.dropFirst()
            count += digits()
        }
        guard count > 0 else { return false }
        if rest.first == 0x65 || rest.first == 0x45 {
            rest = rest.dropFirst()
            if rest.first == 0x2b || rest.first == 0x2d { rest = rest.dropFirst() }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}
