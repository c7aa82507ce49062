// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Two connected sockets that keep record boundaries.
public struct RecordSockets: ~Copyable, Sendable {
    public var near: Descriptor
    public var far: Descriptor

    /// Makes the pair. socketpair(2), `SOCK_SEQPACKET`
    public init() throws(SystemError) {
        var pair: (Int32, Int32) = (0, 0)
        let type = Int(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
        try withAddress(&pair) { pair throws(SystemError) in
            _ = try kernel("socketpair", nil, Int(SYS_socketpair), Int(AF_UNIX), type, 0, pair)
        }
        near = Descriptor(owning: pair.0)
        far = Descriptor(owning: pair.1)
    }

    /// Keeps the near side and closes the other.
    public consuming func intoNear() -> Descriptor { near }
}

/// One record as it arrived.
public struct Record: ~Copyable, Sendable {
    public var bytes: [UInt8]
    public var descriptors: DescriptorTable

    /// Keeps the descriptors.
    public consuming func intoDescriptors() -> DescriptorTable { descriptors }
}

/// Sends one record, with descriptors. At most 253 descriptors. sendmsg(2), unix(7)
public func sendRecord(
    _ socket: borrowing Descriptor, _ record: [UInt8], descriptors: [Int32] = []
) throws(SystemError) {
    let raw = socket.rawValue
    while true {
        let result = record.withUnsafeBytes { bytes in
            descriptors.withUnsafeBufferPointer {
                mt_send_descriptors(raw, bytes.baseAddress, bytes.count, $0.baseAddress, $0.count, 0)
            }
        }
        if result >= 0 { return }
        let errno = Errno(rawValue: Int32(-result))
        if errno == .interrupted { continue }
        throw SystemError("sendmsg", errno, "\(record.count) bytes and \(descriptors.count) descriptors")
    }
}

/// Receives one record of at most `limit` bytes with at most `descriptorLimit` descriptors; `nil` at the end of the stream
/// and, where the socket does not block, when nothing is there yet is `EAGAIN`. A longer record is `EMSGSIZE`. recvmsg(2)
public func receiveRecord(
    _ socket: borrowing Descriptor, limit: Int = 65536, descriptorLimit: Int = 8, waiting: Bool = true
) throws(SystemError) -> Record? {
    var numbers = [Int32](repeating: -1, count: descriptorLimit)
    var count = descriptorLimit
    var result = 0
    var wasReset = false
    let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
        while true {
            count = descriptorLimit
            result = mt_receive_descriptors(
                socket.rawValue, buffer.baseAddress, limit, &numbers, &count, waiting ? 0 : Int32(MSG_DONTWAIT))
            if result == -Int(EINTR) { continue }
            // The other side closed before it had read all that it was sent: that is said once, and before what it sent
            // itself. net/unix/af_unix.c, `unix_release_sock`
            guard result == -Int(ECONNRESET), !wasReset else { break }
            wasReset = true
        }
        initialized = max(0, result)
    }
    if result == -Int(ECONNRESET) { return nil }
    if result < 0 { throw SystemError("recvmsg", Errno(rawValue: Int32(-result))) }
    var table = DescriptorTable()
    for number in numbers.prefix(count) { table.append(Descriptor(owning: number)) }
    if result == 0 { return nil }
    return Record(bytes: bytes, descriptors: table)
}
