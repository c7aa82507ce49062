// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// The command `martinet`.
struct Martinet: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs programs in sandboxes of their own, without a container engine or a daemon.",
        version: "0.1.0",
        subcommands: [
            RunCommand.self, ExplainCommand.self, SchemaCommand.self, RootfsCommand.self, SeccompCommand.self,
            DoctorCommand.self,
        ])
}
