// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import SandboxSpec

// Ignored by who started this, it would be ignored on: children would be gone before anybody asked how they ended. wait(2)
_ = signal(SIGCHLD, SIG_DFL)

// `run` and `explain` first go past ArgumentParser, whose start takes longer than a sandbox's; it answers all else, and
// whatever is wrong with a command line.
switch CommandLine.arguments.dropFirst().first {
case "run":
    if let parsed = FlagParser.parse(CommandLine.arguments.dropFirst(2)) { exit(SpecRequest(parsed).run()) }
case "create":
    if let parsed = FlagParser.parse(CommandLine.arguments.dropFirst(2)) { exit(SpecRequest(parsed).create()) }
case "explain":
    if let parsed = FlagParser.parse(CommandLine.arguments.dropFirst(2)) { exit(SpecRequest(parsed).explain()) }
default: break
}

do {
    var command = try Martinet.parseAsRoot()
    try command.run()
} catch let code as ExitCode {
    // Everything has been said.
    exit(code.rawValue)
} catch let error {
    let text = Martinet.fullMessage(for: error)
    guard Martinet.exitCode(for: error).isSuccess else {
        if text.hasPrefix("Error: ") {
            Message.say(Message.quoting(CommandLine.arguments, in: String(text.dropFirst("Error: ".utf8.count))))
        }
        // Docker's status for a failure of the tool itself.
        exit(125)
    }
    Message.output(text + "\n")
}
