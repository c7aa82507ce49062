// SPDX-License-Identifier: Apache-2.0

/// Reads one JSON document, exactly as RFC 8259 has it.
///
/// Foundation's decoder takes trailing commas, silently keeps one of two values for a repeated key, rounds numbers and
/// says no places. In a document that decides what a sandbox may do, each of these hides something.
struct JSONReader {
    private let bytes: [UInt8]
    private var position = 0
    /// The last place asked for, from which the next is counted.
    private var mark = (offset: 0, place: SpecNode.Place(line: 1, column: 1))

    /// - Throws: an error with the place of what is wrong.
    static func read(_ bytes: [UInt8]) throws(SpecError) -> SpecNode {
        guard bytes.count <= SpecNode.maximumBytes else {
            throw SpecError("a document of \(bytes.count) bytes is longer than 1MiB")
        }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw SpecError("the document is not UTF-8") }
        var reader = JSONReader(bytes: bytes)
        reader.skipSpace()
        guard reader.next != nil else { throw reader.failure("the document is empty") }
        let node = try reader.node(depth: 1)
        reader.skipSpace()
        guard reader.next == nil else { throw reader.failure("something follows the document") }
        return node
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Where the reader is. Places are asked for in order, so that all of them together cost one walk.
    private mutating func place() -> SpecNode.Place {
        mark = (position, Self.place(of: position, in: bytes, after: mark))
        return mark.place
    }

    private static func place(
        of offset: Int, in bytes: [UInt8], after mark: (offset: Int, place: SpecNode.Place)
    ) -> SpecNode.Place {
        var line = mark.place.line
        var column = mark.place.column
        for byte in bytes[mark.offset..<max(mark.offset, min(offset, bytes.count))] {
            if byte == 0x0a {
                line += 1
                column = 1
            } else if byte & 0xc0 != 0x80 {  // not one that continues a character
                column += 1
            }
        }
        return SpecNode.Place(line: line, column: column)
    }

    private func failure(_ message: String, at offset: Int? = nil) -> SpecError {
        let start = (offset: 0, place: SpecNode.Place(line: 1, column: 1))
        let place = Self.place(of: offset ?? position, in: bytes, after: start)
        return SpecError(message, location: "\(place.line):\(place.column)")
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    /// Takes one character if it is the next, and the space behind it.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        skipSpace()
        return true
    }

    private mutating func node(depth: Int) throws(SpecError) -> SpecNode {
        guard depth <= SpecNode.maximumDepth else {
            throw failure("lists and maps nest deeper than \(SpecNode.maximumDepth)")
        }
        let place = self.place()
        let value: SpecNode.Value
        switch next {
        case UInt8(ascii: "{"): value = .map(try entries(depth: depth))
        case UInt8(ascii: "["): value = .list(try elements(depth: depth))
        case UInt8(ascii: "\""): value = .string(try string())
        case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte): value = .number(try number())
        default: value = try word()
        }
        return SpecNode(value, place: place)
    }

    private mutating func entries(depth: Int) throws(SpecError) -> [SpecNode.Entry] {
        var entries: [SpecNode.Entry] = []
        var keys: Set<String> = []
        _ = take("{")
        if take("}") { return [] }
        repeat {
            let start = position
            let place = self.place()
            guard next == UInt8(ascii: "\"") else { throw failure("a key in double quotes belongs here") }
            let key = try string()
            guard keys.insert(key).inserted else {
                throw failure("the key \(key.quoted) stands here twice", at: start)
            }
            skipSpace()
            guard take(":") else { throw failure("':' and a value belong here") }
            let value = try node(depth: depth + 1)
            entries.append(SpecNode.Entry(key: key, value: value, place: place))
            skipSpace()
        } while take(",")
        guard next == UInt8(ascii: "}") else { throw failure("',' or '}' belongs here") }
        position += 1
        return entries
    }

    private mutating func elements(depth: Int) throws(SpecError) -> [SpecNode] {
        var nodes: [SpecNode] = []
        _ = take("[")
        guard next != UInt8(ascii: "]") else {
            position += 1
            return []
        }
        repeat {
            nodes.append(try node(depth: depth + 1))
            skipSpace()
        } while take(",")
        guard next == UInt8(ascii: "]") else { throw failure("',' or ']' belongs here") }
        position += 1
        return nodes
    }

    private mutating func word() throws(SpecError) -> SpecNode.Value {
        let word = bytes[position...].prefix { isLetter($0) }
        let value: SpecNode.Value
        switch String(decoding: word.prefix(6), as: UTF8.self) {
        case "true": value = .boolean(true)
        case "false": value = .boolean(false)
        case "null": value = .null
        default: throw failure("a value belongs here")
        }
        position += word.count
        return value
    }

    /// RFC 8259, section 6.
    private mutating func number() throws(SpecError) -> String {
        let start = position
        func digits(_ position: inout Int) -> Int {
            let count = bytes[position...].prefix(while: isDigit).count
            position += count
            return count
        }
        if next == UInt8(ascii: "-") { position += 1 }
        let leadsWithZero = next == UInt8(ascii: "0")
        let whole = digits(&position)
        var isValid = whole == 1 || (whole > 1 && !leadsWithZero)
        if next == UInt8(ascii: ".") {
            position += 1
            isValid = digits(&position) > 0 && isValid
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            isValid = digits(&position) > 0 && isValid
        }
        guard isValid else { throw failure("not a number of JSON", at: start) }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// RFC 8259, section 7.
    private mutating func string() throws(SpecError) -> String {
        var text: [UInt8] = []
        position += 1
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw failure("a control character in a text; write \\n or \\u00XX") }
            position += 1
            if byte == UInt8(ascii: "\\") { text += Array(String(try escape()).utf8) } else { text.append(byte) }
        }
        guard next != nil else { throw failure("a text has no end") }
        position += 1
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func escape() throws(SpecError) -> Character {
        let letter = next
        position += 1
        switch letter {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw failure("not an escape of JSON", at: position - 1)
        }
        let start = position - 2
        var code = try hexadecimal()
        if (0xd800..<0xdc00).contains(code), next == UInt8(ascii: "\\") {
            position += 1
            guard next == UInt8(ascii: "u") else { throw failure("half of a surrogate pair", at: start) }
            position += 1
            let low = try hexadecimal()
            guard (0xdc00..<0xe000).contains(low) else { throw failure("half of a surrogate pair", at: start) }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair", at: start) }
        return Character(scalar)
    }

    private mutating func hexadecimal() throws(SpecError) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ isDigit($0) || (0x61...0x66).contains($0 | 0x20) }),
            let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw failure("four hexadecimal digits belong after \\u") }
        position += 4
        return code
    }
}
