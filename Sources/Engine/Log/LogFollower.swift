// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Reads the log of a sandbox, and goes on as it grows.
///
/// It ends when init has ended and everything was read, however long anybody waits; with `follows` false, when everything
/// was read that is there.
public final class LogFollower {
    static let fileNames = ["log.0", "log.1"]

    private let sandbox: StoredSandbox
    private let directory: StoreDirectory
    private let watch: FileWatch?
    private var files = DescriptorTable()
    private var initProcess: Descriptor?
    private var reader = LogReader()

    /// - Throws: `.unknownSandbox`, `.storeFailed`
    public init(_ sandbox: StoredSandbox, follows: Bool) throws(EngineError) {
        self.sandbox = sandbox
        directory = try sandbox.open()
        watch = follows ? try Self.watch(sandbox) : nil
        try openFiles()
        if follows { try openInit() }
    }

    /// Of the directory: for the files that are not there yet.
    private static func watch(_ sandbox: StoredSandbox) throws(EngineError) -> FileWatch {
        let directory = try sandbox.open()
        return try keeping("watch the log of \(sandbox.id.short)") { () throws(SystemError) in
            let watch = try FileWatch()
            try watch.add(directory.descriptor, [.created, .movedIn])
            return watch
        }
    }

    /// The next record, or a place where some are missing. Waits for it; `nil` at the end.
    ///
    /// - Parameters:
    ///   - deadline: when to wait no longer; `nil` is never.
    ///   - own: a descriptor of the caller's whose reader may go: that is the end as well.
    public func next(
        until deadline: Timestamp? = nil, unless own: Int32? = nil
    ) throws(EngineError) -> LogReader.Item? {
        while true {
            if let item = try read() { return item }
            // Before the log is looked at once more: what is read after init's end is all there will be.
            let isOver = try hasEnded()
            if let item = try read() { return item }
            if isOver { return nil }
            guard try wait(deadline, own) else { return nil }
        }
    }

    /// What a wait for a record came to.
    enum Wait {
        case item(LogReader.Item)
        /// The caller's own descriptor is readable.
        case ready
        case end
    }

    /// The next record, or that something may be read from the caller's own descriptor.
    func next(orWhen own: Int32?) throws(EngineError) -> Wait {
        while true {
            if let item = try read() { return .item(item) }
            let isOver = try hasEnded()
            if let item = try read() { return .item(item) }
            if isOver { return .end }
            var interests: [(descriptor: Int32, events: PollEvents)] = []
            if let raw = initProcess.asRaw { interests.append((raw, .readable)) }
            if let watchRaw { interests.append((watchRaw, .readable)) }
            if let own { interests.append((own, .readable)) }
            let all = interests
            let isReady = try keeping("watch the log of \(sandbox.id.short)") { () throws(SystemError) in
                let ready = try poll(all)
                try watch?.clear()
                return own != nil && ready.last?.isEmpty == false
            }
            if isReady { return .ready }
        }
    }

    /// The next of what is there, without waiting; `nil` where that is all.
    public func nextNow() throws(EngineError) -> LogReader.Item? { try read() }

    private func read() throws(EngineError) -> LogReader.Item? {
        let raws = files.rawValues
        guard raws.count == 2 else { return nil }
        let name = sandbox.id.short
        return try reader.next { (file, offset, count) throws(EngineError) in
            try keeping("read the log of \(name)") { () throws(SystemError) in
                try LinuxKernel.read(raw: raws[file], at: offset, upTo: count)
            }
        }
    }

    /// Both, once both are there: the launcher makes them before init is told of them.
    private func openFiles() throws(EngineError) {
        guard files.count == 0 else { return }
        for name in Self.fileNames {
            let file: Descriptor
            do throws(SystemError) { file = try directory.openFile(name) } catch where error.errno == .noEntry {
                files = DescriptorTable()
                return
            } catch { throw EngineError(.storeFailed, "open the log of \(sandbox.id.short): \(error)") }
            do throws(SystemError) {
                guard try status(of: file).kind == .regular else {
                    throw SystemError("open", .invalid, "\(directory.path)/\(name)")
                }
                try watch?.add(file, .modified)
            } catch { throw EngineError(.storeFailed, "watch the log of \(sandbox.id.short): \(error)") }
            files.append(file)
        }
    }

    private func openInit() throws(EngineError) {
        guard let process = sandbox.status?.initProcess else { return }
        initProcess = try keeping("look for the init of \(sandbox.id.short)") { () throws(SystemError) in
            try process.open()
        }
    }

    private var watchRaw: Int32? { watch?.descriptor.rawValue }

    /// Whether nothing more will be written.
    private func hasEnded() throws(EngineError) -> Bool {
        guard watchRaw != nil else { return true }
        if let raw = initProcess.asRaw {
            let ready = try keeping("look for the end of \(sandbox.id.short)") { () throws(SystemError) in
                try poll([(raw, .readable)], milliseconds: 0)
            }
            return !ready[0].isEmpty
        }
        // Not started yet, or ended already; a started one has its process in the record.
        try openFiles()
        try openInit()
        if initProcess.asRaw != nil { return false }
        return try sandbox.look().map { $0.state != .starting } ?? true
    }

    /// Waits for a change; false at the deadline, and where the caller's own descriptor has lost its reader.
    private func wait(_ deadline: Timestamp?, _ own: Int32?) throws(EngineError) -> Bool {
        // A starter that is killed says nothing.
        var milliseconds: Int32 = initProcess.asRaw == nil ? 100 : -1
        if let deadline {
            let left = deadline.since(.now())
            guard left > .zero else { return false }
            let most = Int32(clamping: Int64(left / .milliseconds(1)) + 1)
            milliseconds = milliseconds < 0 ? most : min(milliseconds, most)
        }
        let time = milliseconds
        return try keeping("watch the log of \(sandbox.id.short)") { () throws(SystemError) in
            var interests: [(descriptor: Int32, events: PollEvents)] = []
            if let own { interests.append((own, [])) }
            if let raw = initProcess.asRaw { interests.append((raw, .readable)) }
            if let watchRaw { interests.append((watchRaw, .readable)) }
            let ready = try poll(interests, milliseconds: time)
            try watch?.clear()
            return own == nil || ready[0].isEmpty
        }
    }
}
