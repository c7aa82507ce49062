// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Confinement
import LinuxKernel

/// `martinet seccomp show`: a profile in words, or as JSON to begin one's own with.
struct SeccompShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Prints in words what a profile allows.",
        discussion: """
            With --json it prints the profile as Docker and OCI runtimes write it, which is a file to begin one's own \
            with:

              martinet seccomp show default --json > mine.json
              martinet seccomp show mine.json
            """)

    @Argument(
        help: ArgumentHelp(
            "default, strict, unconfined, or a file of Docker's or OCI's JSON", valueName: "PROFILE"),
        completion: .custom { words, _, _ in ProfileCompletion.candidates(words.last ?? "") })
    var profile: String

    @Option(help: ArgumentHelp("A capability that the agent has; as often as there are", valueName: "CAPABILITY"))
    var cap: [String] = []

    @Option(help: ArgumentHelp("The kernel that minKernel is compared with, instead of this one", valueName: "VERSION"))
    var kernel: String?

    @Flag(help: "The default profile of a sandbox that can write to a directory of the host's: no set-uid bits")
    var workspace = false

    @Flag(help: "Print OCI JSON")
    var json = false

    @Flag(help: "Write the compiled filter, an array of struct sock_filter: what bwrap --seccomp reads")
    var bpf = false

    func validate() throws {
        if json, bpf { throw ValidationError("--json and --bpf are two forms; choose one") }
        if bpf, terminalSize(1) != nil { throw ValidationError("--bpf writes bytes that are not for a terminal") }
        if let kernel, KernelVersion(release: kernel) == nil {
            throw ValidationError("--kernel \(kernel): not a version of Linux; write two numbers, as 6.12")
        }
    }

    func run() throws {
        do throws(ConfinementError) {
            let (profile, notes) = try resolved()
            if bpf {
                Message.output(try SeccompCompiler.compile(profile))
            } else if json {
                Message.output(try profile.ociJSON())
            } else if profile == Self.unconfined {
                Message.output("No filter: every system call that the kernel has is made.\n")
            } else {
                Message.output(try ProfileExplanation(profile).text)
                if !notes.isEmpty { Message.output("\n" + notes.map { $0 + "\n" }.joined()) }
            }
        } catch {
            Message.say(error.description)
            throw ExitCode(125)
        }
    }

    private static let unconfined = SeccompProfile(rules: [], defaultAction: .allow)

    private func resolved() throws(ConfinementError) -> (SeccompProfile, notes: [String]) {
        let capabilities = try CapabilitySet(names: cap)
        if let named = NamedProfile(rawValue: profile) {
            return (named.profile(capabilities: capabilities, denySetuidBits: workspace) ?? Self.unconfined, [])
        }
        let resolution = try read().resolved(capabilities: capabilities, kernel: version)
        return (resolution.profile, try notes(resolution))
    }

    private var version: KernelVersion {
        kernel.flatMap { KernelVersion(release: $0) } ?? .running ?? KernelVersion(major: 6, minor: 0)
    }

    private func read() throws(ConfinementError) -> OCIProfile {
        do throws(ConfinementError) {
            return try OCIProfile(path: profile)
        } catch {
            let names = NamedProfile.allCases.map(\.rawValue)
            guard error.code == .unreadableProfile, let name = nearestName(to: profile, among: names) else {
                throw error
            }
            throw ConfinementError(error.code, subject: error.subject, hint: "did you mean \(name)?")
        }
    }

    /// What was left out of a file's profile, and where it is read otherwise than elsewhere.
    private func notes(_ resolution: OCIProfile.Resolution) throws(ConfinementError) -> [String] {
        var notes: [String] = []
        func add(_ count: Int, _ text: String, _ names: [String] = []) {
            if count > 0 { notes.append("note: " + text + (names.isEmpty ? "" : ": \(names.joined(separator: " "))")) }
        }
        let unknown = resolution.unknownNames
        add(unknown.count, "no call on any architecture has these names, which are passed over", unknown)
        let absent = resolution.absentNames
        add(
            absent,
            absent == 1
                ? "1 name is a call of another architecture" : "\(absent) names are calls of other architectures")
        let left = resolution.rulesLeftOut
        add(
            left,
            "\(left == 1 ? "1 rule does" : "\(left) rules do") not count here, by capability, architecture or kernel")
        let closed = resolution.closedArchitectures.map(\.rawValue)
        add(closed.count, "archMap would open these ABIs, which stay closed; architectures opens them", closed)
        let shadowed = resolution.shadowedCalls
        add(shadowed.count, "a later rule for these calls has no effect, since an earlier one decides", shadowed)
        let excepted = resolution.exceptedCalls
        add(excepted.count, "the exceptions for these calls count; runc lets the rule after them win", excepted)
        let refused = try SeccompCompiler.program(for: resolution.profile).callsRefusedAtStart
        add(refused.count, "no agent starts with these calls refused", refused)
        return notes
    }
}

/// Completes a profile: the names, and files beside them.
enum ProfileCompletion {
    static func candidates(_ word: String) -> [String] {
        let names = NamedProfile.allCases.map(\.rawValue)
        let folder = word.lastIndex(of: "/").map { String(word[...$0]) } ?? ""
        guard let directory = try? open(folder.isEmpty ? "." : folder, [.directory]),
            let entries = try? entries(of: directory)
        else { return names }
        let isHidden = word.dropFirst(folder.count).hasPrefix(".")
        let files = entries.filter { $0.name.hasPrefix(".") == isHidden && $0.name != "." && $0.name != ".." }
            .filter { $0.kind == .directory || $0.name.hasSuffix(".json") }
            .map { folder + $0.name + ($0.kind == .directory ? "/" : "") }
        return (folder.isEmpty ? names : []) + files.sorted()
    }
}
