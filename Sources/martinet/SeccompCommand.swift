// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Confinement

/// `martinet seccomp`: the system-call filters that sandboxes can have.
struct SeccompCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seccomp", abstract: "Shows what system-call filters allow.",
        subcommands: [SeccompShowCommand.self, SeccompListCommand.self])
}

/// `martinet seccomp list`: the profiles that have names.
struct SeccompListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Prints the names of the built-in profiles, with a line on each.")

    func run() throws {
        let width = NamedProfile.allCases.map(\.rawValue.utf8.count).max() ?? 0
        for profile in NamedProfile.allCases {
            let space = String(repeating: " ", count: width - profile.rawValue.utf8.count + 2)
            Message.output("\(profile.rawValue)\(space)\(profile.abstract)\n")
        }
    }
}

/// The profiles that a name stands for.
enum NamedProfile: String, CaseIterable {
    case `default`, strict, unconfined

    var abstract: String {
        switch self {
        case .default: "for programs in general: no namespaces, mounts, keys, kernel interfaces, raw sockets"
        case .strict:
            "for programs that only compute: threads, memory, clocks, files for reading; no processes, no sockets"
        case .unconfined: "no filter"
        }
    }

    /// - Returns: `nil` for no filter.
    func profile(capabilities: CapabilitySet, denySetuidBits: Bool) -> SeccompProfile? {
        switch self {
        case .default: .default(capabilities: capabilities, denySetuidBits: denySetuidBits)
        case .strict: .strict
        case .unconfined: nil
        }
    }
}
