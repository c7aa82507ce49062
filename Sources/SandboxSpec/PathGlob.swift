// SPDX-License-Identifier: Apache-2.0

/// A pattern for paths below a directory: `*`, `?` and `[…]` within a name, `**` for any directories between.
public struct PathGlob: Sendable, Hashable, CustomStringConvertible {
    public let text: String
    private let components: [String]

    /// Reads a pattern, relative to the workspace. `..`, a leading `/` and a `[` without its `]` are errors: a pattern that
    /// guards nothing must not look as if it did.
    public init(_ text: String) throws(SpecError) {
        let components = pathComponents(text).filter { $0 != "." }.map(String.init)
        guard !text.utf8.starts(with: [0x2f]), !components.isEmpty, !components.contains(".."), !text.utf8.contains(0),
            text.utf8.count < 1024
        else {
            throw SpecError("\(text.quoted) is not a pattern below the workspace; write .env or secrets/*.key")
        }
        for component in components where component != "**" && component.contains("**") {
            throw SpecError("\(text.quoted): '**' stands for whole directories; write **/NAME")
        }
        for component in components where !Self.closesBrackets(component) {
            throw SpecError("\(text.quoted): '[' without ']'; write [ab] or [a-z], and [[] for the character itself")
        }
        self.text = components.joined(separator: "/")
        self.components = components
    }

    private static func closesBrackets(_ component: String) -> Bool {
        var scalars = component.unicodeScalars[...]
        while let open = scalars.firstIndex(of: "[") {
            let rest = scalars[scalars.index(after: open)...]
            let afterNegation = rest.first == "!" || rest.first == "^" ? rest.dropFirst() : rest
            guard let close = afterNegation.dropFirst().firstIndex(of: "]") else { return false }
            scalars = scalars[scalars.index(after: close)...]
        }
        return true
    }

    /// Whether the pattern names exactly one path.
    public var isLiteral: Bool { components.allSatisfy { !Self.isPattern($0) } }

    /// The path that a literal pattern names.
    public var literalPath: String? { isLiteral ? text : nil }

    /// The last component: what the last name of every match is like.
    public var lastComponent: String { components[components.count - 1] }

    /// Whether a path, relative to the workspace and without a leading slash, is one that the pattern means.
    public func matches(_ path: String) -> Bool {
        Self.states(of: components, after: pathComponents(path)).contains(components.count)
    }

    /// Whether the pattern means a path or a directory above it.
    public func covers(_ path: String) -> Bool {
        matches(path)
            || path.utf8.indices.contains { path.utf8[$0] == UInt8(ascii: "/") && matches(String(path[..<$0])) }
    }

    /// Whether something below a directory may match, so that a search has to look into it. `""` is the workspace.
    public func couldMatchBelow(directory: String) -> Bool {
        Self.states(of: components, after: pathComponents(directory)).contains { $0 < components.count }
    }

    /// The positions in the pattern that can be reached with these names: the states of an automaton, so that time grows
    /// with pattern times path and never faster.
    private static func states(of components: [String], after names: [Substring]) -> Set<Int> {
        func closure(_ states: Set<Int>) -> Set<Int> {
            var states = states
            for state in states.sorted() {
                var next = state
                while next < components.count, components[next] == "**" {
                    next += 1
                    states.insert(next)
                }
            }
            return states
        }
        var states = closure([0])
        for name in names {
            var next: Set<Int> = []
            for state in states where state < components.count {
                if components[state] == "**" {
                    next.insert(state)
                } else if nameMatches(Array(components[state].unicodeScalars), Array(name.unicodeScalars)) {
                    next.insert(state + 1)
                }
            }
            states = closure(next)
            if states.isEmpty { break }
        }
        return states
    }

    /// By its bytes, as it is matched: "[" with a combining mark after it is another character, and a pattern all the same.
    private static func isPattern(_ component: String) -> Bool { component.utf8.contains { "*?[".utf8.contains($0) } }

    /// One name against one component: the last `*` is gone back to, never an earlier one, so time is bounded by their
    /// product.
    private static func nameMatches(_ pattern: [Unicode.Scalar], _ name: [Unicode.Scalar]) -> Bool {
        var p = 0, n = 0
        var star: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == "*" {
                star = (p + 1, n)
                p += 1
            } else if p < pattern.count, let next = matchOne(pattern, p, name[n]) {
                p = next
                n += 1
            } else if let back = star {
                star = (back.pattern, back.name + 1)
                p = back.pattern
                n = back.name + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }

    /// Matches one character; the position after the pattern's item, or `nil`.
    private static func matchOne(_ pattern: [Unicode.Scalar], _ position: Int, _ scalar: Unicode.Scalar) -> Int? {
        switch pattern[position] {
        case "?": return position + 1
        case "[":
            // As sh(1): after "[" or "[!", a "]" is a member; reading the pattern has made sure that one closes it.
            var first = position + 1
            let negated = first < pattern.count && (pattern[first] == "!" || pattern[first] == "^")
            if negated { first += 1 }
            guard first < pattern.count, let end = pattern[(first + 1)...].firstIndex(of: "]") else { return nil }
            let items = Array(pattern[first..<end])
            var found = false
            var index = 0
            while index < items.count {
                if index + 2 < items.count, items[index + 1] == "-" {
                    found = found || (items[index] <= scalar && scalar <= items[index + 2])
                    index += 3
                } else {
                    found = found || items[index] == scalar
                    index += 1
                }
            }
            return found != negated ? end + 1 : nil
        default: return pattern[position] == scalar ? position + 1 : nil
        }
    }

    public var description: String { text }

    /// A pattern of this module's own, which needs no check.
    init(builtin text: String) {
        self.text = text
        components = pathComponents(text).map(String.init)
    }
}
