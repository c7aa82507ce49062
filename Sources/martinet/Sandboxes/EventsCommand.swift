// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Engine
import LinuxKernel
import SandboxSpec

/// `martinet events`: what happened to sandboxes, and what happens.
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Prints what happened to sandboxes, a JSON object on a line each.",
        discussion: """
            A TIME is 2026-03-01T12:00:00Z, 2026-03-01, seconds since 1970, or 10m for ten minutes ago. With -f and \
            without --since only what happens from now on is printed. The last 4 to 8 MiB of events are kept.
            """)

    @Flag(name: [.short, .long], help: "Wait for what happens, and bring about what comes of an end")
    var follow = false

    @Option(help: ArgumentHelp("Only what happened from then on", valueName: "TIME"))
    var since: String?

    @Option(help: ArgumentHelp("Only what happens until then; -f ends then", valueName: "TIME"))
    var until: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Only those with event=EVENT, name=NAME, label=KEY[=VALUE]; several keys are all to match, several values of "
                + "one are any", valueName: "KEY=VALUE"))
    var filter: [String] = []

    func run() throws {
        let filter = try StoreAccess.filter(self.filter, [.event, .name, .label])
        let since = try StoreAccess.moment(self.since, "since")
        let until = try StoreAccess.moment(self.until, "until")
        let store = try StoreAccess.open()
        // What has ended unseen is told first.
        _ = try store.list()
        let follower = try EventFollower(store, follows: follow, skipsKept: follow && since == nil)
        while let event = try follower.next(until: until, unless: 1) {
            if let since, event.time < since { continue }
            if let until, event.time > until { continue }
            if filter.picks(event) { Message.output(Message.json(event.node.jsonLine) + "\n") }
        }
    }
}
