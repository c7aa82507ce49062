// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

extension OCIProfile {
    /// Reads a profile's JSON, strictly: a key that is not of the format, a value out of range, a name that nothing has
    /// is an error with its place and path, and not passed over.
    ///
    /// - Parameter json: at most 1 MiB of UTF-8.
    /// - Throws: `.invalidProfile`.
    public init(json: [UInt8]) throws(ConfinementError) {
        do throws(SpecError) {
            try self.init(document: try SpecNode(json: json))
        } catch {
            throw ConfinementError(error)
        }
    }

    /// Reads a profile out of a larger document, JSON or YAML.
    ///
    /// - Throws: `.invalidProfile`.
    public init(node: SpecNode) throws(ConfinementError) {
        do throws(SpecError) {
            try self.init(document: node)
        } catch {
            throw ConfinementError(error)
        }
    }

    private init(document: SpecNode) throws(SpecError) {
        let fields = try OCIFields(document, keys: OCIVocabulary.documentKeys)
        for key in ["listenerPath", "listenerMetadata"] where fields[key] != nil {
            throw SpecError(
                "SCMP_ACT_NOTIFY and its listener hand calls to a program outside, and a sandbox has none",
                path: key, hint: "leave it out, and write SCMP_ACT_ALLOW or SCMP_ACT_ERRNO in the rules")
        }
        defaultAction = try fields.action("defaultAction", errno: "defaultErrno")
        architectures = try fields.names("architectures", among: OCIVocabulary.architectures.map(\.name))
        architectureMap = try fields.list("archMap") { (node) throws(SpecError) in
            let mapping = try OCIFields(node, keys: OCIVocabulary.mappingKeys)
            let known = OCIVocabulary.architectures.map(\.name)
            return ArchitectureMapping(
                architecture: try mapping.name("architecture", among: known),
                subArchitectures: try mapping.names("subArchitectures", among: known))
        }
        if !architectures.isEmpty, !architectureMap.isEmpty {
            throw SpecError("architectures and archMap say the same in two ways; write one of them", path: "archMap")
        }
        flags = try fields.flags()
        calls = try fields.list("syscalls") { (node) throws(SpecError) in try Calls(node) }
    }
}

extension OCIProfile.Calls {
    fileprivate init(_ node: SpecNode) throws(SpecError) {
        let fields = try OCIFields(node, keys: OCIVocabulary.callKeys)
        if fields["name"] != nil, fields["names"] != nil {
            throw SpecError("name and names say the same in two ways; write one of them", path: "name")
        }
        if let name = try fields.text("name") {
            names = [name]
        } else {
            names = try fields.list("names") { (node) throws(SpecError) in try node.text(numbers: .refused) }
        }
        guard !names.isEmpty, !names.contains("") else {
            throw SpecError("a rule names at least one call", path: fields["name"] == nil ? "names" : "name")
        }
        action = try fields.action("action", errno: "errno")
        let arguments = try fields.list("args") { (node) throws(SpecError) in try SeccompProfile.Condition(node) }
        // As runc has it: a rule that compares one argument twice means any of its conditions.
        let isAmbiguous = Set(arguments.map(\.argument)).count < arguments.count
        conditions = isAmbiguous ? arguments.map { [$0] } : [arguments]
        _ = try fields.text("comment")
        includes = try fields.circumstance("includes")
        excludes = try fields.circumstance("excludes")
    }
}

extension SeccompProfile.Condition {
    fileprivate init(_ node: SpecNode) throws(SpecError) {
        let fields = try OCIFields(node, keys: OCIVocabulary.argumentKeys)
        let argument = try fields.number("index")
        guard argument <= 5 else { throw SpecError("arguments are counted from 0 to 5", path: "index") }
        let value = try fields.number("value")
        let second = fields["valueTwo"] == nil ? 0 : try fields.number("valueTwo")
        let masked = OCIVocabulary.maskedComparison
        let operation = try fields.name("op", among: OCIVocabulary.comparisons.map(\.name) + [masked])
        guard operation != masked else {
            guard second & ~value == 0 else {
                throw SpecError(
                    "has bits that the mask in value has not, so nothing can match", path: "valueTwo",
                    hint: "value is the mask, and valueTwo what must be left under it")
            }
            self.init(argument: Int(argument), .maskedEqual(mask: value), second)
            return
        }
        guard second == 0 else {
            throw SpecError("only \(masked) compares with two values", path: "valueTwo", hint: "leave it out")
        }
        guard let known = OCIVocabulary.comparisons.first(where: { $0.name == operation }) else {
            throw SpecError("\(operation.quoted) is no comparison", path: "op")
        }
        self.init(argument: Int(argument), known.comparison, value)
    }
}

extension ConfinementError {
    fileprivate init(_ error: SpecError) {
        var error = error
        let hint = error.hint
        error.hint = nil
        self.init(.invalidProfile, subject: error.description, hint: hint)
    }
}
