// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A system call that failed: what was tried, on what, and the kernel's answer.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    public var operation: String
    public var errno: Errno
    /// The path or descriptor that the call was about.
    public var subject: String?

    public init(_ operation: String, _ errno: Errno, _ subject: String? = nil) {
        self.operation = operation
        self.errno = errno
        self.subject = subject
    }

    /// One line: `open /etc/shadow: permission denied (EACCES)`.
    public var description: String {
        guard let subject else { return "\(operation): \(errno)" }
        return "\(operation) \(visible(subject)): \(errno)"
    }
}

/// One system call. The only place where a kernel error becomes a `SystemError`.
///
/// Retries `EINTR`, which is safe for every call made through here: `close` is not (see `Descriptor`). `EBADF` and
/// `EFAULT` are bugs of the caller and trap.
@inline(__always) @discardableResult
func kernel(
    _ operation: StaticString, _ subject: @autoclosure () -> String?, _ number: Int,
    _ a: Int = 0, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0, _ e: Int = 0, _ f: Int = 0
) throws(SystemError) -> Int {
    while true {
        let result = mt_syscall(number, a, b, c, d, e, f)
        if result >= 0 { return result }
        let code = Int32(truncatingIfNeeded: -result)
        if code == EINTR { continue }
        precondition(code != EBADF && code != EFAULT, "\(operation): bad descriptor or address")
        throw SystemError(operation.description, Errno(rawValue: code), subject())
    }
}

/// Calls `body` with the address of a value, which the kernel may read and write until `body` returns.
@inline(__always) @discardableResult
func withAddress<Value, Result>(
    _ value: inout Value, _ body: (Int) throws(SystemError) -> Result
) throws(SystemError) -> Result {
    try withUnsafeMutablePointer(to: &value) { pointer throws(SystemError) in try body(Int(bitPattern: pointer)) }
}

/// Calls `body` with the path as a C string, or throws `ENAMETOOLONG`-like `EINVAL` where it holds a NUL byte.
@inline(__always)
func withPath<Result: ~Copyable>(
    _ operation: StaticString, _ path: String, _ body: (Int) throws(SystemError) -> Result
) throws(SystemError) -> Result {
    if path.utf8.contains(0) { throw SystemError(operation.description, .invalid, path) }
    var path = path
    path.append("\0")
    var outcome: Swift.Result<Void, SystemError> = .success(())
    var value: Result?
    path.withUTF8 { bytes in
        do throws(SystemError) { value = try body(Int(bitPattern: bytes.baseAddress)) } catch {
            outcome = .failure(error)
        }
    }
    try outcome.get()
    return value!  // set whenever the outcome is a success
}
