// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Writes what the agent writes into two files that take turns, as `LogLayout` says. The files are the host's: init has
/// descriptors, and nobody inside has any.
struct LogWriter {
    private var files = (-1, -1)
    private var writesSecond = false
    private var capacity: UInt64 = 0
    private var generation: UInt64 = 0
    /// Where the next record goes; 0: the file has no header yet.
    private var offset: UInt64 = 0
    /// Bytes that the files' file system had no room for since the last record.
    private var lost: UInt64 = 0
    private var limit: UInt64 = .max
    private var buffer: UnsafeMutableRawPointer?
    /// Bytes that the agent wrote.
    private(set) var taken: UInt64 = 0

    var isOpen: Bool { buffer != nil }
    /// Whether the agent wrote more than it may.
    var isExceeded: Bool { taken > limit }

    enum Taken { case some, nothing, end }

    /// Takes two files; the first is begun anew.
    mutating func open(_ first: Int, _ second: Int, _ operands: KeepLogOperands) {
        files = (first, second)
        (capacity, generation, limit) = (operands.capacity, operands.generation, operands.limit)
        buffer = .allocate(byteCount: LogLayout.recordHeaderSize + LogLayout.largestPayload, alignment: 16)
        begin()
    }

    /// Moves what a stream has into the log, at most one record of it.
    mutating func take(from descriptor: Int, _ stream: LogStream) -> Taken {
        guard let buffer else { return .end }
        let header = LogLayout.recordHeaderSize
        let room = min(LogLayout.largestPayload, Int(capacity) - LogLayout.fileHeaderSize - header)
        let count = mt_syscall(Int(SYS_read), descriptor, word(buffer + header), room, 0, 0, 0)
        if count == -Int(EAGAIN) || count == -Int(EINTR) { return .nothing }
        guard count > 0 else { return .end }
        // What is beyond the limit is counted, and goes nowhere.
        let allowed = Int(min(UInt64(count), limit > taken ? limit - taken : 0))
        taken += UInt64(count)
        if allowed > 0 { append(allowed, stream, buffer) }
        return .some
    }

    private mutating func append(_ count: Int, _ stream: LogStream, _ buffer: UnsafeMutableRawPointer) {
        let size = LogLayout.recordHeaderSize + count
        if offset + UInt64(size) > capacity {
            writesSecond.toggle()
            generation += 1
            begin()
        }
        if offset == 0 { begin() }
        buffer.storeBytes(of: UInt32(count).littleEndian, toByteOffset: 0, as: UInt32.self)
        buffer.storeBytes(of: stream.rawValue, toByteOffset: 4, as: UInt8.self)
        buffer.storeBytes(of: 0, toByteOffset: 5, as: UInt8.self)
        buffer.storeBytes(of: 0, toByteOffset: 6, as: UInt16.self)
        buffer.storeBytes(of: realTime().littleEndian, toByteOffset: 8, as: UInt64.self)
        buffer.storeBytes(of: lost.littleEndian, toByteOffset: 16, as: UInt64.self)
        guard offset > 0, write(buffer, size) else { return lost += UInt64(count) }
        lost = 0
    }

    /// Empties the file whose turn it is, and writes its header.
    private mutating func begin() {
        offset = 0
        // Not where it is empty: ext4 writes a file that was truncated to its disk when it is closed, which takes as long as
        // the log is. ext4(5), auto_da_alloc
        if !isEmpty { _ = mt_syscall(Int(SYS_ftruncate), file, 0, 0, 0, 0, 0) }
        var header = (LogLayout.magic.littleEndian, LogLayout.version.littleEndian, generation.littleEndian)
        withUnsafeMutableBytes(of: &header) { header in
            if let start = header.baseAddress { _ = write(start, LogLayout.fileHeaderSize) }
        }
    }

    /// Writes all, or nothing that stays.
    private mutating func write(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
        var done = 0
        while done < count {
            let result = mt_syscall(
                Int(SYS_pwrite64), file, word(bytes + done), count - done, Int(offset) + done, 0, 0)
            if result == -Int(EINTR) { continue }
            guard result > 0 else {
                _ = mt_syscall(Int(SYS_ftruncate), file, Int(offset), 0, 0, 0, 0)
                return false
            }
            done += result
        }
        offset += UInt64(count)
        return true
    }

    private var file: Int { writesSecond ? files.1 : files.0 }

    private var isEmpty: Bool {
        do throws(StepError) { return try fileStatus(file).st_size == 0 } catch { return false }
    }
}
