// SPDX-License-Identifier: Apache-2.0
import SetupProgram

/// Reads a sandbox's log while it is written: the older file first, then the newer, and on from file to file.
///
/// It trusts nothing that it reads, and can be overtaken: init may truncate a file at any moment. A file's generation is
/// looked at again after each part that was read: what was read before the same generation is that generation's.
///
/// Pure but for the closure through which it reads.
public struct LogReader {
    /// What comes next.
    public enum Item: Sendable, Equatable {
        case record(LogRecord)
        /// Something is missing here: it was overwritten before it was read, or cannot be read.
        case gap
    }

    /// Reads from one of the two files, 0 or 1, up to so many bytes at a place; fewer at the end.
    public typealias Source = (_ file: Int, _ offset: UInt64, _ count: Int) throws(EngineError) -> [UInt8]

    /// Bytes that are read at once: any record fits.
    static let part = 2 * (LogLayout.largestPayload + LogLayout.recordHeaderSize)

    private struct Place {
        var file: Int
        var generation: UInt64
        var offset = UInt64(LogLayout.fileHeaderSize)
        /// Whether what stands here is no record: the file is read no further.
        var isBroken = false
    }

    private var place: Place?
    /// The generation that was read last: only later ones are read from now on.
    private var last: UInt64 = 0
    /// Bytes of the present file, not yet taken, of which the first stands at the place's offset.
    private var bytes: ArraySlice<UInt8> = []

    public init() {}

    /// The next record or gap; `nil` where there is no more for now.
    public mutating func next(_ source: Source) throws(EngineError) -> Item? {
        while true {
            guard let here = place else {
                guard
                    let found = try generations(source).filter({ $0.generation > last }).min(by: {
                        $0.generation < $1.generation
                    })
                else { return nil }
                let isSkipping = last != 0 && found.generation - last > 1
                begin(found)
                if isSkipping { return .gap }
                continue
            }
            if let item = try take(here) { return item }
            // Looked at before the bytes are: once there is a newer file, nothing is written to this one.
            let isFinished = try generations(source).contains { $0.generation > here.generation }
            if here.isBroken {
                guard isFinished else { return nil }
                leave()
                continue
            }
            let size = bytes.count
            guard try fill(here, source) else {
                leave()
                return .gap
            }
            if bytes.count > size { continue }
            guard isFinished else { return nil }
            let isTorn = !bytes.isEmpty
            leave()
            if isTorn { return .gap }
        }
    }

    /// Takes a record off the bytes that are there; `nil` where none is whole.
    private mutating func take(_ here: Place) throws(EngineError) -> Item? {
        guard !here.isBroken else { return nil }
        switch LogParse(bytes) {
        case .record(let record, let size):
            bytes = bytes.dropFirst(size)
            place?.offset += UInt64(size)
            return .record(record)
        case .incomplete: return nil
        case .malformed:
            place?.isBroken = true
            bytes = []
            return .gap
        }
    }

    /// Reads more of the present file; false where it is not the same any more.
    private mutating func fill(_ here: Place, _ source: Source) throws(EngineError) -> Bool {
        let more = try source(here.file, here.offset, Self.part)
        guard try header(here.file, source)?.generation == here.generation else { return false }
        // Read anew from the place on: a record that was being written is whole by now.
        bytes = more.prefix(Self.part)
        return true
    }

    private mutating func begin(_ found: Place) {
        place = found
        last = found.generation
        bytes = []
    }

    private mutating func leave() {
        place = nil
        bytes = []
    }

    private func header(_ file: Int, _ source: Source) throws(EngineError) -> LogHeader? {
        LogHeader(try source(file, 0, LogLayout.fileHeaderSize))
    }

    private func generations(_ source: Source) throws(EngineError) -> [Place] {
        var found: [Place] = []
        for file in 0...1 {
            if let header = try header(file, source) { found.append(Place(file: file, generation: header.generation)) }
        }
        return found
    }
}
