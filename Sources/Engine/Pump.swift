// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Moves bytes from one descriptor to another without ever waiting on either: pipe to pipe inside the kernel, elsewhere
/// through a buffer of 64 KiB.
final class Pump {
    private var source: Descriptor?
    private var sink: Descriptor?
    private let sourceRaw: Int32
    private let sinkRaw: Int32
    private let sinkKind: FileKind
    private let isFromTerminal: Bool
    /// Whether both sides are pipes.
    private let splices: Bool
    /// What was read and not yet written.
    private var buffer: [UInt8] = []
    /// Whether the sink had no room for what the source has.
    private var awaitsSink = false
    /// Whether the source had more than may be passed on.
    private var isExhausted = false
    private let meter: OutputMeter?
    /// Why output was lost.
    private(set) var failure: SystemError?

    /// Whether it carries what the caller types: it ends with the agent, whatever is left.
    var isInput: Bool { meter == nil }

    /// Input: from the caller's file of this kind to the agent's pipe or terminal.
    init(from source: consuming Descriptor, to sink: consuming Descriptor, isPipeToPipe: Bool = false) {
        sourceRaw = source.rawValue
        sinkRaw = sink.rawValue
        sinkKind = .characterDevice
        isFromTerminal = false
        splices = isPipeToPipe
        meter = nil
        self.source = consume source
        self.sink = consume sink
        _ = try? setNonBlocking(sinkRaw)
    }

    /// Output: from the agent's pipe or terminal to the caller's file of this kind.
    init(
        from source: consuming Descriptor, to sink: consuming Descriptor, kind: FileKind, meter: OutputMeter,
        isFromTerminal: Bool = false
    ) {
        sourceRaw = source.rawValue
        sinkRaw = sink.rawValue
        sinkKind = kind
        self.isFromTerminal = isFromTerminal
        splices = kind == .fifo
        self.meter = meter
        self.source = consume source
        self.sink = consume sink
        // The pipe is the agent's too, who can read from it: what was there a moment ago may be gone.
        _ = try? setNonBlocking(sourceRaw)
    }

    var isDone: Bool { source == nil && buffer.isEmpty || sink == nil }

    /// What to wait for.
    var interests: [(descriptor: Int32, events: PollEvents)] {
        if sink == nil { return [] }
        if awaitsSink || !buffer.isEmpty { return [(sinkRaw, .writable)] }
        return source == nil || isExhausted ? [] : [(sourceRaw, .readable)]
    }

    /// Moves what can be moved without waiting.
    func turnIfReady() {
        guard let ready = try? poll(interests, milliseconds: 0), !ready.allSatisfy(\.isEmpty) else { return }
        turn()
    }

    /// Moves what can be moved now.
    func turn() { withoutSignalsOfWriting { move() } }

    private func move() {
        awaitsSink = false
        if splices, buffer.isEmpty, !isExhausted, meter?.allowance(upTo: 1) != 0 { return spliceOn() }
        if buffer.isEmpty, source != nil, !isExhausted { take() }
        writeBuffer()
        if buffer.isEmpty, source == nil { sink = nil }
    }

    /// Reads what the source has, and keeps as much as may be passed on.
    private func take() {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try read(raw: sourceRaw, upTo: 65536) } catch {
            // What was there, someone else has read.
            guard error.errno != .again else { return }
            // A terminal whose other side is gone says EIO. Anything else: there was more.
            if !(isFromTerminal && error.errno == .inputOutput), !isInput { failure = error }
            source = nil
            return
        }
        guard !bytes.isEmpty else { return source = nil }
        guard let meter else { return buffer = bytes }
        // Whole packets are read even where only a part may be passed on: the kernel drops the rest of one. pipe(2), O_DIRECT
        let allowed = meter.allowance(upTo: bytes.count)
        // Counted when read, so that two pumps never pass on more than the limit together.
        meter.count(allowed)
        buffer = allowed == bytes.count ? bytes : Array(bytes.prefix(allowed))
        guard allowed < bytes.count else { return }
        // The pipe stays open until everything is killed: the agent is not to hear of its end before.
        isExhausted = true
        meter.exceed()
    }

    /// Takes nothing more from the source.
    func closeSource() { source = nil }

    /// Closes a source that has nothing now: for when everybody who could write more is gone, though somebody else may hold
    /// the pipe open.
    func closeEmptySource() {
        guard source != nil, buffer.isEmpty, let ready = try? poll([(sourceRaw, .readable)], milliseconds: 0),
            ready[0].isEmpty
        else { return }
        stop()
    }

    /// Passes on what sources have whose writers are gone, without waiting for whom they passed their ends to.
    static func drain(_ pumps: inout [Pump]) {
        pumps.removeAll { $0.isInput }
        while true {
            for pump in pumps { pump.closeEmptySource() }
            pumps.removeAll { $0.isDone }
            let interests = pumps.flatMap(\.interests)
            guard !interests.isEmpty, (try? poll(interests)) != nil else { return }
            for pump in pumps { pump.turnIfReady() }
        }
    }

    /// One pipe takes the other's pages as they are. What it has no room for stays where it is.
    private func spliceOn() {
        do throws(SystemError) {
            let most = meter?.allowance(upTo: 1 << 20) ?? 1 << 20
            let count = try splice(from: sourceRaw, to: sinkRaw, upTo: most)
            meter?.count(count)
            if count == 0 { stop() }
        } catch where error.errno == .again {
            // Called because the source has something, or the sink had room: one of them has changed its mind.
            awaitsSink = true
            guard let ready = try? poll([(sourceRaw, .readable)], milliseconds: 0) else { return }
            if ready[0].isEmpty { awaitsSink = false }
        } catch { fail(error) }
    }

    private func writeBuffer() {
        guard !buffer.isEmpty, sink != nil else { return }
        do throws(SystemError) {
            // With -t also a pipe: one that is ready takes a page without waiting. pipe(7), PIPE_BUF
            let part = sinkKind == .characterDevice ? Array(buffer.prefix(4096)) : buffer
            let count = sinkKind == .socket ? try sendSome(raw: sinkRaw, part) : try writeSome(raw: sinkRaw, part)
            buffer.removeFirst(count)
        } catch where error.errno == .again {
            // A terminal with room for one byte says so, and does not take a line feed that becomes two.
            if sinkKind == .characterDevice { blockThread(for: .milliseconds(1)) }
        } catch { fail(error) }
    }

    /// The caller's side takes no more. That nobody reads any more is no failure.
    private func fail(_ error: SystemError) {
        if error.errno != .brokenPipe, error.errno != .connectionReset, !isInput { failure = error }
        stop()
    }

    private func stop() {
        source = nil
        sink = nil
        buffer = []
    }
}
