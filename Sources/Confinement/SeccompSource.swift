// SPDX-License-Identifier: Apache-2.0
import CSeccomp

/// The system-call filter a sandbox asks for. (None at all is a `nil` of this.)
public enum SeccompSource: Hashable, Sendable {
    /// `SeccompProfile.default` for these capabilities.
    case `default`(capabilities: CapabilitySet, denySetuidBits: Bool)
    case custom(SeccompProfile)

    public var profile: SeccompProfile {
        switch self {
        case .default(let capabilities, let denySetuidBits):
            .default(capabilities: capabilities, denySetuidBits: denySetuidBits)
        case .custom(let profile): profile
        }
    }

    /// Stands for the rule tables of the default profile, in all its variants. A test computes it from their canonical
    /// texts and prints the new value when a table has changed.
    public static let defaultRevision: UInt64 = 0xfcd4_0a64_63d3_430b

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
        case .custom(let profile):
            return compiler + "custom\n" + profile.canonicalText
        }
    }
}
