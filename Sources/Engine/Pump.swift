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
    /// What was read and not yet written.
    private var buffer: [UInt8] = []
    /// Whether the sink had no room for what the source has.
    private var awaitsSink = false
    /// Whether nothing more is to be moved.
    private var isBlocked = false
    private let meter: OutputMeter?
    /// Why output was lost.
    private(set) var failure: SystemError?

    /// Whether it carries what the caller types: it ends with the agent, whatever is left.
    var isInput: Bool { meter == nil }

    /// Input: from the caller to the agent.
    init(from source: consuming Descriptor, to sink: consuming Descriptor) {
        sourceRaw = source.rawValue
        sinkRaw = sink.rawValue
        sinkKind = .characterDevice
        meter = nil
        self.source = consume source
        self.sink = consume sink
        _ = try? setNonBlocking(sinkRaw)
    }

    /// Output: from the agent's pipe or terminal to the caller's file of this kind.
    init(from source: consuming Descriptor, to sink: consuming Descriptor, kind: FileKind, meter: OutputMeter) {
        sourceRaw = source.rawValue
        sinkRaw = sink.rawValue
        sinkKind = kind
        self.meter = meter
        self.source = consume source
        self.sink = consume sink
    }

    var isDone: Bool { source == nil && buffer.isEmpty || sink == nil }

    /// What to wait for.
    var interests: [(descriptor: Int32, events: PollEvents)] {
        if sink == nil || isBlocked { return [] }
        if awaitsSink || !buffer.isEmpty { return [(sinkRaw, .writable)] }
        return source == nil ? [] : [(sourceRaw, .readable)]
    }

    /// Moves what can be moved without waiting.
    func turnIfReady() {
        guard let ready = try? poll(interests, milliseconds: 0), !ready.allSatisfy(\.isEmpty) else { return }
        turn()
    }

    /// Moves what can be moved now.
    func turn() {
        awaitsSink = false
        if let meter, source != nil, buffer.isEmpty, meter.allowance(upTo: 1) == 0 { return lookBeyond(meter) }
        if sinkKind == .fifo, let meter { return spliceOn(meter) }
        if buffer.isEmpty, source != nil {
            guard let bytes = try? read(raw: sourceRaw, upTo: meter?.allowance(upTo: 65536) ?? 65536), !bytes.isEmpty
            else {
                // End of file, or EIO from a terminal whose other side is gone.
                source = nil
                sink = nil
                return
            }
            // Counted when read, so that two pumps never read more than the limit together.
            meter?.count(bytes.count)
            buffer = bytes
        }
        writeBuffer()
        if buffer.isEmpty, source == nil { sink = nil }
    }

    /// The caller's pipe takes the agent's pages as they are. What it has no room for stays in the agent's pipe.
    private func spliceOn(_ meter: OutputMeter) {
        do throws(SystemError) {
            let count = try splice(from: sourceRaw, to: sinkRaw, upTo: meter.allowance(upTo: 1 << 20))
            meter.count(count)
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
            let count =
                sinkKind == .socket ? try sendSome(raw: sinkRaw, buffer) : try writeSome(raw: sinkRaw, buffer)
            buffer.removeFirst(count)
        } catch where error.errno == .again {
        } catch { fail(error) }
    }

    /// At the limit: one byte more, or the end?
    private func lookBeyond(_ meter: OutputMeter) {
        guard let more = try? read(raw: sourceRaw, upTo: 1), !more.isEmpty else { return stop() }
        // The pipe stays open until everything is killed: the agent is not to hear of its end before.
        meter.exceed()
        isBlocked = true
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
