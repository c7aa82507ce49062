// SPDX-License-Identifier: Apache-2.0

/// System calls in words, for reports: `socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_AUDIT)`.
public enum SystemCallWords {
    /// The kernel's name of a call.
    ///
    /// - Returns: `nil` for a number or an ABI that this module knows nothing of.
    public static func name(of call: SeccompData) -> String? {
        guard let architecture = architecture(of: call) else { return nil }
        return SystemCallNumbers.name(of: call.number, on: architecture)
    }

    /// A call as a program would write it. Numbers without a name are decimal where they count something, octal where
    /// they are a mode, and hexadecimal otherwise.
    ///
    /// - Parameters:
    ///   - texts: what the caller found at the addresses of arguments, by index. It came from the program: it is
    ///     quoted, escaped and cut to 200 characters here, but it may have changed since, and nothing should rest on it.
    public static func describe(_ call: SeccompData, texts: [Int: String] = [:]) -> String {
        guard let architecture = architecture(of: call) else {
            return "call \(call.number) of the ABI 0x\(String(call.architecture, radix: 16))"
        }
        let suffix = architecture == .native ? "" : " [\(architecture.rawValue)]"
        guard let name = SystemCallNumbers.name(of: call.number, on: architecture) else {
            return "call \(call.number)\(suffix)"
        }
        guard let signature = SystemCallSignature.named(name) else {
            let arguments = call.arguments.map(Vocabulary.number).joined(separator: ", ")
            return "\(name)(\(arguments))\(suffix)"
        }
        let words = signature.parameters.enumerated().map { index, parameter in
            texts[index].map(quoted) ?? argument(parameter, index, call)
        }
        return "\(name)(\(words.joined(separator: ", ")))\(suffix)"
    }

    /// The arguments of a call that are addresses of texts: what a supervisor might read for `describe`.
    public static func textArguments(of call: SeccompData) -> [Int] {
        guard let name = name(of: call), let signature = SystemCallSignature.named(name) else { return [] }
        return signature.parameters.indices.filter {
            if case .text = signature.parameters[$0].kind { call.arguments[$0] != 0 } else { false }
        }
    }

    private static func architecture(of call: SeccompData) -> SeccompProfile.Architecture? {
        guard call.architecture == SeccompProfile.Architecture.x86_64.auditToken else {
            return SeccompProfile.Architecture.allCases.first { $0.auditToken == call.architecture }
        }
        return call.number < 0 || call.number & 0x4000_0000 == 0 ? .x86_64 : .x32
    }

    private static func argument(
        _ parameter: SystemCallSignature.Parameter, _ index: Int, _ call: SeccompData
    ) -> String {
        let value = call.arguments[index]
        switch parameter.kind {
        case .text, .address: return value == 0 ? "NULL" : "0x" + String(value, radix: 16)
        case .directory: return Int32(truncatingIfNeeded: value) == -100 ? "AT_FDCWD" : int(value)
        case .octal: return "0" + String(value & 0xffff_ffff, radix: 8)
        case .hexadecimal: return Vocabulary.number(value)
        case .size: return "\(value)"
        case .unsigned: return "\(value & 0xffff_ffff)"
        case .int: return int(value)
        case .named(let vocabulary):
            // A socket's protocol means something within its family only.
            if parameter.name == "protocol" {
                return Vocabulary.protocols(of: call.arguments[0])?.words(value) ?? int(value)
            }
            return vocabulary.words(value)
        }
    }

    private static func int(_ value: UInt64) -> String { "\(Int32(truncatingIfNeeded: value))" }

    private static func quoted(_ text: String) -> String {
        let start = String(text.prefix(200))
        let escaped = printable(start).split(separator: "\"", omittingEmptySubsequences: false).joined(
            separator: "\\\"")
        return "\"\(escaped)\"" + (start.utf8.count < text.utf8.count ? "…" : "")
    }
}
