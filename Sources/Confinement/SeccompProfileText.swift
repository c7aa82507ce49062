// SPDX-License-Identifier: Apache-2.0

extension SeccompProfile: CustomStringConvertible {
    public var description: String { canonicalText }

    /// The whole profile, a line a rule, in order of precedence. Equal texts mean equal filters: it is the cache's key.
    ///
    /// ```
    /// architectures x86_64
    /// foreign errno ENOSYS
    /// errno EPERM: ioctl if arg1 & 0xffffffff == 0x5412
    /// allow: access brk clone …
    /// default errno ENOSYS
    /// ```
    public var canonicalText: String {
        var text = "architectures"
        for architecture in architectures { text += " \(architecture.rawValue)" }
        text += "\nforeign \(foreignArchitectureAction)\n"
        for rule in rules { text += "\(rule)\n" }
        if !flags.isEmpty { text += "flags 0x\(String(flags.rawValue, radix: 16))\n" }
        if let newerCallAction { text += "newer \(newerCallAction)\n" }
        text += "default \(defaultAction)\n"
        return text
    }
}

extension SeccompProfile.Action: CustomStringConvertible {
    public var description: String {
        switch self {
        case .allow: "allow"
        case .errno(let number): "errno \(number.name)"
        case .killProcess: "kill process"
        case .killThread: "kill thread"
        case .trap: "trap"
        case .log: "log"
        }
    }
}

extension SeccompProfile.Rule: CustomStringConvertible {
    public var description: String {
        var text = "\(action):"
        // Names are escaped further than for display: a space within one must not look like two names.
        for call in calls { text += " \(printable(call).split(separator: " ").joined(separator: "\\u{20}"))" }
        for (index, condition) in conditions.enumerated() { text += "\(index == 0 ? " if" : " and") \(condition)" }
        return text
    }
}

extension SeccompProfile.Condition: CustomStringConvertible {
    public var description: String {
        let number = "0x" + String(value, radix: 16)
        return switch comparison {
        case .equal: "arg\(argument) == \(number)"
        case .notEqual: "arg\(argument) != \(number)"
        case .less: "arg\(argument) < \(number)"
        case .lessOrEqual: "arg\(argument) <= \(number)"
        case .greater: "arg\(argument) > \(number)"
        case .greaterOrEqual: "arg\(argument) >= \(number)"
        case .maskedEqual(let mask): "arg\(argument) & 0x\(String(mask, radix: 16)) == \(number)"
        }
    }
}
