// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A call that waits for a supervisor's answer.
public struct SystemCallNotification: Sendable {
    /// Names the call in the answer.
    public let id: UInt64
    /// The calling thread, as this process sees it.
    public let pid: Int32
    /// `struct seccomp_data`: 64 bytes.
    public let data: [UInt8]
}

/// The next call that waits; `nil` where the caller has gone meanwhile. seccomp_unotify(2), `SECCOMP_IOCTL_NOTIF_RECV`;
/// Linux 5.0
public func receiveNotification(_ listener: borrowing Descriptor) throws(SystemError) -> SystemCallNotification? {
    // Larger than the kernel's structure of today, which may grow; it must be zero.
    var buffer = [UInt64](repeating: 0, count: 64)
    let raw = listener.rawValue
    var failure: SystemError?
    buffer.withUnsafeMutableBytes { bytes in
        do throws(SystemError) {
            try kernel(
                "receive a notification", nil, Int(SYS_ioctl), Int(raw), Int(MT_SECCOMP_NOTIF_RECV),
                Int(bitPattern: bytes.baseAddress))
        } catch { failure = error }
    }
    if let failure {
        if failure.errno == .noEntry { return nil }
        throw failure
    }
    return buffer.withUnsafeBytes { bytes in
        SystemCallNotification(
            id: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
            pid: bytes.loadUnaligned(fromByteOffset: 8, as: Int32.self), data: Array(bytes[16..<80]))
    }
}

/// Answers a call: with an error, or that it may be made. A caller that has gone is no failure.
/// seccomp_unotify(2), `SECCOMP_IOCTL_NOTIF_SEND`, `SECCOMP_USER_NOTIF_FLAG_CONTINUE` (Linux 5.5)
public func answer(
    _ listener: borrowing Descriptor, _ id: UInt64, with errno: Errno?
) throws(SystemError) {
    // struct seccomp_notif_resp: id, value, error, flags.
    var response: (UInt64, Int64, Int32, UInt32) = (id, 0, -(errno?.rawValue ?? 0), errno == nil ? 1 : 0)
    let raw = listener.rawValue
    do throws(SystemError) {
        try withAddress(&response) { response throws(SystemError) in
            _ = try kernel("answer a notification", nil, Int(SYS_ioctl), Int(raw), Int(MT_SECCOMP_NOTIF_SEND), response)
        }
    } catch where error.errno == .noEntry {
    } catch { throw error }
}

/// Whether a call still waits: what was read of its process before this was the process's. `SECCOMP_IOCTL_NOTIF_ID_VALID`
public func isWaiting(_ listener: borrowing Descriptor, _ id: UInt64) -> Bool {
    var id = id
    let raw = listener.rawValue
    return withUnsafeMutablePointer(to: &id) { id in
        mt_syscall(Int(SYS_ioctl), Int(raw), Int(MT_SECCOMP_NOTIF_ID_VALID), Int(bitPattern: id), 0, 0, 0) == 0
    }
}

/// Bytes of another process's memory, up to `count`, as many as can be read. process_vm_readv(2)
public func readMemory(of pid: Int32, at address: UInt64, upTo count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        var local = iovec(iov_base: buffer.baseAddress, iov_len: count)
        var remote = iovec(iov_base: UnsafeMutableRawPointer(bitPattern: UInt(address)), iov_len: count)
        let result = withUnsafeMutablePointer(to: &local) { local in
            withUnsafeMutablePointer(to: &remote) { remote in
                mt_syscall(
                    Int(SYS_process_vm_readv), Int(pid), Int(bitPattern: local), 1, Int(bitPattern: remote), 1, 0)
            }
        }
        initialized = max(0, Int(result))
    }
}

/// The text at an address of another process, to its NUL byte; `nil` where it cannot be read or is longer than `limit`.
///
/// Read a page at a time: what lies behind the text's end may not be mapped.
public func readMemoryText(of pid: Int32, at address: UInt64, limit: Int = 4096) -> String? {
    var bytes: [UInt8] = []
    var position = address
    while bytes.count < limit {
        let part = readMemory(of: pid, at: position, upTo: min(limit - bytes.count, 4096 - Int(position % 4096)))
        if part.isEmpty { return nil }
        if let end = part.firstIndex(of: 0) { return String(decoding: bytes + part[..<end], as: UTF8.self) }
        bytes += part
        position += UInt64(part.count)
    }
    return nil
}
