// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import SandboxSpec

/// `martinet explain`: what `run` would do, step by step.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Prints the steps that would build a sandbox, and runs nothing.",
        usage: "martinet explain [options] [--] COMMAND [ARGUMENT …]",
        discussion: "Takes the options of `martinet run`.")

    @OptionGroup var options: SpecOptions

    func run() throws {
        throw ExitCode(try SpecRequest(SpecOptions.flags()).explain())
    }
}
