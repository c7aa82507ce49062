// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import SandboxSpec

/// `martinet schema`: what a spec's file may hold.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Prints the JSON Schema of spec files.")

    func run() throws {
        Message.output(SpecSchema.json)
    }
}
