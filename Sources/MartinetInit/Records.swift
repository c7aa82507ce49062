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

    /// Writes the record to a file, and the time after it: CLOCK_REALTIME in nanoseconds (u64).
    mutating func leave(in file: Int) {
        finish()
        let length = count
        var time = realTime().littleEndian
        withUnsafeBytes(of: &storage) { bytes in
            guard let start = bytes.baseAddress else { return }
            _ = mt_syscall(Int(SYS_pwrite64), file, word(start), length, 0, 0, 0)
        }
        withUnsafeBytes(of: &time) { bytes in
            guard let start = bytes.baseAddress else { return }
            _ = mt_syscall(Int(SYS_pwrite64), file, word(start), 8, length, 0, 0)
        }
    }

    private mutating func finish() {
        store(RecordLayout.magic, at: 0)
        store(RecordLayout.version, at: 4)
        store(kind.rawValue, at: 6)
        store(UInt32(count), at: 8)
    }

    /// Sends the record, with a descriptor if there is one. A host that is gone is no reason to stay.
    ///
    /// - Parameter waits: for a host that does not read to read.
    /// - Returns: false where it would have had to wait.
    @discardableResult
    mutating func send(to socket: Int = controlSocket, descriptor: Int32 = -1, waits: Bool = true) -> Bool {
        sendOnce(to: socket, descriptor, waits ? 0 : Int32(MSG_DONTWAIT)) != -Int(EAGAIN)
    }

    /// Sends the record with a descriptor that the host has to have before the sandbox can go on.
    mutating func handOver(_ descriptor: Int, to socket: Int = controlSocket) throws(StepError) {
        let result = sendOnce(to: socket, Int32(descriptor), 0)
        guard result >= 0 else { throw StepError(Int32(-result)) }
    }

    /// sendmsg(2), as often as it is interrupted.
    private mutating func sendOnce(to socket: Int, _ descriptor: Int32, _ flags: Int32) -> Int {
        finish()
        var descriptor = descriptor
        let length = count
        return withUnsafeBytes(of: &storage) { bytes in
            while true {
                let result = mt_send_descriptors(
                    Int32(socket), bytes.baseAddress, length, &descriptor, descriptor < 0 ? 0 : 1, flags)
                if result != -Int(EINTR) { return Int(result) }
            }
        }
    }
}

/// A record of any size up to the largest. Never waits for its reader.
struct LargeRecord {
    private let memory: UnsafeMutableRawPointer
    private let size: Int
    private let kind: RecordKind
    private var count = RecordLayout.headerSize

    init(_ kind: RecordKind, size: Int) {
        memory = .allocate(byteCount: size, alignment: 8)
        self.size = size
        self.kind = kind
    }

    func free() { memory.deallocate() }
    func hasRoom(for more: Int) -> Bool { count + more <= size }

    mutating func append(_ value: UInt32) {
        guard hasRoom(for: 4) else { return }
        memory.storeBytes(of: value.littleEndian, toByteOffset: count, as: UInt32.self)
        count += 4
    }

    mutating func append(_ bytes: WireReader) {
        guard hasRoom(for: bytes.remaining) else { return }
        (memory + count).copyMemory(from: bytes.start, byteCount: bytes.remaining)
        count += bytes.remaining
    }

    /// False where the record did not go.
    mutating func send(to socket: Int) -> Bool {
        memory.storeBytes(of: RecordLayout.magic.littleEndian, toByteOffset: 0, as: UInt32.self)
        memory.storeBytes(of: RecordLayout.version.littleEndian, toByteOffset: 4, as: UInt16.self)
        memory.storeBytes(of: kind.rawValue.littleEndian, toByteOffset: 6, as: UInt16.self)
        memory.storeBytes(of: UInt32(count).littleEndian, toByteOffset: 8, as: UInt32.self)
        var none: Int32 = -1
        return mt_send_descriptors(Int32(socket), memory, count, &none, 0, Int32(MSG_DONTWAIT)) == count
    }
}

func reportFailure(instruction: UInt32, errno: Int32, to socket: Int = controlSocket) {
    var record = OutgoingRecord(.failed)
    record.append(instruction)
    record.append(UInt32(bitPattern: errno))
    record.send(to: socket, waits: socket == controlSocket)
}
