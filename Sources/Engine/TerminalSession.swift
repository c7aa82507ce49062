// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// The caller's terminal while the agent's is shown on it.
struct TerminalSession {
    private let streams: StandardStreams
    private let saved: TerminalState?

    init(_ streams: StandardStreams) {
        self.streams = streams
        saved = TerminalState(of: streams.input)
    }

    func begin() { saved?.applyRaw(to: streams.input) }
    func end() { saved?.restore(to: streams.input) }

    /// Keys to the agent, what it writes to the caller.
    func pumps(_ terminal: Int32, meter: OutputMeter) throws(EngineError) -> [Pump] {
        let input = try launching { () throws(SystemError) in try duplicate(streams.input) }
        let output = try launching { () throws(SystemError) in try duplicateForWriting(streams.output) }
        let master = try launching { () throws(SystemError) in try duplicate(terminal) }
        let second = try launching { () throws(SystemError) in try duplicate(terminal) }
        return [
            Pump(from: input, to: master),
            Pump(from: second, to: output, kind: .characterDevice, meter: meter, isFromTerminal: true),
        ]
    }
}
