// SPDX-License-Identifier: Apache-2.0
//
// Compiled twice: by the host (SetupProgram) and by init (MartinetInit, Embedded Swift).

/// What can be wrong with bytes from the other side.
public enum WireError: Error, Equatable, Sendable {
    /// The bytes end before what they promise.
    case truncated
    /// A string without its end, or with a NUL byte inside.
    case malformedString
    /// A number outside what its field allows.
    case badValue
    /// The magic number or version is not ours.
    case badHeader
    case unknownOpcode
    /// A slot that no descriptor can be in.
    case badSlot
    /// Bytes left over, or instructions in an order that cannot run.
    case badOrder
}

/// A string inside a received buffer: borrowed, NUL-terminated, without NUL bytes of its own.
public struct WireString {
    public let start: UnsafePointer<CChar>
    /// Bytes without the terminator.
    public let count: Int
}

/// Strings that follow each other in a received buffer.
public struct WireStringList {
    public let count: Int
    var reader: WireReader

    /// The strings, in order; they were checked when the list was read.
    public mutating func next() throws(WireError) -> WireString { try reader.string() }
}

/// Bytes inside a received buffer, borrowed.
public struct WireBytes {
    public let start: UnsafeRawPointer
    public let count: Int
}

/// Reads little-endian numbers and strings from a buffer; every read is checked against the buffer's end.
///
/// The buffer is borrowed and must outlive everything read from it.
public struct WireReader {
    private let base: UnsafeRawPointer
    public private(set) var offset: Int
    private let end: Int

    public init(_ base: UnsafeRawPointer, count: Int) {
        self.base = base
        offset = 0
        end = count
    }

    public var remaining: Int { end - offset }
    /// Where the rest begins.
    public var start: UnsafeRawPointer { base + offset }

    public mutating func uint16() throws(WireError) -> UInt16 {
        guard remaining >= 2 else { throw .truncated }
        defer { offset += 2 }
        return UInt16(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    public mutating func uint32() throws(WireError) -> UInt32 {
        guard remaining >= 4 else { throw .truncated }
        defer { offset += 4 }
        return UInt32(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    public mutating func uint64() throws(WireError) -> UInt64 {
        guard remaining >= 8 else { throw .truncated }
        defer { offset += 8 }
        return UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// A string: length, bytes, NUL.
    public mutating func string() throws(WireError) -> WireString {
        let count = Int(try uint32())
        guard remaining > count else { throw .truncated }
        let start = (base + offset).assumingMemoryBound(to: CChar.self)
        guard start[count] == 0 else { throw .malformedString }
        var index = 0
        while index < count {
            if start[index] == 0 { throw .malformedString }
            index += 1
        }
        offset += count + 1
        return WireString(start: start, count: count)
    }

    /// A count and so many strings.
    public mutating func strings() throws(WireError) -> WireStringList {
        let count = Int(try uint32())
        let list = WireStringList(count: count, reader: self)
        var index = 0
        while index < count {
            _ = try string()
            index += 1
        }
        return list
    }

    /// A length and so many bytes.
    public mutating func bytes() throws(WireError) -> WireBytes {
        let count = Int(try uint32())
        guard remaining >= count else { throw .truncated }
        defer { offset += count }
        return WireBytes(start: base + offset, count: count)
    }

    /// A part of what remains, as a reader of its own; this one moves past it.
    public mutating func part(count: Int) throws(WireError) -> WireReader {
        guard count >= 0, remaining >= count else { throw .truncated }
        defer { offset += count }
        return WireReader(base + offset, count: count)
    }

    public func requireEnd() throws(WireError) {
        guard remaining == 0 else { throw .badOrder }
    }
}
