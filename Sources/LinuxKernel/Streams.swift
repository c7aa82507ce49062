// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Moves bytes from a pipe to another pipe without copying them, and without waiting on either: `EAGAIN` where the one is
/// empty or the other full.
///
/// - Returns: bytes moved; 0 when the pipe has no writer left.
/// - SeeAlso: splice(2), `SPLICE_F_NONBLOCK`
public func splice(from source: Int32, to sink: Int32, upTo count: Int) throws(SystemError) -> Int {
    try kernel(
        "splice", "descriptor \(source)", Int(SYS_splice), Int(source), 0, Int(sink), 0, count,
        3 /* SPLICE_F_MOVE | SPLICE_F_NONBLOCK */)
}

/// Sends to a socket what can be sent now and returns how much. sendto(2), `MSG_DONTWAIT`
public func sendSome(raw socket: Int32, _ bytes: [UInt8]) throws(SystemError) -> Int {
    var outcome: Result<Int, SystemError> = .success(0)
    bytes.withUnsafeBytes { buffer in
        do throws(SystemError) {
            outcome = .success(
                try kernel(
                    "send", "descriptor \(socket)", Int(SYS_sendto), Int(socket), Int(bitPattern: buffer.baseAddress),
                    buffer.count, Int(MSG_DONTWAIT) | Int(MSG_NOSIGNAL)))
        } catch { outcome = .failure(error) }
    }
    return try outcome.get()
}

/// Cuts a file off, or makes it longer with a hole. ftruncate(2)
public func truncate(_ file: borrowing Descriptor, to size: Int) throws(SystemError) {
    try kernel("ftruncate", "descriptor \(file.rawValue)", Int(SYS_ftruncate), Int(file.rawValue), size)
}

/// Whether two descriptors share one open file: offset and status flags. False where the kernel does not tell.
///
/// - SeeAlso: kcmp(2), `KCMP_FILE`; Linux 3.5
public func isSameOpenFile(_ a: Int32, _ b: Int32) -> Bool {
    let own = Int(getpid())
    return mt_syscall(Int(SYS_kcmp), own, own, 0 /* KCMP_FILE */, Int(a), Int(b), 0) == 0
}

/// How a descriptor was opened: `readOnly`, `writeOnly` or `readWrite`. fcntl(2), `F_GETFL`
public func accessMode(raw descriptor: Int32) throws(SystemError) -> OpenFlags {
    let flags = try kernel("fcntl F_GETFL", nil, Int(SYS_fcntl), Int(descriptor), Int(F_GETFL))
    return OpenFlags(rawValue: UInt64(flags & Int(O_ACCMODE)))
}

/// Whether a descriptor was opened so that it can be read; false for one that is closed. fcntl(2), `F_GETFL`
public func mayRead(raw descriptor: Int32) -> Bool { isOpen(descriptor, butNot: O_WRONLY) }

/// Whether a descriptor was opened so that it can be written; false for one that is closed. fcntl(2), `F_GETFL`
public func mayWrite(raw descriptor: Int32) -> Bool { isOpen(descriptor, butNot: O_RDONLY) }

/// In no way but a certain one, nor as a handle on a path alone (`O_PATH`).
private func isOpen(_ descriptor: Int32, butNot mode: Int32) -> Bool {
    let flags = mt_syscall(Int(SYS_fcntl), Int(descriptor), Int(F_GETFL), 0, 0, 0, 0)
    return flags >= 0 && flags & Int(O_ACCMODE) != Int(mode) && flags & Int(OpenFlags.pathOnly.rawValue) == 0
}

/// Whether a descriptor was opened for reading only. fcntl(2), `F_GETFL`
public func isReadOnly(raw descriptor: Int32) throws(SystemError) -> Bool {
    try accessMode(raw: descriptor) == .readOnly
}
