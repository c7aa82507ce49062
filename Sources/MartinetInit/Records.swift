// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The descriptor of init's side of the record socket: where the launch routine puts it.
let controlSocket = 3

typealias Words = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

/// A record being written: small and of fixed capacity, so that sending allocates nothing.
struct OutgoingRecord {
    private var storage: (Words, Words) = ((0, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0, 0, 0))
    private var count = RecordLayout.headerSize
    private let kind: RecordKind

    init(_ kind: RecordKind) { self.kind = kind }

    private mutating func store<Number: FixedWidthInteger>(_ value: Number, at offset: Int) {
        withUnsafeMutableBytes(of: &storage) { bytes in
            guard offset + MemoryLayout<Number>.size <= bytes.count else { return }
            bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Number.self)
        }
    }

    mutating func append<Number: FixedWidthInteger>(_ value: Number) {
        store(value, at: count)
        count += MemoryLayout<Number>.size
    }

    /// Sends the record, with a descriptor if there is one. A host that is gone is no reason to stay.
    ///
    /// - Parameter waits: for a host that does not read to read.
    /// - Returns: false where it would have had to wait.
    @discardableResult
    mutating func send(descriptor: Int32 = -1, waits: Bool = true) -> Bool {
        store(RecordLayout.magic, at: 0)
        store(RecordLayout.version, at: 4)
        store(kind.rawValue, at: 6)
        store(UInt32(count), at: 8)
        var descriptor = descriptor
        let length = count
        let flags = waits ? 0 : Int32(MSG_DONTWAIT)
        return withUnsafeBytes(of: &storage) { bytes in
            while true {
                let result = mt_send_descriptors(
                    Int32(controlSocket), bytes.baseAddress, length, &descriptor, descriptor < 0 ? 0 : 1, flags)
                if result != -Int(EINTR) { return result != -Int(EAGAIN) }
            }
        }
    }
}

func reportFailure(instruction: UInt32, errno: Int32) {
    var record = OutgoingRecord(.failed)
    record.append(instruction)
    record.append(UInt32(bitPattern: errno))
    record.send()
}
