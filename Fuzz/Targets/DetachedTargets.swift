// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKernel

@testable import Engine
@testable import SandboxSpec
@testable import SetupProgram

/// What is read of sandboxes that stay: what their init answers, and what it and others wrote down.
let detachedTargets = [
    FuzzTarget(name: "service-records", run: readServiceRecord),
    FuzzTarget(name: "agent-program", run: readAgentProgram),
    FuzzTarget(name: "log", run: readLog),
    FuzzTarget(name: "status", run: readStatus),
]

/// An answer of init's, or its last word in a file, and all that is made of it.
private func readServiceRecord(_ bytes: [UInt8]) throws(Violation) {
    if let file = VerdictFile(bytes) {
        let facts = RunFacts(exit: file.exit, initStatus: .signaled(SIGKILL))
        guard let verdict = Verdict(facts) else { throw Violation(description: "an end without a verdict") }
        try requireReport(VerdictReport(verdict, name: "a").line, verdict.exitStatus)
        if let ended = file.ended { try requireVisible(ended.description) }
    }
    guard let message = try? ServiceMessage(bytes) else { return }
    switch message {
    case .exited(let record):
        let verdict = ExecVerdict(record)
        try requireReport(verdict.reportLine, verdict.exitStatus)
    case .refused(let errno): try requireVisible("\(InitClient.refusal("ask", errno))")
    case .program(let part, let total, let count, let slots):
        if part.count == total { try requireConfinement(part, count, slots) }
    case .done, .failed, .started, .descriptor, .processes: break
    }
}

private func requireReport(_ line: String, _ status: Int32) throws(Violation) {
    try require((0...255).contains(status), "exit status \(status)")
    try requireVisible(line)
    _ = try requireSuccess("the report is JSON") { try SpecNode(json: Array(line.utf8)) }
}

/// The number of instructions and slots, and the instructions.
private func readAgentProgram(_ bytes: [UInt8]) throws(Violation) {
    guard bytes.count >= 8 else { return }
    func number(_ offset: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) } }
    try requireConfinement(Array(bytes[8...]), number(0), number(4))
}

/// A process that is started from what init says the first was started from gets all that confines that one.
private func requireConfinement(_ bytes: [UInt8], _ count: UInt32, _ slots: UInt32) throws(Violation) {
    guard let agent = try? AgentProgram(decoding: bytes, instructionCount: count, slotCount: slots) else { return }
    var asked = ExecInputs(arguments: ["a"])
    asked.environment = [("PATH", "/b"), ("A", "b")]
    asked.workdir = "/c"
    for terminal in [nil, TerminalDimensions(rows: 24, columns: 80)] {
        asked.terminal = terminal
        guard let program = try? agent.exec(asked) else { continue }
        let before = agent.instructions.filter(\.confines)
        let after = program.instructions.filter(\.confines)
        try require(before == after, "a process that is started later is confined otherwise")
        let none = NamespaceIdentity(device: 0, inode: 0)
        guard let written = try? program.encoded(launcherMountNamespace: none, launcherUserNamespace: none) else {
            continue
        }
        guard let again = try? SetupProgram(decoding: written) else {
            // More slots than there may be, which init says, too.
            try require(program.slotCount > UInt32(ProgramHeader.mostSlots), "what was written cannot be read")
            continue
        }
        try require(again.instructions == program.instructions, "the program is another after writing and reading")
    }
}

extension Instruction {
    /// Whether it takes something from the process for good.
    fileprivate var confines: Bool {
        switch self {
        case .dropBoundingCapabilities, .setCapabilities, .setSecurebits, .setNoNewPrivileges, .landlock,
            .installFilter, .setResourceLimit, .closeDescriptors, .joinSessionKeyring:
            true
        default: false
        }
    }
}

/// Four texts, two of each of the log's files, which change places while they are read.
///
/// The reader ends, takes no more than there is, and what it shows a terminal is fit for one.
private func readLog(_ bytes: [UInt8]) throws(Violation) {
    guard bytes.count >= 8 else { return }
    let period = Int(bytes[0])
    var rest = bytes[8...]
    var texts: [[UInt8]] = []
    for index in 0..<3 {
        let length = Int(bytes[1 + 2 * index]) | Int(bytes[2 + 2 * index]) << 8
        texts.append(Array(rest.prefix(length)))
        rest = rest.dropFirst(length)
    }
    texts.append(Array(rest))
    var (calls, items, payloads) = (0, 0, 0)
    var reader = LogReader()
    var terminal = TerminalText()
    while true {
        let item = try requireSuccess("a log can be read") {
            try reader.next { file, offset, count in
                calls += 1
                // Everybody stops writing at some time.
                let version = period == 0 || calls > 1000 ? 0 : calls / period % 2
                let text = texts[file + 2 * version]
                guard let start = Int(exactly: offset), start < text.count else { return [] }
                return Array(text[start...].prefix(count))
            }
        }
        try require(calls < 100_000, "a log without an end")
        guard let item else { break }
        items += 1
        guard case .record(let record) = item else { continue }
        payloads += record.payload.count
        try require(record.payload.count <= LogLayout.largestPayload, "a record of \(record.payload.count) bytes")
        try requireShown(terminal.show(record.payload[...]))
        try requireVisible(record.time.description)
    }
    try requireShown(terminal.finish())
    if period == 0 {
        try require(payloads <= texts[0].count + texts[1].count, "more was read than there is")
        try require(items <= bytes.count, "more records than bytes")
    }
}

private func requireShown(_ bytes: [UInt8]) throws(Violation) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw Violation(description: "what is shown is no UTF-8")
    }
    try requireVisible(text.filter { $0 != "\t" })
}

/// A sandbox's record, or a line of the events: what was read is written as what reads the same.
private func readStatus(_ bytes: [UInt8]) throws(Violation) {
    if let status = try reading({ () throws(SpecError) in try SandboxStatus(json: bytes) }) {
        let written = try requireSuccess("a status that was read can be written") { try SandboxStore.encode(status) }
        let again = try requireSuccess("a status that was written can be read") { try SandboxStatus(json: written) }
        let twice = try requireSuccess("a status that was read can be written") { try SandboxStore.encode(again) }
        try require(written == twice, "the status is another after writing and reading")
    }
    if let event = try reading({ () throws(SpecError) in try SandboxEvent(json: bytes) }) {
        let line = event.line
        try require(line.utf8.count(where: { $0 == 0x0a }) == 1, "an event of several lines")
        let again = try requireSuccess("an event that was written can be read") {
            try SandboxEvent(json: Array(line.utf8))
        }
        try require(again == event, "the event is another after writing and reading")
    }
}
