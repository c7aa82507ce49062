// SPDX-License-Identifier: Apache-2.0
import SetupProgram

/// Something the agent wrote, at once, to one of its streams.
public struct LogRecord: Sendable, Equatable {
    public var stream: LogStream
    /// Whether it was cut to fit.
    public var isCut: Bool
    public var time: Timestamp
    /// Bytes that were not kept before this.
    public var dropped: UInt64
    public var payload: [UInt8]

    public init(
        stream: LogStream, isCut: Bool = false, time: Timestamp, dropped: UInt64 = 0, payload: [UInt8]
    ) {
        self.stream = stream
        self.isCut = isCut
        self.time = time
        self.dropped = dropped
        self.payload = payload
    }
}

/// What a log file begins with.
struct LogHeader: Equatable {
    let generation: UInt64

    /// `nil` for anything but the exact form, as a file that was just truncated.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= LogLayout.fileHeaderSize, littleEndian(bytes[0..<4]) == UInt64(LogLayout.magic),
            littleEndian(bytes[4..<8]) == UInt64(LogLayout.version)
        else { return nil }
        generation = littleEndian(bytes[8..<16])
    }
}

/// What stands at the beginning of some bytes of a log file.
enum LogParse: Equatable {
    case record(LogRecord, size: Int)
    /// The record goes on behind the bytes' end; nothing, where there are none.
    case incomplete
    /// Not a record: what follows cannot be read.
    case malformed

    init(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= LogLayout.recordHeaderSize else {
            self = .incomplete
            return
        }
        let start = bytes.startIndex
        let length = littleEndian(bytes[start..<start + 4])
        guard length <= LogLayout.largestPayload, let stream = LogStream(rawValue: bytes[start + 4]),
            bytes[start + 5] & ~LogLayout.cutFlag == 0, bytes[start + 6] == 0, bytes[start + 7] == 0,
            let time = Int64(exactly: littleEndian(bytes[start + 8..<start + 16]))
        else {
            self = .malformed
            return
        }
        let size = LogLayout.recordHeaderSize + Int(length)
        guard bytes.count >= size else {
            self = .incomplete
            return
        }
        let record = LogRecord(
            stream: stream, isCut: bytes[start + 5] & LogLayout.cutFlag != 0, time: Timestamp(nanoseconds: time),
            dropped: littleEndian(bytes[start + 16..<start + 24]),
            payload: Array(bytes[start + LogLayout.recordHeaderSize..<start + size]))
        self = .record(record, size: size)
    }
}

/// At most eight bytes as a number.
private func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}
