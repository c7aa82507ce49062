// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import Storage

/// What is written down about a sandbox, beside its spec: who made it, what it has on the machine, how it ended.
///
/// It says what was true when it was written; what the sandbox is doing now is `StoredSandbox.state`.
public struct SandboxStatus: Sendable {
    /// Changes with every change of the record's form.
    public static let version = 1

    /// How far the sandbox had come when this was written.
    public enum Phase: String, Sendable, CaseIterable {
        case created, starting, running, exited
    }

    /// Why there is no verdict.
    public enum Loss: String, Sendable, CaseIterable {
        /// Init, or whoever was starting it, was killed.
        case killed
        /// The machine was started anew meanwhile.
        case gone
    }

    public let id: SandboxID
    public var name: SandboxName?
    public var phase = Phase.created
    public var created: Timestamp
    public var started: Timestamp?
    /// Where nobody saw the end: when it was found to have ended.
    public var ended: Timestamp?
    /// Which start of the machine this is about. proc_sys_kernel(5), `random/boot_id`
    public var bootID: String
    public var initProcess: ProcessIdentity?
    /// The agent's process id inside.
    public var agentPID: UInt32?
    /// Paths of the cgroups that are to be removed at the end.
    public var cgroups: [String] = []
    /// Files that are to be removed at the end.
    public var placeholders: KeptPlaceholders?
    /// What held the agent, for the verdict.
    public var confinement: ConfinementLevel?
    /// The program and its arguments, as lists show them: at most about 4 KiB. The spec has all of it.
    public let command: [String]
    public var labels: [String: String] = [:]
    /// Whether the end of the sandbox removes all of it.
    public var removesItself = false
    public var restart = RestartPolicy.no
    /// Who the agent is, and what it sees as its root, in words.
    public var user: String
    public var rootfs: String
    /// The most bytes of log that are kept.
    public var logCapacity: UInt64 = LogCapacity.usual
    /// How the agent ended: as `--report json` has it.
    public var verdict: SpecNode?
    public var loss: Loss?
    /// Whether all that follows an end has been done: the event, and the removal of what the sandbox had.
    public var isSettled = true

    init(id: SandboxID, spec: SandboxSpec, created: Timestamp, bootID: String) {
        self.id = id
        self.created = created
        self.bootID = bootID
        name = spec.name
        command = Self.shown(spec.command)
        user = spec.user?.description ?? "default"
        rootfs = spec.rootfs.description
    }

    init(
        id: SandboxID, command: [String], user: String, rootfs: String, created: Timestamp, bootID: String
    ) {
        self.id = id
        self.command = command
        self.user = user
        self.rootfs = rootfs
        self.created = created
        self.bootID = bootID
    }

    /// The agent's exit status, as a shell has it; `nil` without a verdict.
    public var exitStatus: Int32? {
        guard case .number(let text)? = verdict?["exit-status"]?.value else { return nil }
        return Int32(text)
    }

    /// The name in lists and events: the id's first digits where none was given.
    public var displayName: String { name?.text ?? id.short }

    private static func shown(_ command: [String]) -> [String] {
        var room = 4096
        var words: [String] = []
        for word in command {
            guard room > 0 else { return words + ["…"] }
            words.append(word.utf8.count <= room ? word : String(decoding: word.utf8.prefix(room), as: UTF8.self) + "…")
            room -= word.utf8.count + 1
        }
        return words
    }
}

/// How much of a log is kept where nobody says.
public enum LogCapacity {
    public static let usual: UInt64 = 16 << 20
}

/// Whether a sandbox that ended is started again.
public enum RestartPolicy: Sendable, Equatable, CustomStringConvertible {
    case no
    /// After an end that was no success, so often at most; `nil` is without end.
    case onFailure(most: UInt32?)

    /// Reads `no`, `on-failure` or `on-failure:N`.
    public init(_ text: String) throws(SpecError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch (parts[0], parts.count) {
        case ("no", 1): self = .no
        case ("on-failure", 1): self = .onFailure(most: nil)
        case ("on-failure", 2):
            guard let most = plainNumber(parts[1]).flatMap({ UInt32(exactly: $0) }), most > 0 else { fallthrough }
            self = .onFailure(most: most)
        default: throw SpecError("\(text.quoted) is not a restart policy; write no, on-failure or on-failure:3")
        }
    }

    public var description: String {
        switch self {
        case .no: "no"
        case .onFailure(nil): "on-failure"
        case .onFailure(let most?): "on-failure:\(most)"
        }
    }
}

/// Placeholder files in a workspace, known by their inodes: only what is still the same is ever removed.
public struct KeptPlaceholders: Sendable, Equatable {
    /// The workspace, and its identity when it was opened.
    public var directory: String
    public var device: UInt64
    public var inode: UInt64
    public var files: [CreatedPlaceholder]

    public init(directory: String, device: UInt64, inode: UInt64, files: [CreatedPlaceholder]) {
        self.directory = directory
        self.device = device
        self.inode = inode
        self.files = files
    }

    /// Removes those that are still what was made. A workspace that is not there any more has none.
    func remove() {
        guard let workspace = try? open(directory, [.directory, .pathOnly]), let found = try? status(of: workspace),
            found.device == device, found.inode == inode
        else { return }
        Placeholders.remove(files, in: workspace)
    }
}
