// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Engine
import LinuxKernel
import SandboxSpec

/// `martinet rm`: sandboxes that are not needed any more.
struct RmCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Removes sandboxes with their logs and verdicts.",
        discussion: "The exit status is 1 if any could not be removed; the others are removed all the same.")

    @Flag(name: [.short, .long], help: "Kill those that run")
    var force = false

    @Argument(help: "Names, ids or beginnings of ids", completion: StoreAccess.completion())
    var names: [String]

    func run() throws {
        let store = try StoreAccess.open()
        try StoreAccess.forEach(names, in: store) { (sandbox, name) throws(EngineError) in
            try sandbox.remove(force: force)
            Message.output(Message.withoutControls(name) + "\n")
        }
    }
}

/// `martinet prune`: everything that is not needed any more.
struct PruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Removes all sandboxes that do not run, and what killed processes left behind.")

    @Flag(name: [.short, .long], help: "Do not ask")
    var force = false

    @Option(
        name: .long,
        help: ArgumentHelp("Only those with label=KEY[=VALUE], state=STATE, name=NAME", valueName: "KEY=VALUE"))
    var filter: [String] = []

    func run() throws {
        let filter = try StoreAccess.filter(self.filter, [.label, .state, .name])
        let store = try StoreAccess.open()
        let entries = try store.list().filter { !$0.state.isAlive && filter.picks($0) }
        guard try force || entries.isEmpty || isAgreed(entries) else { throw ExitCode(1) }
        var failed = false
        for entry in entries {
            do throws(EngineError) {
                try entry.sandbox.remove()
                Message.output(visible(entry.displayName) + "\n")
            } catch where error.code == .unknownSandbox {
                // Somebody else was faster.
            } catch {
                Message.say(error.description)
                failed = true
            }
        }
        try store.sweep()
        if failed { throw ExitCode(1) }
    }

    /// Asks, where somebody can answer.
    private func isAgreed(_ entries: [SandboxEntry]) throws -> Bool {
        let names = entries.prefix(10).map { visible($0.displayName) }.joined(separator: ", ")
        let rest = entries.count > 10 ? " and \(entries.count - 10) more" : ""
        guard terminalSize(0) != nil else {
            throw EngineError(
                .wrongState, "prune: nobody is there to ask about removing \(names)\(rest)",
                hint: "martinet prune -f does not ask")
        }
        Message.output("Remove \(names)\(rest)? [y/N] ")
        return readLine().map { ["y", "yes"].contains($0.lowercased()) } ?? false
    }
}

/// `martinet rename`: another name for a sandbox.
struct RenameCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Gives a sandbox another name.")

    @Argument(help: "Its name or id now", completion: StoreAccess.completion())
    var old: String

    @Argument(help: "Its name from now on")
    var new: String

    func run() throws {
        let store = try StoreAccess.open()
        let name: SandboxName
        do throws(SpecError) { name = try SandboxName(new) } catch { throw EngineError(error) }
        try store.rename(store.find(old), to: name)
    }
}
