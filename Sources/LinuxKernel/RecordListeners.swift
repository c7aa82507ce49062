// SPDX-License-Identifier: Apache-2.0
import CLinux

// Sockets of records that have a name. unix(7), `SOCK_SEQPACKET`

/// A listening socket with a name in an open directory, which must not hold it yet. Only the caller's user may connect, by
/// the directory's mode and the socket's.
public func listenForRecords(name: String, in directory: borrowing Descriptor) throws(SystemError) -> Descriptor {
    let path = "/proc/self/fd/\(directory.rawValue)/\(name)"
    let socket = try recordSocket()
    // The mode of the name is the socket's own at that moment: nobody can connect before it is closed to others.
    _ = try kernel("fchmod", path, Int(SYS_fchmod), Int(socket.rawValue), 0o600)
    try withSocketAddress(path) { address, length throws(SystemError) in
        _ = try kernel("bind", path, Int(SYS_bind), Int(socket.rawValue), address, length)
    }
    _ = try kernel("listen", path, Int(SYS_listen), Int(socket.rawValue), 128)
    return socket
}

/// A connection to such a socket. `ECONNREFUSED` where nobody listens any more.
public func connectToRecords(name: String, in directory: borrowing Descriptor) throws(SystemError) -> Descriptor {
    let path = "/proc/self/fd/\(directory.rawValue)/\(name)"
    let socket = try recordSocket()
    try withSocketAddress(path) { address, length throws(SystemError) in
        _ = try kernel("connect", path, Int(SYS_connect), Int(socket.rawValue), address, length)
    }
    return socket
}

private func recordSocket() throws(SystemError) -> Descriptor {
    let type = Int(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
    return Descriptor(owning: Int32(try kernel("socket", nil, Int(SYS_socket), Int(AF_UNIX), type, 0)))
}

private func withSocketAddress(
    _ path: String, _ body: (Int, Int) throws(SystemError) -> Void
) throws(SystemError) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
        throw SystemError("bind", .nameTooLong, path)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    try withAddress(&address) { address throws(SystemError) in try body(address, MemoryLayout<sockaddr_un>.size) }
}
