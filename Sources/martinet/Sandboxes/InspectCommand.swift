// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Engine
import LinuxKernel
import SandboxSpec

/// `martinet inspect`: everything that is known about sandboxes.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Prints everything that is known about sandboxes, as JSON.",
        discussion: """
            FORMAT is json (a list with one object for each name) or a template, as '{{.state}}' or \
            '{{.status.init.pid}}'. The exit status is 1 if any of the names is unknown.
            """)

    @Option(name: [.short, .long], help: ArgumentHelp("json or a template", valueName: "FORMAT"))
    var format = "json"

    @Argument(help: "Names, ids or beginnings of ids", completion: StoreAccess.completion())
    var names: [String]

    func run() throws {
        let template = format == "json" ? nil : try Template(format)
        let store = try StoreAccess.open()
        var found: [SpecNode] = []
        defer {
            if template == nil { Message.output(Message.json(SpecNode(.list(found)).jsonText)) }
        }
        try StoreAccess.forEach(names, in: store) { (sandbox, name) throws(EngineError) in
            guard let node = try sandbox.inspection() else {
                throw EngineError(.unknownSandbox, "find sandbox \(name): it has been removed")
            }
            guard let template else { return found.append(node) }
            Message.output(try template.render(node) + "\n")
        }
    }
}
