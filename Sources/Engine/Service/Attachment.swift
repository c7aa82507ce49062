// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram

/// Keys that leave a sandbox one is attached to.
public struct DetachKeys: Sendable, Equatable {
    let bytes: [UInt8]

    /// Docker's: Ctrl-P Ctrl-Q.
    public static let usual = DetachKeys(bytes: [16, 17])

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Reads keys divided by commas: a character, or `ctrl-` and one of a–z, @, [, \, ], ^ and _.
    public init(_ text: String) throws(EngineError) {
        var bytes: [UInt8] = []
        for word in text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false) {
            let key = Array(word.utf8)
            if key.count == 1, key[0] >= 0x21, key[0] < 0x7f {
                bytes.append(key[0])
            } else if key.count == 6, word.hasPrefix("ctrl-"), let control = Self.control(key[5]) {
                bytes.append(control)
            } else {
                throw EngineError(
                    .invalidSpec, "detach-keys: \(word) is no key", hint: "write a letter, or ctrl-p, divided by commas"
                )
            }
        }
        self.bytes = bytes
    }

    private static func control(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x61...0x7a: byte - 0x60
        case 0x40, 0x5b...0x5f: byte - 0x40
        default: nil
        }
    }

    /// What is passed on of what was typed, and whether the keys were. What may be their beginning is held back.
    func take(_ typed: [UInt8], matched: inout Int) -> (passed: [UInt8], isLeaving: Bool) {
        guard !bytes.isEmpty else { return (typed, false) }
        var passed: [UInt8] = []
        for byte in typed {
            if byte == bytes[matched] {
                matched += 1
                if matched == bytes.count { return (passed, true) }
                continue
            }
            passed += bytes[..<matched]
            matched = 0
            if byte == bytes[0] { matched = 1 } else { passed.append(byte) }
            if matched == bytes.count { return (passed, true) }
        }
        return (passed, false)
    }
}

extension StoredSandbox {
    /// Shows what the agent writes from now on, and passes on what is typed.
    ///
    /// - Parameters:
    ///   - input: whether anything is passed on.
    ///   - keys: what leaves, where standard input is a terminal.
    /// - Returns: how it ended; `nil` where the caller left.
    public func attach(
        input: Bool, leaving keys: DetachKeys = .usual, streams: StandardStreams = StandardStreams()
    ) throws(EngineError) -> SandboxStatus? {
        _ = try require([.running], to: "attach to")
        let follower = try LogFollower(self, follows: true)
        // What was written before is for logs.
        while try follower.nextNow() != nil {}
        let typist = input ? try Typist(try client(), spec: try spec(), keys: keys, streams) : nil
        typist?.begin()
        defer { typist?.end() }
        let output = Attachment(streams)
        while true {
            switch try follower.next(orWhen: typist?.interest) {
            case .item(let item): output.write(item)
            case .ready:
                if try typist?.take() == false { return nil }
            case .end: return try wait()
            }
        }
    }
}

/// What is typed, on its way to the agent.
private final class Typist {
    private let client: InitClient
    private let streams: StandardStreams
    private let keys: DetachKeys
    private let isTerminal: Bool
    private let saved: TerminalState?
    private var agent: Descriptor?
    private var matched = 0

    /// An agent without an input of its own reads nothing, and then nobody can leave by keys but by a signal.
    init?(
        _ client: InitClient, spec: SandboxSpec, keys: DetachKeys, _ streams: StandardStreams
    ) throws(EngineError) {
        guard spec.terminal || spec.standardInput == .inherit else { return nil }
        agent = .some(try client.takeInput())
        self.client = client
        self.streams = streams
        isTerminal = spec.terminal
        // Keys are looked for where somebody types.
        self.keys = terminalSize(streams.input) == nil ? (try DetachKeys("")) : keys
        saved = spec.terminal ? TerminalState(of: streams.input) : nil
        if isTerminal, let raw = agent.asRaw, let size = terminalSize(streams.input) {
            _ = try? setTerminalSize(raw: raw, size)
        }
    }

    func begin() { saved?.applyRaw(to: streams.input) }
    func end() { saved?.restore(to: streams.input) }

    /// What to wait for: nothing once the input has ended.
    var interest: Int32? { agent.asRaw == nil ? nil : streams.input }

    /// Passes on what there is; false where the keys to leave were typed.
    func take() throws(EngineError) -> Bool {
        guard let raw = agent.asRaw else { return true }
        let source = streams.input
        let typed = try launching { () throws(SystemError) in try read(raw: source, upTo: 4096) }
        guard !typed.isEmpty else {
            agent = nil
            if !isTerminal { try client.closeInput() }
            return true
        }
        let (passed, isLeaving) = keys.take(typed, matched: &matched)
        if !passed.isEmpty { try? writeAll(raw: raw, passed) }
        return !isLeaving
    }
}

/// What the agent writes, on its way to the caller.
private struct Attachment {
    private let streams: StandardStreams
    init(_ streams: StandardStreams) { self.streams = streams }

    func write(_ item: LogReader.Item) {
        guard case .record(let record) = item else { return }
        try? writeAll(raw: record.stream == .standardError ? streams.error : streams.output, record.payload)
    }
}
