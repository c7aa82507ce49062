// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import SandboxSpec

/// `martinet run`: a program in a sandbox, in the foreground.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a program in a new sandbox and waits for its end.",
        usage: "martinet run [options] [--] COMMAND [ARGUMENT …]",
        discussion: """
            The exit status is the program's, or 128 and the number of the signal that ended it; 125 if the sandbox could \
            not be made, 126 if the program could not be executed, 127 if it was not found.
            """)

    @OptionGroup var options: SpecOptions

    func run() throws {
        throw ExitCode(try SpecRequest(SpecOptions.flags()).run())
    }
}
