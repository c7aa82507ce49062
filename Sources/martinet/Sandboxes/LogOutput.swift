// SPDX-License-Identifier: Apache-2.0
import Engine
import LinuxKernel

/// Writes a log to this program's own standard output and error.
struct LogOutput {
    private struct Channel {
        let raw: Int32
        var text: TerminalText?
        /// Whether the next byte begins a line.
        var isAtStart = true
    }

    private let showsTimes: Bool
    private var output: Channel
    private var error: Channel

    /// - Parameter isRaw: whether a terminal is given what the agent wrote as it is.
    init(showsTimes: Bool, isRaw: Bool) {
        self.showsTimes = showsTimes
        func channel(_ raw: Int32) -> Channel {
            Channel(raw: raw, text: !isRaw && terminalSize(raw) != nil ? TerminalText() : nil)
        }
        (output, error) = (channel(1), channel(2))
    }

    mutating func write(_ item: LogReader.Item) {
        switch item {
        case .gap: Message.say("some of the log is missing here: it was overwritten before it was read")
        case .record(let record):
            if record.dropped > 0 { Message.say("\(record.dropped) bytes of output were not kept here") }
            if record.stream == .standardError {
                write(record, to: &error)
            } else {
                write(record, to: &output)
            }
        }
    }

    private func write(_ record: LogRecord, to channel: inout Channel) {
        guard showsTimes else { return put(record.payload[...], to: &channel) }
        let time = Array("\(record.time) ".utf8)
        var bytes: [UInt8] = []
        for line in record.payload.splitBehindLineEnds() {
            if channel.isAtStart { bytes += time }
            bytes += line
            channel.isAtStart = line.last == 0x0a
        }
        put(bytes[...], to: &channel)
    }

    private func put(_ bytes: ArraySlice<UInt8>, to channel: inout Channel) {
        let shown = channel.text?.show(bytes) ?? Array(bytes)
        guard !shown.isEmpty, mayWrite(raw: channel.raw) else { return }
        try? writeAll(raw: channel.raw, shown)
    }

    /// Writes what was held back for the rest of a character.
    mutating func finish() {
        for channel in [output, error] {
            var channel = channel
            guard let rest = channel.text?.finish(), !rest.isEmpty else { continue }
            try? writeAll(raw: channel.raw, rest)
        }
    }
}
