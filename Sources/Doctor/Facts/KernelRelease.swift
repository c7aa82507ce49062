// SPDX-License-Identifier: Apache-2.0

/// A kernel's release, as `6.1.0-32-amd64`. uname(2)
public struct KernelRelease: Sendable, Equatable, Comparable {
    public var text: String
    public var major: Int
    public var minor: Int

    /// A release or a version; what cannot be read counts as the oldest.
    public init(_ text: String) {
        self.text = text
        let parts = text.split(maxSplits: 2, whereSeparator: { !$0.isNumber })
        major = parts.first.flatMap { Int($0) } ?? 0
        minor = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    }

    public static func < (a: Self, b: Self) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
}
