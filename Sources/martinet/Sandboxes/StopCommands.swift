// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Engine
import LinuxKernel
import SandboxSpec

/// `martinet stop`: asks agents to end.
struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Asks agents to end, and ends by force those that do not.",
        discussion: "The agent gets SIGTERM, and after the grace period everything in the sandbox SIGKILL.")

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("How long the agent may take, 30s or a number of seconds (10s)", valueName: "DURATION"))
    var time: String?

    @Option(name: [.short, .long], help: ArgumentHelp("Another signal than TERM", valueName: "SIGNAL"))
    var signal: String?

    @Argument(help: "Names, ids or beginnings of ids", completion: StoreAccess.completion([.running, .paused]))
    var names: [String]

    func run() throws {
        let grace = try Self.grace(time)
        let number = try signal.map { try SignalArgument.number($0) } ?? SignalArgument.termination
        try StoreAccess.forEach(names, in: StoreAccess.open()) { (sandbox, name) throws(EngineError) in
            try sandbox.stop(grace: grace, signal: number)
            Message.output(visible(name) + "\n")
        }
    }

    /// A duration, or whole seconds as Docker has them.
    static func grace(_ text: String?) throws -> Duration {
        guard let text else { return .seconds(10) }
        if let seconds = UInt32(text), seconds <= 86_400 { return .seconds(Int64(seconds)) }
        do throws(SpecError) { return try DurationText.parse(text) } catch {
            throw EngineError(.invalidSpec, "time: \(error.description)")
        }
    }
}

/// `martinet kill`: signals agents.
struct KillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill", abstract: "Sends agents a signal, KILL unless another is named.",
        discussion: "With KILL everything in the sandbox ends, also in a paused one.")

    @Option(name: [.short, .long], help: ArgumentHelp("TERM, SIGTERM or 15", valueName: "SIGNAL"))
    var signal: String?

    @Argument(help: "Names, ids or beginnings of ids", completion: StoreAccess.completion([.running, .paused]))
    var names: [String]

    func run() throws {
        let number = try signal.map { try SignalArgument.number($0) } ?? SignalArgument.force
        try StoreAccess.forEach(names, in: StoreAccess.open()) { (sandbox, name) throws(EngineError) in
            try sandbox.signal(number)
            Message.output(visible(name) + "\n")
        }
    }
}

/// `martinet pause`: lets nothing in a sandbox run.
struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stops every process of a sandbox where it stands.",
        discussion: "They cannot notice. Time limits go on.")

    @Argument(help: "Names, ids or beginnings of ids", completion: StoreAccess.completion([.running]))
    var names: [String]

    func run() throws {
        try StoreAccess.forEach(names, in: StoreAccess.open()) { (sandbox, name) throws(EngineError) in
            try sandbox.pause()
            Message.output(visible(name) + "\n")
        }
    }
}

/// `martinet resume`: lets a paused sandbox go on.
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Lets paused sandboxes go on.", aliases: ["unpause"])

    @Argument(help: "Names, ids or beginnings of ids", completion: StoreAccess.completion([.paused]))
    var names: [String]

    func run() throws {
        try StoreAccess.forEach(names, in: StoreAccess.open()) { (sandbox, name) throws(EngineError) in
            try sandbox.resume()
            Message.output(visible(name) + "\n")
        }
    }
}

/// `martinet wait`: until sandboxes have ended.
struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Waits until sandboxes have ended, and prints how.",
        discussion: """
            A line each: the agent's exit status, or with --report json the verdict. The exit status of this command is 0 if \
            there is a verdict for all of them.
            """)

    @Option(help: ArgumentHelp("Print the whole verdict", valueName: "json"))
    var report: String?

    @Argument(help: "Names, ids or beginnings of ids", completion: StoreAccess.completion())
    var names: [String]

    func run() throws {
        guard report == nil || report == "json" else { throw EngineError(.invalidSpec, "report: only json is known") }
        try StoreAccess.forEach(names, in: StoreAccess.open()) { (sandbox, name) throws(EngineError) in
            let status = try sandbox.wait()
            guard let verdict = status.verdict else {
                throw EngineError(
                    .initFailed,
                    "there is no verdict on \(visible(name)): "
                        + (status.loss == .gone ? "the machine was started anew" : "its init was killed"))
            }
            if report != nil { return Message.output(verdict.jsonLine + "\n") }
            Message.output("\(status.exitStatus.map(String.init) ?? "?")\n")
        }
    }
}

/// A signal by its name, with or without SIG, or its number.
enum SignalArgument {
    static let termination: Int32 = 15
    static let force: Int32 = 9

    static func number(_ text: String) throws -> Int32 {
        if let number = Int32(text), (1...64).contains(number) { return number }
        let name = text.uppercased()
        for number: Int32 in 1...64 where signalName(number) == name || signalName(number) == "SIG\(name)" {
            return number
        }
        throw EngineError(.invalidSpec, "signal: \(visible(text)) is no signal", hint: "write TERM, SIGTERM or 15")
    }
}
