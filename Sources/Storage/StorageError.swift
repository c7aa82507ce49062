// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// What went wrong while files for a sandbox were found, opened or prepared.
///
/// Callers switch on `code`; the text names action, object and cause, and on a second line the cure where one is known.
public struct StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is. More may be added.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The kernel refused; `underlying` says why.
        public static let system = Code(rawValue: "system")
        /// What was asked for is not there.
        public static let notFound = Code(rawValue: "not-found")
        /// Something is there already.
        public static let exists = Code(rawValue: "exists")
        /// A value or a file's contents break their rules.
        public static let malformed = Code(rawValue: "malformed")
        /// A bound was reached: identities, entries, depth, size.
        public static let exhausted = Code(rawValue: "exhausted")
        /// Owner, mode or type of a path would let someone else interfere.
        public static let unsafePath = Code(rawValue: "unsafe-path")
        /// The file system cannot do what is needed of it.
        public static let unsupportedFileSystem = Code(rawValue: "unsupported-file-system")
        /// Another sandbox uses it.
        public static let inUse = Code(rawValue: "in-use")
        /// A program this needs is not installed.
        public static let toolMissing = Code(rawValue: "tool-missing")
        /// A program was run and failed.
        public static let toolFailed = Code(rawValue: "tool-failed")
        /// The caller lacks a privilege.
        public static let notPermitted = Code(rawValue: "not-permitted")
        /// A signal asked for the end.
        public static let interrupted = Code(rawValue: "interrupted")
        /// The files changed between being looked at and being used.
        public static let changed = Code(rawValue: "changed")
    }

    public var code: Code
    /// What was being done, as `open overlay`.
    public var action: String
    /// The path or name it was about.
    public var subject: String
    public var cause: String
    /// The cure, where it is known.
    public var hint: String?
    public var underlying: SystemError?

    public init(
        _ code: Code, _ action: String, _ subject: String, _ cause: String, hint: String? = nil,
        underlying: SystemError? = nil
    ) {
        self.code = code
        self.action = action
        self.subject = subject
        self.cause = cause
        self.hint = hint
        self.underlying = underlying
    }

    /// A system call that failed while `action` was under way.
    public init(_ action: String, _ subject: String, _ error: SystemError, hint: String? = nil) {
        self.init(.system, action, subject, "\(error.operation): \(error.errno)", hint: hint, underlying: error)
    }

    public var description: String {
        let line = "\(action) \(visible(subject)): \(visible(cause))"
        guard let hint else { return line }
        return line + "\nhint: " + visible(hint)
    }
}

/// Runs kernel calls, whose failure becomes a `StorageError` about `action` on `subject`.
func reporting<Value: ~Copyable>(
    _ action: String, _ subject: String, _ body: () throws(SystemError) -> Value
) throws(StorageError) -> Value {
    do throws(SystemError) { return try body() } catch { throw StorageError(action, subject, error) }
}
