// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// The command `martinet`.
struct Martinet: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs programs in sandboxes of their own, without a container engine or a daemon.",
        version: "0.1.0",
        subcommands: [
            RunCommand.self, CreateCommand.self, StartCommand.self, ExecCommand.self, AttachCommand.self,
            StopCommand.self,
            KillCommand.self, PauseCommand.self, ResumeCommand.self, RestartCommand.self, WaitCommand.self,
            ExplainCommand.self, SchemaCommand.self, RootfsCommand.self, SeccompCommand.self,
            DoctorCommand.self, PsCommand.self, InspectCommand.self, LogsCommand.self, EventsCommand.self,
            RmCommand.self, PruneCommand.self, RenameCommand.self,
        ])
}
