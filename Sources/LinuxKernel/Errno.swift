// SPDX-License-Identifier: Apache-2.0
import CLinux

/// An error number of the kernel, with its symbolic name and description. errno(3)
public struct Errno: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The symbolic name, as `EINVAL`; unknown numbers give `errno 4096`.
    public var name: String {
        guard let name = mt_errno_name(rawValue) else { return "errno \(rawValue)" }
        return String(cString: name)
    }

    /// The number of a symbolic name; `nil` for names that no errno has.
    public init?(name: String) {
        let aliases = ["EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP", "EDEADLOCK": "EDEADLK"]
        let name = aliases[name] ?? name
        guard name.hasPrefix("E"), let number = (Int32(1)..<4096).first(where: { Errno(rawValue: $0).name == name })
        else { return nil }
        self.init(rawValue: number)
    }

    /// As messages print it: `invalid argument (EINVAL)`.
    public var description: String {
        guard let text = mt_errno_description(rawValue) else { return name }
        let words = String(cString: text)
        // "Invalid argument" reads as a sentence of its own; within ours it begins small ("RPC …" stays).
        let second = words.dropFirst().first
        let lowered = second?.isLowercase == true ? words.prefix(1).lowercased() + words.dropFirst() : words
        return "\(lowered) (\(name))"
    }

    public static let permissionDenied = Errno(rawValue: EACCES)
    public static let notPermitted = Errno(rawValue: EPERM)
    public static let noEntry = Errno(rawValue: ENOENT)
    public static let exists = Errno(rawValue: EEXIST)
    public static let notDirectory = Errno(rawValue: ENOTDIR)
    public static let isDirectory = Errno(rawValue: EISDIR)
    public static let notEmpty = Errno(rawValue: ENOTEMPTY)
    public static let invalid = Errno(rawValue: EINVAL)
    public static let busy = Errno(rawValue: EBUSY)
    public static let again = Errno(rawValue: EAGAIN)
    public static let interrupted = Errno(rawValue: EINTR)
    public static let noProcess = Errno(rawValue: ESRCH)
    public static let noChild = Errno(rawValue: ECHILD)
    public static let noSystemCall = Errno(rawValue: ENOSYS)
    public static let notSupported = Errno(rawValue: EOPNOTSUPP)
    public static let noSpace = Errno(rawValue: ENOSPC)
    public static let quotaExceeded = Errno(rawValue: EDQUOT)
    public static let readOnlyFileSystem = Errno(rawValue: EROFS)
    public static let tooManyLinks = Errno(rawValue: ELOOP)
    public static let crossDevice = Errno(rawValue: EXDEV)
    public static let brokenPipe = Errno(rawValue: EPIPE)
    public static let connectionReset = Errno(rawValue: ECONNRESET)
    public static let messageTooLong = Errno(rawValue: EMSGSIZE)
    public static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
    public static let badMessage = Errno(rawValue: EBADMSG)
    public static let noDevice = Errno(rawValue: ENODEV)
    public static let inputOutput = Errno(rawValue: EIO)
    public static let fileTooLarge = Errno(rawValue: EFBIG)
}
