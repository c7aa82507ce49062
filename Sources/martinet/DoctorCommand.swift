// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Doctor
import LinuxKernel

/// `martinet doctor`: what this machine has for sandboxes, what it lacks, and what helps.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Examines this machine: what works, what does not, and what helps.",
        discussion: """
            Tries what sandboxes need, last of all a real run, and changes nothing. Marks: ok; ! degraded; - missing; ? \
            could not be found out. What is not ok has its effect and its cure below it; cures are for root to type unless \
            they say otherwise.

            The exit status is 0 if `martinet run` works here with default settings, whatever else is missing, and 1 if it \
            does not. With --strict it is 1 also where anything is missing.
            """)

    @Flag(help: "Print JSON, as docs/cli.md describes it")
    var json = false

    @Flag(help: "Exit with 1 if anything at all is missing")
    var strict = false

    func run() throws {
        let environment = CallerEnvironment.read()
        let program = (try? readSymlink("/proc/self/exe")) ?? ""
        let report = Doctor(program: program, environment: environment).examine()
        let status = report.exitStatus(strict: strict)
        if json {
            Message.output(report.json(exitStatus: status))
        } else if isTerminal(1), (environment["NO_COLOR"] ?? "").isEmpty, environment["TERM"] != "dumb" {
            // The marks' colours are the only control characters in it: what was found on the machine is escaped.
            Message.output(report.escaped(Message.withoutControls).text(colours: true))
        } else {
            Message.output(report.escaped(Message.withoutControls).text())
        }
        if status != 0 { throw ExitCode(status) }
    }
}
