// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What access(2) asks about.
public struct AccessModes: OptionSet, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let execute = AccessModes(rawValue: 1)
    public static let write = AccessModes(rawValue: 2)
    public static let read = AccessModes(rawValue: 4)
}

/// Whether this process, with its effective ids, may use a path so; false also where nothing is there. The answer is for
/// choosing between places, never for deciding on safety. faccessat2(2), Linux 5.8
public func mayAccess(_ path: String, _ modes: AccessModes, at base: PathBase = .workingDirectory) -> Bool {
    do throws(SystemError) {
        try withPath("access", path) { name throws(SystemError) in
            _ = try kernel(
                "access", path, Int(SYS_faccessat2), base.raw, name, Int(modes.rawValue), Int(AT_EACCESS))
        }
        return true
    } catch {
        return false
    }
}

/// Whether the calling thread's identity to files may access an open file; the reason where not. faccessat2(2),
/// `AT_EACCESS`, `AT_EMPTY_PATH`; Linux 5.8
public func accessError(_ file: borrowing Descriptor, _ mode: AccessModes) -> Errno? {
    var nothing: UInt8 = 0
    let raw = file.rawValue
    let result = withUnsafeMutablePointer(to: &nothing) { empty in
        mt_syscall(
            Int(SYS_faccessat2), Int(raw), Int(bitPattern: empty), Int(mode.rawValue),
            0x1000 /* AT_EMPTY_PATH */ | 0x200 /* AT_EACCESS */, 0, 0)
    }
    return result < 0 ? Errno(rawValue: Int32(truncatingIfNeeded: -result)) : nil
}
