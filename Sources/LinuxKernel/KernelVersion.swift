// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A version of Linux: `6.12`. Distributions' suffixes and stable releases are left out.
public struct KernelVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var major: Int
    public var minor: Int

    public init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// The version in a release's name: `6.12.48-amd64` is 6.12. `nil` where there are no two numbers at its start.
    public init?(release: String) {
        let parts = release.split(maxSplits: 2, omittingEmptySubsequences: false, whereSeparator: { !$0.isNumber })
        guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
        self.init(major: major, minor: minor)
    }

    /// The version of the running kernel; `nil` if its name says none. uname(2)
    public static var running: KernelVersion? { KernelVersion(release: runningRelease) }

    /// The running kernel's name for itself.
    public static var runningRelease: String {
        var name = utsname()
        uname(&name)
        return withUnsafeBytes(of: &name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    public static func < (a: Self, b: Self) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
    public var description: String { "\(major).\(minor)" }
}
