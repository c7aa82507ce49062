// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Engine
import LinuxKernel
import SandboxSpec

/// `martinet exec`: another process in a running sandbox.
struct ExecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exec", abstract: "Runs another program in a running sandbox.",
        usage: "martinet exec [options] NAME [--] COMMAND [ARGUMENT …]",
        discussion: """
            It runs under the confinement of the sandbox's first process and in its cgroup. The exit status is the program's, \
            or 128 and the number of the signal that ended it; 125 if it could not be started, 126 if it could not be \
            executed, 127 if it was not found.
            """)

    @Flag(name: [.short, .long], help: "Pass standard input on")
    var interactive = false

    @Flag(name: [.short, .long], help: "Give it a terminal of its own")
    var tty = false

    @Flag(name: [.short, .long], help: "Do not wait for its end; what it writes goes nowhere")
    var detach = false

    @Option(name: [.short, .long], help: ArgumentHelp("Who it is, by name or number", valueName: "USER[:GROUP]"))
    var user: String?

    @Option(name: [.short, .long], help: ArgumentHelp("The directory it starts in", valueName: "DIR"))
    var workdir: String?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("A variable, or NAME alone for the caller's", valueName: "NAME[=VALUE]"))
    var env: [String] = []

    @Option(
        help: ArgumentHelp(
            "Write how it ended as JSON to standard error, to descriptor FD or to FILE", valueName: "json[=FD|FILE]"))
    var report: String?

    @Argument(help: "A name, an id or the beginning of one", completion: StoreAccess.completion([.running]))
    var name: String

    @Argument(
        parsing: .captureForPassthrough, help: ArgumentHelp("The program and its arguments", valueName: "COMMAND"))
    var command: [String] = []

    func run() throws {
        let words = command.first == "--" ? Array(command.dropFirst()) : command
        guard !words.isEmpty else { throw ValidationError("exec needs a command.") }
        throw ExitCode(try runSaying(words))
    }

    private func runSaying(_ words: [String]) throws -> Int32 {
        do throws(EngineError) {
            let environment = CallerEnvironment.read()
            var request = ExecRequest(command: words)
            do throws(SpecError) {
                request.user = try user.map { text throws(SpecError) in try UserReference(text) }
                request.workdir = try workdir.map { text throws(SpecError) in try SandboxPath(text).text }
                for text in env {
                    request.environment.append(try EnvironmentVariable(text, callerEnvironment: environment))
                }
            } catch { throw EngineError(error) }
            (request.terminal, request.takesInput, request.isDetached) = (tty, interactive || tty, detach)
            if detach, report != nil {
                throw EngineError(.invalidSpec, "report: nobody waits for the end", hint: "leave -d or report out")
            }
            // Not a copyable value: made only where there is one.
            guard let report else { return try exec(request, environment)?.exitStatus ?? 0 }
            let file = try ReportFile(report: report)
            guard let verdict = try exec(request, environment) else { return 0 }
            file.write(verdict.reportLine)
            return verdict.exitStatus
        } catch {
            Message.say(error.description)
            return error.exitStatus
        }
    }

    private func exec(_ request: ExecRequest, _ environment: [String: String]) throws(EngineError) -> ExecVerdict? {
        try StoreAccess.open().find(name).exec(request, callerTerminal: environment["TERM"])
    }
}

/// `martinet attach`: the caller's terminal, or streams, for a running agent's.
struct AttachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Shows what a running agent writes, and passes on what is typed.",
        discussion: """
            What is typed reaches an agent that was started with -i or -t. Ctrl-P Ctrl-Q leaves a terminal, and the agent \
            where it is. The exit status is the agent's when it ends.
            """)

    @Flag(help: "Pass nothing on to the agent")
    var noStdin = false

    @Option(help: ArgumentHelp("Other keys that leave, as ctrl-a,d; empty for none", valueName: "KEYS"))
    var detachKeys: String?

    @Argument(help: "A name, an id or the beginning of one", completion: StoreAccess.completion([.running]))
    var name: String

    func run() throws {
        let keys = try detachKeys.map { try DetachKeys($0) } ?? DetachKeys.usual
        let sandbox = try StoreAccess.open().find(name)
        guard let status = try sandbox.attach(input: !noStdin, leaving: keys) else {
            Message.say("left; \(visible(name)) goes on")
            return
        }
        guard let code = status.exitStatus else {
            throw EngineError(.initFailed, "there is no verdict on \(visible(name)): its init was killed")
        }
        throw ExitCode(code)
    }
}
