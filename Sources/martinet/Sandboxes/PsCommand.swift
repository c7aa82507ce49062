// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Engine
import LinuxKernel

/// `martinet ps`: the sandboxes that there are.
struct PsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps", abstract: "Lists sandboxes: those that run, or all.",
        discussion: """
            FORMAT is table, json (one object on a line for each sandbox), or a template with fields, as \
            '{{.ID}} {{.Name}} {{.State}}'; --format '{{json .}}' shows which fields there are.
            """)

    @Flag(name: [.short, .long], help: "Those that have not been started or have ended as well")
    var all = false

    @Flag(name: [.short, .long], help: "Print ids only")
    var quiet = false

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "Only those with label=KEY[=VALUE], state=STATE, name=NAME; several keys are all to match, several values of "
                + "one are any", valueName: "KEY=VALUE"))
    var filter: [String] = []

    @Option(help: ArgumentHelp("table, json or a template", valueName: "FORMAT"))
    var format = "table"

    @Flag(help: "Print ids and commands in full")
    var noTrunc = false

    @Flag(help: "Those of other users as well, below /run/user; root only")
    var allUsers = false

    func run() throws {
        let filter = try StoreAccess.filter(self.filter, [.label, .state, .name])
        // A state that is asked for is shown.
        let shows = all || self.filter.contains { $0.hasPrefix("state=") }
        guard !allUsers || effectiveUID() == 0 else {
            throw EngineError(
                .unavailable, "list the sandboxes of all users: only root may", hint: "sudo martinet ps …")
        }
        let stores = [try StoreAccess.open()] + (allUsers ? SandboxStore.foreign() : [])
        var entries: [SandboxEntry] = []
        for store in stores { entries += try store.list() }
        entries = entries.filter { (shows || $0.state.isAlive) && filter.picks($0) }
        let now = Timestamp.now()
        try write(entries.map { SandboxWords(entry: $0, now: now) })
    }

    private func write(_ list: [SandboxWords]) throws {
        if quiet {
            for words in list {
                let id = words.entry.sandbox.id
                Message.output("\(noTrunc ? id.text : id.short)\n")
            }
        } else if format == "json" {
            for words in list { Message.output(Message.json(words.node(isCut: false).jsonLine) + "\n") }
        } else if format == "table" {
            Message.output(table(list))
        } else {
            let template = try Template(format)
            for words in list { Message.output(try template.render(words.node(isCut: !noTrunc)) + "\n") }
        }
    }

    private func table(_ list: [SandboxWords]) -> String {
        var table = TextTable(["ID", "NAME", "COMMAND", "CREATED", "STATUS"] + (allUsers ? ["UID"] : []))
        for words in list {
            let sandbox = words.entry.sandbox
            table.add(
                [
                    noTrunc ? sandbox.id.text : sandbox.id.short, words.entry.displayName,
                    words.command(noTrunc ? nil : 20), words.age, words.status,
                ] + (allUsers ? ["\(sandbox.store.owner)"] : []))
        }
        return table.text
    }
}
