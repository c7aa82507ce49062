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
        /// The value of `--report`: a format, and where to, as `json=3`.
        public var report: String?
        /// The value of `--learn`: the file for the profile.
        public var learn: String?
        /// `--verbose`, or `-v` alone.
        public var isVerbose = false
        /// What is asked of a sandbox that goes on without its caller.
        public var detached = Detached()

        /// Whether `-i` was given.
        public var isInteractive: Bool { flags.contains { $0.field.flag == "interactive" } }

        public init() {}

        /// Puts the flags and the command into a spec. Single values replace those that are there, repeated ones add.
        public func apply(to spec: inout SandboxSpec, callerEnvironment: [String: String]) throws(SpecError) {
            for (field, text) in flags {
                try field.apply(.flag(text, callerEnvironment: callerEnvironment), to: &spec)
            }
            if !command.isEmpty { spec.command = command }
        }
    }

    /// `--detach`, and what goes with it.
    public struct Detached: Sendable {
        public var isAsked = false
        /// `--rm`
        public var removesItself = false
        /// `--restart`
        public var restart: String?
        /// `--label`, in order: KEY or KEY=VALUE.
        public var labels: [String] = []
        /// `--log-size`
        public var logSize: String?
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
        switch name {
        case "spec", "report", "learn":
            guard let text = value(attached, &rest) else { return false }
            if name == "spec" { parsed.specFile = text }
            if name == "report" { parsed.report = text }
            if name == "learn" { parsed.learn = text }
            return true
        case "verbose":
            parsed.isVerbose = true
            return attached == nil
        case "detach":
            parsed.detached.isAsked = true
            return attached == nil
        case "rm":
            parsed.detached.removesItself = true
            return attached == nil
        case "restart", "label", "log-size":
            guard let text = value(attached, &rest) else { return false }
            if name == "restart" { parsed.detached.restart = text }
            if name == "label" { parsed.detached.labels.append(text) }
            if name == "log-size" { parsed.detached.logSize = text }
            return true
        default: break
        }
        guard let field = SpecField.named(name) else { return false }
        if field.isSwitch {
            guard attached == nil else { return false }
            parsed.flags.append((field, ""))
            return true
        }
        guard let text = value(attached, &rest, takesNegative: (field.form.minimum ?? 0) < 0) else { return false }
        parsed.flags.append((field, text))
        return true
    }

    private static func readShort<Rest: Collection<String>>(
        _ argument: Substring, _ rest: inout Rest, _ parsed: inout Parsed
    ) -> Bool where Rest.SubSequence == Rest {
        var letters = argument
        while let letter = letters.popFirst() {
            // `-v SRC:DST` is a bind, as Docker's; `-v` before anything else asks for words.
            if letter == "v", letters.isEmpty || !letters.utf8.contains(0x3a),
                !isBind(letters.isEmpty ? rest.first : nil)
            {
                parsed.isVerbose = true
                continue
            }
            if letter == "d" {
                parsed.detached.isAsked = true
                continue
            }
            if letter == "l" {
                let attached = letters.first == "=" ? letters.dropFirst() : letters.isEmpty ? nil : letters
                guard let text = value(attached, &rest) else { return false }
                parsed.detached.labels.append(text)
                return true
            }
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

    private static func isBind(_ word: String?) -> Bool {
        guard let word, word.utf8.first != 0x2d else { return false }
        return (try? BindMount(word)) != nil
    }

    /// The attached value or the next word. One that looks like a flag is no value: a forgotten value must not swallow it. A
    /// negative number does not look like one: no flag is a digit.
    private static func value<Rest: Collection<String>>(
        _ attached: Substring?, _ rest: inout Rest, takesNegative: Bool = false
    ) -> String?
    where Rest.SubSequence == Rest {
        if let attached { return String(attached) }
        guard let next = rest.first,
            next.utf8.first != 0x2d || next == "-" || takesNegative && plainNumber(next.dropFirst()) != nil
        else {
            return nil
        }
        rest = rest.dropFirst()
        return next
    }
}
