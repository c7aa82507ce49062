// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

/// The store's events, kept in order of their being told: `events.jsonl`, and before it `events.1.jsonl`.
extension SandboxStore {
    static let eventsName = "events.jsonl"
    static let olderEventsName = "events.1.jsonl"
    /// Bytes at which a file is put aside and a new one begun: twice that are kept.
    static let eventCapacity = 4 << 20

    /// Tells of something that happened.
    ///
    /// - Throws: `.storeFailed`
    public func announce(_ event: SandboxEvent) throws(EngineError) {
        try whileEventsAreLocked { () throws(SystemError) in try append(event) }
    }

    /// Tells of an end, unless a process did so that was killed before it had written that down.
    func announceOnce(_ event: SandboxEvent) throws(EngineError) {
        try whileEventsAreLocked { () throws(SystemError) in
            for name in [Self.eventsName, Self.olderEventsName] {
                let bytes = try top.contents(name, limit: 2 * Self.eventCapacity) ?? []
                if Self.holds(bytes, event) { return }
            }
            try append(event)
        }
    }

    private func whileEventsAreLocked(_ body: () throws(SystemError) -> Void) throws(EngineError) {
        try keeping("write \(path)/\(Self.eventsName)") { () throws(SystemError) in
            // On the directory: the file changes its name.
            let directory = try open(".", [.directory], at: top.base)
            guard try lock(directory, within: Self.patience) else { throw SystemError("flock", .again, path) }
            let outcome = Result { () throws(SystemError) in try body() }
            precondition(directory.rawValue >= 0)
            try outcome.get()
        }
    }

    private func append(_ event: SandboxEvent) throws(SystemError) {
        var file = try top.openFile(Self.eventsName, [.readWrite, .append, .nonBlocking], makes: true)
        var size = try status(of: file).size
        if size >= Self.eventCapacity {
            try top.rename(Self.eventsName, to: Self.olderEventsName)
            file = try top.openFile(Self.eventsName, [.readWrite, .append, .nonBlocking], makes: true)
            size = 0
        }
        var line = Array(event.line.utf8)
        // A line that a full file system cut off ends here.
        if size > 0, try read(file, at: UInt64(size) - 1, upTo: 1) != [0x0a] { line.insert(0x0a, at: 0) }
        try top.append(line, to: file)
    }

    /// Whether an event of this kind, sandbox and time is among lines.
    private static func holds(_ bytes: [UInt8], _ event: SandboxEvent) -> Bool {
        let id = Array(event.id.text.utf8)
        for line in bytes.split(separator: 0x0a).reversed() {
            // Most lines are another's, and reading one takes longer.
            guard line.count > 100, contains(line, id), let found = try? SandboxEvent(json: Array(line)) else {
                continue
            }
            if found.id == event.id, found.kind == event.kind, found.time == event.time { return true }
        }
        return false
    }

    private static func contains(_ line: ArraySlice<UInt8>, _ text: [UInt8]) -> Bool {
        var index = line.startIndex
        while index + text.count <= line.endIndex {
            if line[index] == text[0], line[index..<index + text.count].elementsEqual(text) { return true }
            index += 1
        }
        return false
    }
}
