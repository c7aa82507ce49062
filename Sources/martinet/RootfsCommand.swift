// SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// `martinet rootfs`: root file systems to run in.
struct RootfsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rootfs", abstract: "Builds root file systems to run programs in.",
        subcommands: [RootfsBuildCommand.self])
}
