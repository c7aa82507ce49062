// SPDX-License-Identifier: Apache-2.0

@testable import Engine
@testable import SandboxSpec
@testable import Storage

/// Sizes, spans of time, shares and patterns: text, value, text again, and the same value again.
let quantityTargets = [
    FuzzTarget(name: "sizes", run: readSizes),
    FuzzTarget(name: "durations", run: readDurations),
    FuzzTarget(name: "globs", run: readGlob),
]

private func readSizes(_ bytes: [UInt8]) throws(Violation) {
    let text = bytes.text
    if let size = try? ByteCount(text) {
        let again = try requireSuccess("\(size) is a size") { try ByteCount(size.description) }
        try require(again == size, "\(text.debugDescription): \(size.bytes), then \(again.bytes)")
        // Within a byte of what floating-point arithmetic says, as far as that is exact.
        let digits = text.prefix { $0.isNumber || $0 == "." }
        if let number = Double(digits), size.bytes < 1 << 52, number >= 1 {
            let scale = (Double(size.bytes) / number).rounded()
            try require(scale >= 1 && scale <= Double(1 << 50), "\(text.debugDescription) is \(size.bytes)")
        }
    }
    if let cpus = try? CPUCount(text) {
        try require((10...8_192_000).contains(cpus.milli), "\(cpus.milli) thousandths")
        let again = try requireSuccess("\(cpus) is a number of CPUs") { try CPUCount(cpus.description) }
        try require(again == cpus, "\(text.debugDescription): \(cpus.milli), then \(again.milli)")
    }
    if let limit = try? ResourceLimit(name: "nofile", value: text) {
        let again = try requireSuccess("\(limit.valueText) is a limit") {
            try ResourceLimit(name: "nofile", value: limit.valueText)
        }
        try require(again == limit, "\(text.debugDescription): \(limit.valueText), then \(again.valueText)")
    }
}

private func readDurations(_ bytes: [UInt8]) throws(Violation) {
    let text = bytes.text
    for allowsNegative in [false, true] {
        let read = try reading { () throws(SpecError) in
            try DurationText.parse(text, allowsNegative: allowsNegative)
        }
        guard let read else { continue }
        try require(allowsNegative || read >= .zero, "\(text.debugDescription) goes back")
        let written = DurationText.print(read)
        let again = try requireSuccess("\(written) is a duration") {
            try DurationText.parse(written, allowsNegative: allowsNegative)
        }
        try require(again == read, "\(text.debugDescription): \(read), then \(again)")
    }
}

/// A pattern and a path, with a zero byte between them.
private func readGlob(_ bytes: [UInt8]) throws(Violation) {
    let parts = bytes.parts(atMost: 2).map(\.text)
    guard let glob = try reading({ () throws(SpecError) in try PathGlob(parts[0]) }) else { return }
    let again = try requireSuccess("\(glob.text) is a pattern") { try PathGlob(glob.text) }
    try require(again == glob, "the pattern is another after writing it: \(glob), then \(again)")
    if let path = glob.literalPath { try require(glob.matches(path), "\(glob) does not match itself") }
    guard parts.count == 2 else { return }
    // As the paths that guards ask about: names between single slashes.
    let names = pathComponents(parts[1]).map(String.init)
    let path = names.joined(separator: "/")
    let isMatched = glob.matches(path)
    if glob.text.utf8.count * path.utf8.count < 4096 {
        let components = pathComponents(glob.text).map(String.init)
        let isExpected = matches(components[...], names[...])
        try require(
            isMatched == isExpected, "\(glob) on \(path.debugDescription): \(isMatched), by the rules \(isExpected)")
    }
    try checkGuards(path, names)
    guard isMatched, let name = names.last else { return }
    try require(isLookedAt(name, GuardPattern(glob)), "\(glob): \(path.debugDescription) is passed over")
    try require(glob.covers(path), "\(glob) matches \(path.debugDescription) and does not cover it")
    for count in names.indices {
        let above = names[..<count].joined(separator: "/")
        try require(glob.couldMatchBelow(directory: above), "\(glob): nobody would look in \(above.debugDescription)")
    }
}

/// The built-in guards hold wherever the names are that they are about, whatever the names above them.
private func checkGuards(_ path: String, _ names: [String]) throws(Violation) {
    guard let name = names.last else { return }
    if [".env", ".netrc", "id_rsa"].contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
        try require(hidden.matches(path, isDirectory: false), "\(path.debugDescription) is not hidden")
    }
    try require(hidden.couldMatchBelow(path), "nobody would look for guarded names in \(path.debugDescription)")
}

private let hidden = GuardRuleSet(.hiding(SandboxSpec()))

private func isLookedAt(_ name: String, _ pattern: GuardPattern) -> Bool {
    let index = GuardNameIndex([GuardRules([pattern])])
    return Array(name.utf8).withUnsafeBytes { index.contains($0) }
}

// The rules once more, in the plainest way there is: every choice is tried.

private func matches(_ pattern: ArraySlice<String>, _ names: ArraySlice<String>) -> Bool {
    guard let first = pattern.first else { return names.isEmpty }
    if first == "**" {
        return matches(pattern.dropFirst(), names) || !names.isEmpty && matches(pattern, names.dropFirst())
    }
    guard let name = names.first else { return false }
    return matches(Array(first.unicodeScalars)[...], Array(name.unicodeScalars)[...])
        && matches(pattern.dropFirst(), names.dropFirst())
}

private func matches(_ pattern: ArraySlice<Unicode.Scalar>, _ name: ArraySlice<Unicode.Scalar>) -> Bool {
    guard let first = pattern.first else { return name.isEmpty }
    let rest = pattern.dropFirst()
    switch first {
    case "*": return matches(rest, name) || !name.isEmpty && matches(pattern, name.dropFirst())
    case "?": return !name.isEmpty && matches(rest, name.dropFirst())
    case "[":
        guard let scalar = name.first else { return false }
        let isNegated = rest.first == "!" || rest.first == "^"
        let members = isNegated ? rest.dropFirst() : rest
        guard let end = members.dropFirst().firstIndex(of: "]") else { return false }
        return isMember(scalar, of: Array(members[..<end])) != isNegated
            && matches(pattern[(end + 1)...], name.dropFirst())
    default: return name.first == first && matches(rest, name.dropFirst())
    }
}

private func isMember(_ scalar: Unicode.Scalar, of members: [Unicode.Scalar]) -> Bool {
    guard let first = members.first else { return false }
    if members.count >= 3, members[1] == "-" {
        return first.value <= scalar.value && scalar.value <= members[2].value
            || isMember(scalar, of: Array(members.dropFirst(3)))
    }
    return first == scalar || isMember(scalar, of: Array(members.dropFirst()))
}
