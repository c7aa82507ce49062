// SPDX-License-Identifier: Apache-2.0
import SetupProgram

/// Which part of a log is wanted.
public struct LogSelection: Sendable {
    public var since: Timestamp?
    public var until: Timestamp?
    /// Empty for all.
    public var streams: Set<LogStream>
    /// The last lines only, of what is there; `nil` for all.
    public var tail: Int?

    public init(since: Timestamp? = nil, until: Timestamp? = nil, streams: Set<LogStream> = []) {
        self.since = since
        self.until = until
        self.streams = streams
    }

    /// Gaps are of no stream and no time.
    public func picks(_ item: LogReader.Item) -> Bool {
        guard case .record(let record) = item else { return true }
        if let since, record.time < since { return false }
        if let until, record.time > until { return false }
        return streams.isEmpty || streams.contains(record.stream)
    }
}

/// Keeps the last lines of a log, counted over all its streams in the order in which they were written.
public struct LogTail {
    private let count: Int
    private var kept: ArraySlice<LogReader.Item> = []
    /// Line ends in what is kept.
    private var ends = 0

    public init(_ count: Int) { self.count = count }

    public mutating func add(_ item: LogReader.Item) {
        guard count > 0 else { return }
        kept.append(item)
        ends += item.lineEnds
        // A line without its end counts as well, so one end more than lines is kept until the front is cut.
        while let first = kept.first, ends - first.lineEnds > count {
            ends -= first.lineEnds
            kept.removeFirst()
        }
    }

    /// The last lines, the first of them whole.
    public var items: [LogReader.Item] {
        guard count > 0 else { return [] }
        var items = Array(kept)
        // From the end: the line end before the first wanted line.
        let isOpen = items.last { $0.isRecord }.map { !$0.isClosed } ?? false
        var left = count + (isOpen ? 0 : 1)
        for index in items.indices.reversed() {
            guard case .record(var record) = items[index] else { continue }
            for place in record.payload.indices.reversed() where record.payload[place] == 0x0a {
                left -= 1
                guard left == 0 else { continue }
                record.payload.removeFirst(place + 1)
                items[index] = .record(record)
                return Array(items[index...].drop { $0.isEmptyRecord })
            }
        }
        return items
    }
}

extension LogReader.Item {
    fileprivate var lineEnds: Int {
        guard case .record(let record) = self else { return 0 }
        return record.payload.reduce(0) { $0 + ($1 == 0x0a ? 1 : 0) }
    }

    fileprivate var isRecord: Bool {
        if case .record = self { true } else { false }
    }

    fileprivate var isClosed: Bool {
        if case .record(let record) = self { record.payload.last == 0x0a } else { false }
    }

    fileprivate var isEmptyRecord: Bool {
        if case .record(let record) = self { record.payload.isEmpty && record.dropped == 0 } else { false }
    }
}

extension [UInt8] {
    /// The lines, each with its end; the last may be without.
    public func splitBehindLineEnds() -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = startIndex
        while start < endIndex {
            let end = self[start...].firstIndex(of: 0x0a).map { $0 + 1 } ?? endIndex
            lines.append(self[start..<end])
            start = end
        }
        return lines
    }
}
