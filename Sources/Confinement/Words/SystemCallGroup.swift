// SPDX-License-Identifier: Apache-2.0

/// Calls that are about one thing, with their parameters: for reports and explanations.
struct SystemCallGroup {
    /// In words, as `files by name`.
    let title: String
    let signatures: [SystemCallSignature]

    /// - Parameter table: a call a line, its parameters after it.
    init(_ title: String, _ table: String) {
        self.title = title
        signatures = table.split(separator: "\n").map { SystemCallSignature($0) }
    }

    /// In the order in which a reader wants them.
    static let all = [
        filesByPath, openFiles, attributes, processes, memory, signals, identity, scheduling, time, events, sockets,
        interprocess, namespaces, restriction, kernel, machine, relics,
    ]
}

/// A call's name and parameters.
struct SystemCallSignature {
    let name: String
    let parameters: [Parameter]

    struct Parameter {
        let name: String
        let kind: Kind
    }

    enum Kind {
        /// `path$`: the address of a text.
        case text
        /// `buf*`: any other address.
        case address
        /// `dirfd@`: a directory's descriptor, or AT_FDCWD.
        case directory
        /// `mode%`: bits that are written in octal.
        case octal
        /// `flags&`: bits without names here.
        case hexadecimal
        /// `size#`: 64 bits, unsigned.
        case size
        /// `count+`: an `unsigned int`.
        case unsigned
        /// `flags:OPEN`: named values.
        case named(Vocabulary)
        /// `fd`: an `int`.
        case int
    }

    /// - Parameter line: the name and the parameters, each with the mark of its kind; divided by spaces.
    fileprivate init(_ line: Substring) {
        let words = line.split(separator: " ")
        name = String(words[0])
        parameters = words.dropFirst().map { word in
            let marks: [Character: Kind] = [
                "$": .text, "*": .address, "@": .directory, "%": .octal, "&": .hexadecimal, "#": .size, "+": .unsigned,
            ]
            if let kind = marks[word.last ?? " "] { return Parameter(name: String(word.dropLast()), kind: kind) }
            let parts = word.split(separator: ":")
            guard parts.count == 2 else { return Parameter(name: String(word), kind: .int) }
            guard let vocabulary = Vocabulary.all[String(parts[1])] else {
                preconditionFailure("\(word): there is no such vocabulary")
            }
            return Parameter(name: String(parts[0]), kind: .named(vocabulary))
        }
    }

    /// The signature of a call, where this module has one.
    static func named(_ name: String) -> SystemCallSignature? { byName[name] }

    private static let byName: [String: SystemCallSignature] = Dictionary(
        SystemCallGroup.all.flatMap(\.signatures).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
}
