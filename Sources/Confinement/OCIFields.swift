// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

/// The entries of one map of a profile. A key with the value `null` is as good as absent: Go programs write such.
struct OCIFields {
    private var entries: [String: SpecNode] = [:]

    /// - Throws: for a value that is no map, and for a key that is not one of `keys`, naming the nearest.
    init(_ node: SpecNode, keys: [String]) throws(SpecError) {
        for entry in try node.map() {
            guard keys.contains(entry.key) else {
                throw SpecError(
                    "\(entry.key.quoted) is no key of a profile here", path: "",
                    hint: nearestName(to: entry.key, among: keys).map { "did you mean \($0)?" }
                        ?? "known are \(keys.joined(separator: ", "))",
                    location: entry.place.map { "\($0.line):\($0.column)" })
            }
            if case .null = entry.value.value { continue }
            entries[entry.key] = entry.value
        }
    }

    subscript(key: String) -> SpecNode? { entries[key] }

    /// Reads a field's value; errors get the field's path and place.
    func read<Value>(
        _ key: String, _ body: (SpecNode) throws(SpecError) -> Value
    ) throws(SpecError) -> Value? {
        guard let node = entries[key] else { return nil }
        return try Self.located(node, key, body)
    }

    private static func located<Value>(
        _ node: SpecNode, _ path: String, _ body: (SpecNode) throws(SpecError) -> Value
    ) throws(SpecError) -> Value {
        do throws(SpecError) {
            return try body(node)
        } catch {
            var error = error.within(path)
            if error.location == nil, let place = node.place { error.location = "\(place.line):\(place.column)" }
            throw error
        }
    }

    func text(_ key: String) throws(SpecError) -> String? {
        try read(key) { (node) throws(SpecError) in try node.text(numbers: .refused) }
    }

    /// A list; empty where there is none.
    func list<Value>(
        _ key: String, _ body: (SpecNode) throws(SpecError) -> Value
    ) throws(SpecError) -> [Value] {
        try read(key) { (node) throws(SpecError) in
            var values: [Value] = []
            for (index, element) in try node.list().enumerated() {
                values.append(try Self.located(element, "[\(index)]", body))
            }
            return values
        } ?? []
    }

    /// A whole number of 64 bits, which must be there.
    func number(_ key: String) throws(SpecError) -> UInt64 {
        let number = try read(key) { (node) throws(SpecError) in
            guard case .number(let text) = node.value, let number = plainNumber(text[...]) else {
                throw SpecError(
                    "\(node.kindName) is not a whole number from 0 to 18446744073709551615",
                    hint: "a negative int is written as what it is without a sign: 4294967295 for -1")
            }
            return number
        }
        guard let number else { throw SpecError("is missing", path: key) }
        return number
    }

    /// A word of a list of known ones, which must be there.
    func name(_ key: String, among known: [String]) throws(SpecError) -> String {
        let name = try read(key) { (node) throws(SpecError) in try Self.known(node, known) }
        guard let name else { throw SpecError("is missing", path: key) }
        return name
    }

    func names(_ key: String, among known: [String]) throws(SpecError) -> [String] {
        try list(key) { (node) throws(SpecError) in try Self.known(node, known) }
    }

    private static func known(_ node: SpecNode, _ names: [String]) throws(SpecError) -> String {
        let text = try node.text(numbers: .refused)
        guard names.contains(text) else {
            throw SpecError(
                "\(text.quoted) is not known",
                hint: nearestName(to: text, among: names).map { "did you mean \($0)?" }
                    ?? "known are \(names.joined(separator: ", "))")
        }
        return text
    }
}

extension OCIFields {
    /// An action with its errno, as a number (`errnoRet`) or a name (`errno`).
    ///
    /// - Parameter errno: the key of the name; that of the number is the same with `Ret`.
    func action(_ key: String, errno nameKey: String) throws(SpecError) -> SeccompProfile.Action {
        let name = try self.name(key, among: OCIVocabulary.actionNames)
        if let refused = OCIVocabulary.refusedActions.first(where: { $0.name == name }) {
            throw SpecError(refused.reason, path: key, hint: refused.hint)
        }
        let errno = try self.errno(nameKey)
        if name == OCIVocabulary.errnoAction { return .errno(errno ?? .notPermitted) }
        guard errno == nil, let known = OCIVocabulary.actions.first(where: { $0.name == name }) else {
            throw SpecError(
                "\(name) returns no errno", path: self[nameKey] == nil ? nameKey + "Ret" : nameKey,
                hint: "write SCMP_ACT_ERRNO, or leave the errno out")
        }
        return known.action
    }

    private func errno(_ nameKey: String) throws(SpecError) -> Errno? {
        let numberKey = nameKey + "Ret"
        let named = try read(nameKey) { (node) throws(SpecError) in
            let text = try node.text(numbers: .refused)
            guard let errno = Errno(name: text) else {
                throw SpecError("\(text.quoted) is no errno", hint: "as EPERM or ENOSYS; see errno(3)")
            }
            return errno
        }
        guard self[numberKey] != nil else { return named }
        let number = try number(numberKey)
        guard number <= 4095 else { throw SpecError("an errno is at most 4095", path: numberKey) }
        let numbered = Errno(rawValue: Int32(number))
        if let named, named != numbered {
            throw SpecError("says \(numbered.name), where \(nameKey) says \(named.name)", path: numberKey)
        }
        return numbered
    }

    func flags() throws(SpecError) -> FilterFlags {
        var flags: FilterFlags = []
        for (index, name) in try names("flags", among: OCIVocabulary.flags.map(\.name)).enumerated() {
            for known in OCIVocabulary.flags where known.name == name {
                if let refusal = known.refusal {
                    throw SpecError("\(name) \(refusal)", path: "flags[\(index)]", hint: "leave it out")
                }
                flags.insert(known.flag)
            }
        }
        return flags
    }

    /// `includes` or `excludes`.
    func circumstance(_ key: String) throws(SpecError) -> OCIProfile.Circumstance {
        try read(key) { (node) throws(SpecError) in
            let fields = try OCIFields(node, keys: OCIVocabulary.circumstanceKeys)
            var circumstance = OCIProfile.Circumstance()
            for set in try fields.list("caps", Self.capability) { circumstance.capabilities.formUnion(set) }
            circumstance.architectures = try fields.names("arches", among: OCIVocabulary.dockerArchitectures)
            circumstance.oldestKernel = try fields.read("minKernel", Self.kernel)
            return circumstance
        } ?? OCIProfile.Circumstance()
    }

    private static func capability(_ node: SpecNode) throws(SpecError) -> CapabilitySet {
        let text = try node.text(numbers: .refused)
        do throws(ConfinementError) {
            return try CapabilitySet(name: text)
        } catch {
            throw SpecError("\(text.quoted) is no capability", hint: error.hint)
        }
    }

    private static func kernel(_ node: SpecNode) throws(SpecError) -> KernelVersion {
        let text = try node.text(numbers: .refused)
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = plainNumber(parts[0]), let minor = plainNumber(parts[1]),
            major < 1000, minor < 1000
        else { throw SpecError("\(text.quoted) is no version of a kernel", hint: "two numbers, as \"4.8\"") }
        return KernelVersion(major: Int(major), minor: Int(minor))
    }
}
