// SPDX-License-Identifier: Apache-2.0

/// Reads the arguments of `run` and `explain` by `SpecField.all`, in microseconds.
///
/// A general parser of command lines takes longer to start than a sandbox; it is left to answer what this one does not
/// recognise: requests for help, and mistakes.
public enum FlagParser {
    /// What a command line asks for.
    public struct Parsed: Sendable {
        /// Flags and their values, in order. Switches have no value.
        public var flags: [(field: SpecField, text: String)] = []
        /// The program and its arguments.
        public var command: [String] = []
        /// The value of `--spec`: a file to begin with, onto which the flags are applied.
        public var specFile: String?

        public init() {}

        /// Puts the flags and the command into a spec. Single values replace those that are there, repeated ones add.
        public func apply(to spec: inout SandboxSpec, callerEnvironment: [String: String]) throws(SpecError) {
            for (field, text) in flags {
                try field.apply(.flag(text, callerEnvironment: callerEnvironment), to: &spec)
            }
            if !command.isEmpty { spec.command = command }
        }
    }

    /// Reads `--flag VALUE`, `--flag=VALUE`, `-f VALUE`, `-fVALUE`, `-f=VALUE` and clusters as `-it`. `--` or the first
    /// word that is no flag begins the command.
    ///
    /// - Returns: `nil` for an unknown flag, a missing value, or a value where none belongs.
    public static func parse(_ arguments: some Collection<String>) -> Parsed? {
        var parsed = Parsed()
        var rest = arguments[...]
        while let argument = rest.first {
            guard argument.utf8.first == 0x2d, argument.utf8.count > 1 else { break }
            rest = rest.dropFirst()
            if argument == "--" { break }
            let isRead =
                argument.hasPrefix("--")
                ? readLong(argument.dropFirst(2), &rest, &parsed) : readShort(argument.dropFirst(), &rest, &parsed)
            guard isRead else { return nil }
        }
        parsed.command = Array(rest)
        return parsed
    }

    private static func readLong<Rest: Collection<String>>(
        _ argument: Substring, _ rest: inout Rest, _ parsed: inout Parsed
    ) -> Bool where Rest.SubSequence == Rest {
        let equals = argument.utf8.firstIndex(of: 0x3d)
        let name = equals.map { argument[..<$0] } ?? argument
        let attached = equals.map { argument[argument.utf8.index(after: $0)...] }
        if name == "spec" {
            guard let file = value(attached, &rest) else { return false }
            parsed.specFile = file
            return true
        }
        guard let field = SpecField.named(name) else { return false }
        if field.isSwitch {
            guard attached == nil else { return false }
            parsed.flags.append((field, ""))
            return true
        }
        guard let text = value(attached, &rest) else { return false }
        parsed.flags.append((field, text))
        return true
    }

    private static func readShort<Rest: Collection<String>>(
        _ argument: Substring, _ rest: inout Rest, _ parsed: inout Parsed
    ) -> Bool where Rest.SubSequence == Rest {
        var letters = argument
        while let letter = letters.popFirst() {
            guard let field = SpecField.named(letter) else { return false }
            if field.isSwitch {
                parsed.flags.append((field, ""))
                continue
            }
            let attached = letters.first == "=" ? letters.dropFirst() : letters.isEmpty ? nil : letters
            guard let text = value(attached, &rest) else { return false }
            parsed.flags.append((field, text))
            return true
        }
        return true
    }

    /// The attached value or the next word. One that looks like a flag is no value: a forgotten value must not swallow it.
    private static func value<Rest: Collection<String>>(_ attached: Substring?, _ rest: inout Rest) -> String?
    where Rest.SubSequence == Rest {
        if let attached { return String(attached) }
        guard let next = rest.first, next.utf8.first != 0x2d || next == "-" else { return nil }
        rest = rest.dropFirst()
        return next
    }
}
