// SPDX-License-Identifier: Apache-2.0

/// How the kernel treats uid 0 and capabilities in one process and all its descendants. capabilities(7), "The securebits
/// flags"; each is locked, for good, by the bit above it.
public struct Securebits: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let noRoot = Securebits(rawValue: 1 << 0)
    public static let noRootLocked = Securebits(rawValue: 1 << 1)
    public static let noSetuidFixup = Securebits(rawValue: 1 << 2)
    public static let noSetuidFixupLocked = Securebits(rawValue: 1 << 3)
    public static let keepCapabilities = Securebits(rawValue: 1 << 4)
    public static let keepCapabilitiesLocked = Securebits(rawValue: 1 << 5)
    public static let noAmbientRaise = Securebits(rawValue: 1 << 6)
    public static let noAmbientRaiseLocked = Securebits(rawValue: 1 << 7)

    /// An agent's: being root means nothing to exec and set-uid files, and nobody raises ambient capabilities; what it has
    /// it has from its start on. All of it locked, also what stays off: a program that was given CAP_SETUID and becomes
    /// another user expects the kernel to take its capabilities away (no `noSetuidFixup`), and then they are gone (no
    /// `keepCapabilities`).
    public static let agent: Securebits = [
        .noRoot, .noRootLocked, .noSetuidFixupLocked, .keepCapabilitiesLocked, .noAmbientRaise, .noAmbientRaiseLocked,
    ]

    private static let names = [
        "noroot", "noroot_locked", "no_setuid_fixup", "no_setuid_fixup_locked", "keep_caps", "keep_caps_locked",
        "no_cap_ambient_raise", "no_cap_ambient_raise_locked",
    ]

    /// The kernel's names, as `setpriv --dump` prints them.
    var text: String {
        Self.names.enumerated().filter { rawValue >> UInt32($0.offset) & 1 == 1 }.map(\.element).joined(separator: ",")
    }
}
