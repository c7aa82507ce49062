// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Engine
import LinuxKernel
import SandboxSpec
import SetupProgram

/// `martinet logs`: what a sandbox's agent wrote.
struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Prints what a sandbox's agent wrote.",
        discussion: """
            What the agent wrote to its standard error goes to standard error. On a terminal, control characters but line \
            ends and tabs are shown as \\u{1b}, so that the agent cannot do to it what it likes; --raw leaves them. A TIME is \
            2026-03-01T12:00:00Z, 2026-03-01, seconds since 1970, or 10m for ten minutes ago.
            """)

    enum Stream: String, ExpressibleByArgument, CaseIterable {
        case stdout, stderr, terminal
    }

    @Flag(name: [.short, .long], help: "Wait for more until the sandbox ends")
    var follow = false

    @Option(help: ArgumentHelp("Only what was written from then on", valueName: "TIME"))
    var since: String?

    @Option(help: ArgumentHelp("Only what was written until then", valueName: "TIME"))
    var until: String?

    @Option(
        name: [.customShort("n"), .long], help: ArgumentHelp("Only the last N lines of what is there", valueName: "N"))
    var tail: String?

    @Flag(name: [.short, .long], help: "Begin each line with its time")
    var timestamps = false

    @Option(help: ArgumentHelp("Only what was written to stdout, stderr or terminal", valueName: "STREAM"))
    var stream: [Stream] = []

    @Flag(help: "Write control characters to a terminal as they are")
    var raw = false

    @Argument(help: "A name, an id or the beginning of one", completion: StoreAccess.completion())
    var name: String

    func run() throws {
        let since = try StoreAccess.moment(self.since, "since")
        let until = try StoreAccess.moment(self.until, "until")
        var selection = LogSelection(since: since, until: until, streams: Set(stream.map(\.logStream)))
        selection.tail = try tail.flatMap { try Self.lines($0) }
        let sandbox = try StoreAccess.open().find(name)
        var output = LogOutput(showsTimes: timestamps, isRaw: raw)
        if let count = selection.tail {
            // All that is there, without waiting; then on from where that ended.
            var last = LogTail(count)
            let follower = try LogFollower(sandbox, follows: follow)
            while let item = try follower.nextNow() { if selection.picks(item) { last.add(item) } }
            for item in last.items { output.write(item) }
            if follow { try copy(follower, selection, &output) }
        } else {
            let follower = try LogFollower(sandbox, follows: follow)
            try copy(follower, selection, &output)
        }
        output.finish()
    }

    private func copy(
        _ follower: LogFollower, _ selection: LogSelection, _ output: inout LogOutput
    ) throws(EngineError) {
        while let item = try follower.next(until: selection.until, unless: 1) {
            if selection.picks(item) { output.write(item) }
        }
    }

    /// A number of lines; `nil` for all.
    private static func lines(_ text: String) throws -> Int? {
        if text == "all" { return nil }
        guard let count = plainNumber(Substring(text)).flatMap({ Int(exactly: $0) }) else {
            throw ValidationError("--tail \(visible(text)): write a number of lines, or all.")
        }
        return count
    }
}

extension LogsCommand.Stream {
    fileprivate var logStream: LogStream {
        switch self {
        case .stdout: .standardOutput
        case .stderr: .standardError
        case .terminal: .terminal
        }
    }
}
