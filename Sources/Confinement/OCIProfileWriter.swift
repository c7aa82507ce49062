// SPDX-License-Identifier: Apache-2.0

extension SeccompProfile {
    /// The profile as OCI JSON: reading it gives an equal profile, whatever the capabilities.
    ///
    /// - Throws: `.invalidProfile` for what OCI has no words for: an answer of its own to foreign ABIs, or to calls newer
    ///   than the profile.
    public func ociJSON() throws(ConfinementError) -> String {
        guard foreignArchitectureAction == .errno(.noSystemCall) else {
            throw ConfinementError(
                .invalidProfile, subject: "OCI cannot say \"foreign \(foreignArchitectureAction)\"")
        }
        guard newerCallAction == OCIProfile.newerCallAction(defaultAction) else {
            throw ConfinementError(
                .invalidProfile,
                subject: "OCI cannot say \"newer \(newerCallAction ?? defaultAction)\" by \"default \(defaultAction)\"")
        }
        var fields = Self.fields(defaultAction, action: "defaultAction", errno: "defaultErrnoRet")
        if architectures != [.native] {
            fields.append(("architectures", .list(architectures.map { .text(Self.name($0)) })))
        }
        let names = OCIVocabulary.flags.filter { !$0.flag.isEmpty && flags.contains($0.flag) }.map(\.name)
        if !names.isEmpty { fields.append(("flags", .list(names.map(OCIValue.text)))) }
        fields.append(("syscalls", .list(rules.map { .map($0.ociFields) })))
        return OCIValue.map(fields).text() + "\n"
    }

    fileprivate static func fields(_ action: Action, action key: String, errno errnoKey: String) -> [OCIValue.Field] {
        if case .errno(let number) = action {
            return [(key, .text(OCIVocabulary.errnoAction)), (errnoKey, .number(UInt64(number.rawValue)))]
        }
        // SCMP_ACT_KILL is the older name of SCMP_ACT_KILL_THREAD.
        let name = OCIVocabulary.actions.last { $0.action == action }?.name
        return [(key, .text(name ?? ""))]
    }

    private static func name(_ architecture: Architecture) -> String {
        OCIVocabulary.architectures.first { $0.architecture == architecture }?.name ?? ""
    }
}

extension SeccompProfile.Rule {
    fileprivate var ociFields: [OCIValue.Field] {
        var fields: [OCIValue.Field] = [("names", .list(calls.map(OCIValue.text)))]
        fields += SeccompProfile.fields(action, action: "action", errno: "errnoRet")
        if !conditions.isEmpty { fields.append(("args", .list(conditions.map { .map($0.ociFields) }))) }
        return fields
    }
}

extension SeccompProfile.Condition {
    fileprivate var ociFields: [OCIValue.Field] {
        let index: OCIValue.Field = ("index", .number(UInt64(argument)))
        if case .maskedEqual(let mask) = comparison {
            return [
                index, ("value", .number(mask)), ("valueTwo", .number(value)),
                ("op", .text(OCIVocabulary.maskedComparison)),
            ]
        }
        let name = OCIVocabulary.comparisons.first { $0.comparison == comparison }?.name
        return [index, ("value", .number(value)), ("op", .text(name ?? ""))]
    }
}

/// JSON to be written: short lists and maps on one line, names of calls filled into lines.
private indirect enum OCIValue {
    typealias Field = (key: String, value: OCIValue)

    case text(String)
    case number(UInt64)
    case list([OCIValue])
    case map([Field])

    private static let width = 100

    /// - Parameter used: what stands on the line already, without the indent.
    func text(indent: Int = 0, used: Int = 0) -> String {
        let line = oneLine
        if line.utf8.count + indent + used <= Self.width { return line }
        let inner = String(repeating: " ", count: indent + 4)
        let end = "\n" + String(repeating: " ", count: indent)
        switch self {
        case .text, .number: return line
        case .list(let values) where values.allSatisfy(\.isScalar):
            return "[\n" + Self.filled(values, inner) + end + "]"
        case .list(let values):
            return "[\n" + values.map { inner + $0.text(indent: indent + 4) }.joined(separator: ",\n") + end + "]"
        case .map(let fields):
            let lines = fields.map { field in
                let key = Self.quoted(field.key) + ": "
                return inner + key + field.value.text(indent: indent + 4, used: key.utf8.count)
            }
            return "{\n" + lines.joined(separator: ",\n") + end + "}"
        }
    }

    private var isScalar: Bool {
        switch self {
        case .text, .number: true
        case .list, .map: false
        }
    }

    private var oneLine: String {
        switch self {
        case .text(let text): Self.quoted(text)
        case .number(let number): "\(number)"
        case .list(let values): "[" + values.map(\.oneLine).joined(separator: ", ") + "]"
        case .map(let fields):
            "{" + fields.map { "\(Self.quoted($0.key)): \($0.value.oneLine)" }.joined(separator: ", ") + "}"
        }
    }

    private static func filled(_ values: [OCIValue], _ indent: String) -> String {
        var lines: [String] = []
        var line = indent
        for (index, value) in values.enumerated() {
            let word = value.oneLine + (index + 1 < values.count ? "," : "")
            if line.utf8.count > indent.utf8.count, line.utf8.count + 1 + word.utf8.count > width {
                lines.append(line)
                line = indent
            }
            line += (line.utf8.count > indent.utf8.count ? " " : "") + word
        }
        return (lines + [line]).joined(separator: "\n")
    }

    /// RFC 8259, section 7. Names of calls need none of it; nothing here should depend on that.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\u{0}"..."\u{1f}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
