// SPDX-License-Identifier: Apache-2.0
import CSeccomp

/// The system-call filter a sandbox asks for. (None at all is a `nil` of this.)
public enum SeccompSource: Hashable, Sendable {
    /// `SeccompProfile.default` for these capabilities.
    case `default`(capabilities: CapabilitySet, denySetuidBits: Bool)
    /// `SeccompProfile.strict`. It opens no file for writing, so no setuid bit can be set either.
    case strict
    case custom(SeccompProfile)

    public var profile: SeccompProfile {
        switch self {
        case .default(let capabilities, let denySetuidBits):
            .default(capabilities: capabilities, denySetuidBits: denySetuidBits)
        case .strict: .strict
        case .custom(let profile): profile
        }
    }

    /// The flags that the filter is installed with.
    public var flags: FilterFlags {
        if case .custom(let profile) = self { profile.flags } else { [] }
    }

    /// Stands for the rule tables of the default profile in all its variants, and of the strict one. A test computes it from their canonical
    /// texts and prints the new value when a table has changed.
    public static let defaultRevision: UInt64 = 0xfbec_e68a_457b_b846

    /// A text that is equal for two sources only when their compiled filters are: the canonical text or, for the default
    /// profile, a line that stands for it and costs no more than a microsecond, together with who compiled it.
    var cacheKey: String {
        // libseccomp's version decides which names resolve, and how it lays out the tree.
        let library = seccomp_version().map { "\($0.pointee.major).\($0.pointee.minor).\($0.pointee.micro)" } ?? "?"
        let compiler = "compiler \(ContentHash.digits(SeccompCompiler.revision)) libseccomp \(library)\n"
        switch self {
        case .default(let capabilities, let denySetuidBits):
            let all =
                denySetuidBits ? DefaultRules.consultedForSharedDirectories : DefaultRules.consultedCapabilities
            let consulted = capabilities.intersection(all).rawValue
            return compiler + "default \(ContentHash.digits(Self.defaultRevision))"
                + " arch=\(SeccompProfile.Architecture.native.rawValue) caps=\(String(consulted, radix: 16))"
                + " setuid=\(denySetuidBits ? "deny" : "allow")\n"
        case .strict:
            return compiler + "strict \(ContentHash.digits(Self.defaultRevision))"
                + " arch=\(SeccompProfile.Architecture.native.rawValue)\n"
        case .custom(let profile):
            return compiler + "custom\n" + profile.canonicalText
        }
    }
}
