// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Storage

/// `martinet rootfs build`: a directory from a distribution's packages.
struct RootfsBuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Builds a Debian or Ubuntu root file system with debootstrap.",
        discussion: """
            Takes root, and debootstrap. Signatures are always checked. A build that fails or is interrupted leaves \
            nothing.
            """)

    @Argument(help: ArgumentHelp("The directory to build; absent or empty", valueName: "DIR"))
    var directory: String

    @Option(help: ArgumentHelp("The distribution's release", valueName: "NAME"))
    var suite = "bookworm"

    @Option(help: ArgumentHelp("Packages to add, divided by commas", valueName: "PACKAGE,…"))
    var include: [String] = []

    @Option(help: ArgumentHelp("Where packages come from, instead of this machine's own mirror", valueName: "URL"))
    var mirror: String?

    @Option(help: ArgumentHelp("The choice of packages: \(RootfsRequest.variants.joined(separator: " or "))"))
    var variant = "minbase"

    func run() throws {
        var request = RootfsRequest(target: directory, suite: suite)
        request.include = include.flatMap { $0.split(separator: ",").map(String.init) }
        request.mirror = mirror
        request.variant = variant
        let environment = CallerEnvironment.read()
        let builder = RootfsBuilder(
            searchPath: environment["PATH"], environment: environment.map { "\($0.key)=\($0.value)" })
        let display = ProgressDisplay()
        do throws(StorageError) {
            try builder.build(request, progress: display.show)
            display.end()
        } catch {
            display.end()
            Message.say(error.description)
            throw ExitCode(125)
        }
    }
}
