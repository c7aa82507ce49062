// SPDX-License-Identifier: Apache-2.0

/// A root file system to be built from a distribution's packages.
public struct RootfsRequest: Sendable, Equatable {
    /// The directory to build; absent or empty. Its parent must exist.
    public var target: String
    public var suite: String
    /// Packages besides those of the variant.
    public var include: [String] = []
    /// Where packages come from; `nil` takes the host's own mirror of the same distribution.
    public var mirror: String?
    /// debootstrap's choice of packages: `minbase` has apt and what is essential.
    public var variant = "minbase"
    /// Debian's name of an architecture; `nil` is the host's.
    public var architecture: String?

    public init(target: String, suite: String = "bookworm") {
        self.target = target
        self.suite = suite
    }

    /// The variants that debootstrap(8) documents and that need no programs of their own.
    public static let variants = ["minbase", "buildd"]

    /// Checks every value that becomes an argument of debootstrap.
    ///
    /// - Throws: `.malformed`, naming the value.
    public func validate() throws(StorageError) {
        try Self.requireName(suite, "suite")
        for package in include { try Self.requireName(package, "package") }
        if let architecture { try Self.requireName(architecture, "architecture") }
        guard Self.variants.contains(variant) else {
            throw StorageError(
                .malformed, "use variant", variant, "it is not one of \(Self.variants.joined(separator: ", "))")
        }
        if let mirror { try Self.requireMirror(mirror) }
        guard !target.isEmpty, !target.utf8.contains(0) else {
            throw StorageError(.malformed, "use directory", target, "it is not a path")
        }
    }

    /// Debian Policy 5.6.1: small letters, digits, `+`, `-` and `.`, a letter or digit first.
    private static func requireName(_ name: String, _ what: String) throws(StorageError) {
        let isValid =
            (1...128).contains(name.utf8.count) && !"+-.".utf8.contains(name.utf8.first ?? 0)
            && name.utf8.allSatisfy {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || "+-.".utf8.contains($0)
            }
        if isValid { return }
        throw StorageError(
            .malformed, "use \(what)", name,
            "it is not small letters, digits, '+', '-' and '.', a letter or digit first")
    }

    private static func requireMirror(_ mirror: String) throws(StorageError) {
        let scheme = ["http://", "https://", "file:///"].first { mirror.hasPrefix($0) }
        if let scheme, mirror.utf8.count > scheme.utf8.count, mirror.utf8.count <= 2048,
            mirror.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"\"'\\`$;|&<>".utf8.contains($0) })
        {
            return
        }
        throw StorageError(
            .malformed, "use mirror", mirror, "it is not an http, https or file URL",
            hint: "write http://deb.debian.org/debian")
    }
}
