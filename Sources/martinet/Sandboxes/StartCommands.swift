// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Engine
import LinuxKernel
import SandboxSpec

/// `martinet create`: a sandbox that is written down and not started.
struct CreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Writes a sandbox down without starting it, and prints its id.",
        usage: "martinet create [options] [--] COMMAND [ARGUMENT …]",
        discussion: "martinet start runs it. Relative paths begin at the directory that this is called in.")

    @OptionGroup var options: SpecOptions

    func run() throws { throw ExitCode(try SpecRequest(SpecOptions.flags()).create()) }
}

/// `martinet start`: runs what was created, or has ended.
struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Starts sandboxes that were created or have ended.",
        discussion:
            "Their logs go on where they ended. Secrets from variables are taken from this command's environment.")

    @Argument(
        help: "Names, ids or beginnings of ids", completion: StoreAccess.completion([.created, .exited, .dead, .gone]))
    var names: [String]

    func run() throws {
        let launcher = Launcher(options: .init(callerEnvironment: CallerEnvironment.read()))
        try StoreAccess.forEach(names, in: StoreAccess.open()) { (sandbox, name) throws(EngineError) in
            try sandbox.start(launcher, terminalSize: terminalSize(0))
            Message.output(visible(name) + "\n")
        }
    }
}

/// `martinet restart`: stop and start.
struct RestartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart", abstract: "Stops sandboxes and starts them again.")

    @Option(
        name: [.short, .long], help: ArgumentHelp("How long the agent may take to end (10s)", valueName: "DURATION"))
    var time: String?

    @Argument(help: "Names, ids or beginnings of ids", completion: StoreAccess.completion())
    var names: [String]

    func run() throws {
        let grace = try StopCommand.grace(time)
        let launcher = Launcher(options: .init(callerEnvironment: CallerEnvironment.read()))
        try StoreAccess.forEach(names, in: StoreAccess.open()) { (sandbox, name) throws(EngineError) in
            try sandbox.stop(grace: grace)
            try sandbox.start(launcher, terminalSize: terminalSize(0))
            Message.output(visible(name) + "\n")
        }
    }
}
