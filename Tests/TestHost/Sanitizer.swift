// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The sanitizer that the tests and the command line program are built with: `MARTINET_SANITIZER`, which `scripts/sanitize`
/// sets. docs/testing.md says what each sees.
public enum Sanitizer: String, Sendable {
    case address, thread, undefined

    public static let current = getenv("MARTINET_SANITIZER").flatMap { Sanitizer(rawValue: String(cString: $0)) }

    /// Whether there is a runtime in the process, which keeps what was freed, makes calls of its own, and stops the process
    /// as a debugger does.
    public static var hasRuntime: Bool { current == .address || current == .thread }
}
