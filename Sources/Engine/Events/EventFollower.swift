// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Reads the events that a store has kept, and waits for those to come.
///
/// While it waits it also waits for the ends of all sandboxes that run, and settles them: so an end is told at once though
/// nobody else waits for it.
public final class EventFollower {
    private let store: SandboxStore
    private let follows: Bool
    private let watch: FileWatch
    private var file: Descriptor?
    private var offset: UInt64 = 0
    /// Read and not yet given out.
    private var pending: ArraySlice<SandboxEvent> = []
    /// The beginning of a line that is being written.
    private var rest: [UInt8] = []
    private var processes = DescriptorTable()
    private var running: [StoredSandbox] = []

    /// - Parameters:
    ///   - follows: whether it waits for events to come.
    ///   - skipsKept: whether what was told before this is left out.
    public init(_ store: SandboxStore, follows: Bool, skipsKept: Bool = false) throws(EngineError) {
        self.store = store
        self.follows = follows
        watch = try Self.watch(store)
        if !skipsKept {
            let older = try keeping("read the events in \(store.path)") { () throws(SystemError) in
                try store.top.contents(SandboxStore.olderEventsName, limit: 2 * SandboxStore.eventCapacity) ?? []
            }
            take(older)
            rest = []
        }
        try openFile()
        if skipsKept, let raw = file.asRaw {
            offset = try keeping("read the events in \(store.path)") { () throws(SystemError) in
                UInt64(max(0, try status(raw: raw).size))
            }
        }
        if follows { try watchRunning() }
    }

    private static func watch(_ store: SandboxStore) throws(EngineError) -> FileWatch {
        try keeping("watch the events in \(store.path)") { () throws(SystemError) in
            let watch = try FileWatch()
            try watch.add(store.top.descriptor, [.created, .movedIn])
            return watch
        }
    }

    /// The next event. Waits for it; `nil` at the end.
    ///
    /// - Parameters:
    ///   - deadline: when to wait no longer; `nil` is never.
    ///   - own: a descriptor whose reader's going is the end as well.
    public func next(until deadline: Timestamp? = nil, unless own: Int32? = nil) throws(EngineError)
        -> SandboxEvent?
    {
        while true {
            if let event = pending.popFirst() {
                if follows, event.kind == .started { try watchRunning() }
                return event
            }
            if try readMore() { continue }
            guard follows, try wait(deadline, own) else { return nil }
        }
    }

    // MARK: The file

    private func openFile() throws(EngineError) {
        do throws(SystemError) {
            let found = try store.top.openFile(SandboxStore.eventsName)
            try watch.add(found, .modified)
            file = .some(found)
            offset = 0
        } catch where error.errno == .noEntry {
            file = nil
        } catch { throw EngineError(.storeFailed, "read the events in \(store.path): \(error)") }
    }

    /// Takes what was written since; false where that is nothing.
    private func readMore() throws(EngineError) -> Bool {
        guard let raw = file.asRaw else {
            try openFile()
            return file.asRaw != nil
        }
        // Looked at before the bytes are: nothing is written to a file that was put aside.
        let isPutAside = try keeping("read the events in \(store.path)") { () throws(SystemError) in
            let (own, named) = (
                try status(raw: raw), try status(of: SandboxStore.eventsName, at: store.top.base)
            )
            return named.map { $0.inode != own.inode || $0.device != own.device } ?? true
        }
        let start = offset
        let bytes = try keeping("read the events in \(store.path)") { () throws(SystemError) in
            try LinuxKernel.read(raw: raw, at: start, upTo: 1 << 16)
        }
        offset += UInt64(bytes.count)
        take(bytes)
        if !bytes.isEmpty { return true }
        guard isPutAside else { return false }
        rest = []
        try openFile()
        return file.asRaw != nil
    }

    /// Takes whole lines; one that is no event was cut off by a full disk.
    private func take(_ bytes: [UInt8]) {
        rest += bytes
        guard let end = rest.lastIndex(of: 0x0a) else {
            if rest.count > 1 << 21 { rest = [] }
            return
        }
        for line in rest[..<end].split(separator: 0x0a) {
            if let event = try? SandboxEvent(json: Array(line)) { pending.append(event) }
        }
        rest.removeFirst(end + 1)
    }

    // MARK: Ends

    /// Holds a descriptor of every init that runs. More of them than this process may open are left out: they are settled by
    /// whoever looks.
    private func watchRunning() throws(EngineError) {
        processes = DescriptorTable()
        running = []
        for sandbox in try store.all() {
            guard let status = sandbox.status, status.phase == .running, status.bootID == store.bootID,
                let identity = status.initProcess
            else { continue }
            // One that has ended by now is settled here.
            guard let process = (try? identity.open()) ?? nil else {
                _ = try? sandbox.look()
                continue
            }
            processes.append(process)
            running.append(sandbox)
        }
    }

    /// Waits for one thing to happen; false at the end.
    private func wait(_ deadline: Timestamp?, _ own: Int32?) throws(EngineError) -> Bool {
        var milliseconds: Int32 = -1
        if let deadline {
            let left = deadline.since(.now())
            guard left > .zero else { return false }
            milliseconds = Int32(clamping: Int64(left / .milliseconds(1)) + 1)
        }
        var interests: [(descriptor: Int32, events: PollEvents)] = [(watch.descriptor.rawValue, .readable)]
        if let own { interests.append((own, [])) }
        let first = interests.count
        for raw in processes.rawValues { interests.append((raw, .readable)) }
        let (asked, time) = (interests, milliseconds)
        let ready = try keeping("watch the events in \(store.path)") { () throws(SystemError) in
            let ready = try poll(asked, milliseconds: time)
            try watch.clear()
            return ready
        }
        if own != nil, !ready[1].isEmpty { return false }
        let ended = running.indices.filter { !ready[first + $0].isEmpty }
        for index in ended { _ = try? running[index].look() }
        if !ended.isEmpty { try watchRunning() }
        return true
    }
}
