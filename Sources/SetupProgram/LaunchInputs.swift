// SPDX-License-Identifier: Apache-2.0

/// Where a tree of the host's comes from.
public enum TreeSource: Sendable, Equatable {
    /// A detached copy that the host made with its privileges and passes as a descriptor.
    case descriptor(Slot)
    /// A path that init copies itself, in its own copy of the host's mounts, and checks against what the host found there:
    /// a host without privileges cannot copy mounts.
    case path(String, device: UInt64, inode: UInt64)
}

/// A tree of the host's, and where it goes.
public struct TreeInput: Sendable, Equatable {
    public var source: TreeSource
    /// Path in the sandbox.
    public var target: String
    public var isDirectory: Bool
    public var readOnly: Bool

    public init(source: TreeSource, target: String, isDirectory: Bool, readOnly: Bool = true) {
        self.source = source
        self.target = target
        self.isDirectory = isDirectory
        self.readOnly = readOnly
    }
}

/// A device of the host's that the spec names, and where it goes.
public struct DeviceInput: Sendable, Equatable {
    public enum Source: Sendable, Equatable {
        /// A node that the host made for this sandbox alone, by its name in `LaunchInputs.deviceNodes`.
        case made(String)
        /// The host's own node, with the owner and mode that it has there.
        case bound(TreeSource)
    }
    public var source: Source
    /// Path in the sandbox, below /dev.
    public var target: String

    public init(source: Source, target: String) {
        self.source = source
        self.target = target
    }
}

/// Who the agent is inside, looked up.
public struct AgentIdentity: Sendable, Equatable {
    public var uid: UInt32
    public var gid: UInt32
    public var groups: [UInt32]
    public var name: String
    public var home: String

    public init(uid: UInt32, gid: UInt32, groups: [UInt32] = [], name: String, home: String) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.name = name
        self.home = home
    }
}

/// What the root file system is made of.
public enum RootInput: Sendable, Equatable {
    /// An empty in-memory root with trees and symlinks of the host's.
    case host(trees: [TreeInput], symlinks: [SymlinkInput])
    /// A directory under an overlay; `upper` holds `upper` and `work`, and is in memory where it is `nil`.
    case directory(lower: TreeSource, upper: TreeSource?)
}

public struct SymlinkInput: Sendable, Equatable {
    public var path: String
    public var target: String
    public init(path: String, target: String) {
        self.path = path
        self.target = target
    }
}

public struct FileInput: Sendable, Equatable {
    public var path: String
    public var contents: String
    public init(path: String, contents: String) {
        self.path = path
        self.contents = contents
    }
}

/// One path of the workspace that is guarded, relative to it.
public struct GuardStep: Sendable, Equatable {
    public var action: GuardAction
    public var path: String

    public init(_ action: GuardAction, _ path: String) {
        self.action = action
        self.path = path
    }
}

public struct SecretInput: Sendable, Equatable {
    public var name: String
    public var value: [UInt8]
    /// As /run/secrets/NAME rather than in the environment.
    public var asFile: Bool
    public init(name: String, value: [UInt8], asFile: Bool) {
        self.name = name
        self.value = value
        self.asFile = asFile
    }
}

/// What the host looked up and opened for one launch: everything the compiler needs besides the spec itself.
public struct LaunchInputs: Sendable, Equatable {
    public var identity: AgentIdentity
    public var root: RootInput
    /// /dev/null and its like.
    public var devices: [TreeInput] = []
    public var namedDevices: [DeviceInput] = []
    /// A file system that holds the nodes made for this sandbox, detached.
    public var deviceNodes: Slot?
    public var binds: [TreeInput] = []
    public var workspace: TreeSource?
    /// Whether the layer that keeps the overlay's changes has a limit of its own.
    public var limitsOverlay = false
    /// In mount order: what lies deeper comes later.
    public var guards: [GuardStep] = []
    /// Names of the workspace that are not looked at for guards, because something else will be mounted on them.
    public var coveredNames: [String] = []
    public var generated: [FileInput] = []
    public var secrets: [SecretInput] = []
    public var environment: [String] = []
    /// Environment variables whose values are secrets: their names.
    public var secretNames: Set<String> = []
    /// The agent's standard descriptors; `nil` with a terminal.
    public var standardDescriptors: StandardDescriptors?
    public var terminalSize: TerminalDimensions?
    /// Set for a sandbox that init keeps and serves when its launcher has gone.
    public var detached: DetachedInputs?
    /// The agent's side of a terminal that the host made: without namespaces.
    public var terminal: Slot?
    /// Where the agent starts, if it is not where the spec says.
    public var workdir: String?
    /// `nil`: none.
    public var landlock: LandlockInputs?
    /// Directories of the workspace in which nothing can be made or removed, for the report.
    public var closedDirectories: [String] = []
    /// Set where Landlock and the filter stand alone.
    public var landlockAlone: LandlockAlone?
    /// BPF instructions; empty for none.
    public var filter: [UInt8] = []
    public var filterName = ""
    /// SECCOMP_FILTER_FLAG_LOG and _SPEC_ALLOW, where the profile has them.
    public var filterFlags: UInt32 = 0
    /// Whether the filter asks a supervisor on the host about some calls.
    public var filterAsks = false
    /// Bit set of the capabilities to keep.
    public var capabilities: UInt64 = 0
    /// `tasks` files of cgroups (v1) that init joins; on v2 it is cloned into its cgroup.
    public var cgroups: [Slot] = []
    public var memoryEvent: Slot?
    /// The cgroup's count of CPU time, where a limit is to be held.
    public var cpuTime: CPUTimeInput?
    /// Locks that init holds as long as it lives: of the id range, of the overlay directory.
    public var locks: [Slot] = []
    /// RLIMIT_NPROC where no pids cgroup holds the limit.
    public var processLimit: UInt64?
    /// RLIMIT_CORE where the spec says nothing: 1 stops every dump, 0 those into files only. See `ProcessStanding`.
    public var coreLimit: UInt64 = 1
    /// Whom the kernel kills first. By default the agent is a likelier victim than init, which has little to give back.
    public var oomScoreAdjustment: Int32 = 500
    public var descriptorCount: UInt32 = 0
    /// What the passed descriptors are, for printing.
    public var slotNames: [Slot: String] = [:]

    public init(identity: AgentIdentity, root: RootInput) {
        self.identity = identity
        self.root = root
    }
}

/// What a filter must know where nothing but Landlock stands beside it.
public struct LandlockAlone: Sendable, Equatable {
    public var abi: UInt32
    /// Whether the agent has the launcher's uid.
    public var sharesIdentity: Bool

    public init(abi: UInt32, sharesIdentity: Bool) {
        self.abi = abi
        self.sharesIdentity = sharesIdentity
    }
}

/// Where a cgroup's CPU time is read.
public struct CPUTimeInput: Sendable, Equatable {
    public var slot: Slot
    /// Whether the file is `cpu.stat` (v2) or `cpuacct.usage` (v1).
    public var isUnified: Bool
    /// Processors that the sandbox can use at once.
    public var parallelism: UInt32

    public init(slot: Slot, isUnified: Bool, parallelism: UInt32) {
        self.slot = slot
        self.isUnified = isUnified
        self.parallelism = parallelism
    }
}

/// The slots of the agent's standard descriptors.
public struct StandardDescriptors: Sendable, Equatable {
    public var input: Slot
    public var output: Slot
    public var error: Slot
    public init(input: Slot, output: Slot, error: Slot) {
        self.input = input
        self.output = output
        self.error = error
    }
}

/// A terminal's first size, in characters.
public struct TerminalDimensions: Sendable, Equatable {
    public var rows: UInt32
    public var columns: UInt32
    public init(rows: UInt32, columns: UInt32) {
        self.rows = rows
        self.columns = columns
    }
}

/// What the compiler must know of the machine.
public struct HostFacts: Sendable, Equatable {
    /// Whether a range of ids is mapped, with 0 in it, or a single one: the agent's.
    public var mapsRange: Bool
    /// The highest capability the kernel knows. /proc/sys/kernel/cap_last_cap
    public var lastCapability: UInt32
    /// Whether the hierarchy at /sys/fs/cgroup is pure cgroup v2, which is shown inside, read-only.
    public var unifiedCgroups: Bool
    /// Linux 6.2 and later move a child that shares memory into a new time namespace at exec.
    public var switchesTimeNamespaceAtExec: Bool
    /// Linux 5.19 and later let only a deadly signal break off a call that waits for a supervisor's answer.
    public var waitsForAnswers = true
    public var pageSize: UInt64 = 4096
    /// Whether init becomes another user: not without a user namespace, for an ordinary one.
    public var changesIdentity = true

    public init(
        mapsRange: Bool, lastCapability: UInt32, unifiedCgroups: Bool, switchesTimeNamespaceAtExec: Bool = true
    ) {
        self.mapsRange = mapsRange
        self.lastCapability = lastCapability
        self.unifiedCgroups = unifiedCgroups
        self.switchesTimeNamespaceAtExec = switchesTimeNamespaceAtExec
    }
}

/// What init is given for a sandbox that outlives its launcher.
public struct DetachedInputs: Sendable, Equatable {
    public var listener: Slot
    public var verdict: Slot
    /// The log's files: the one to begin, and the other.
    public var logs: (first: Slot, second: Slot)
    /// Bytes of each of them.
    public var logCapacity: UInt64
    public var logGeneration: UInt64
    /// Bytes of output after which the sandbox is ended.
    public var outputLimit: UInt64?
    /// How often the agent is started again after a failure; `UInt32.max` for without end.
    public var restarts: UInt32 = 0
    /// What init reads the agent's output from.
    public var streams: [LogSource] = []
    /// What the agent's input is written to.
    public var input: Slot?

    public init(
        listener: Slot, verdict: Slot, logs: (first: Slot, second: Slot), logCapacity: UInt64, logGeneration: UInt64,
        outputLimit: UInt64? = nil
    ) {
        self.listener = listener
        self.verdict = verdict
        self.logs = logs
        self.logCapacity = logCapacity
        self.logGeneration = logGeneration
        self.outputLimit = outputLimit
    }

    public static func == (one: DetachedInputs, other: DetachedInputs) -> Bool {
        one.listener == other.listener && one.verdict == other.verdict && one.logs == other.logs
            && one.logCapacity == other.logCapacity && one.logGeneration == other.logGeneration
            && one.outputLimit == other.outputLimit && one.restarts == other.restarts
            && one.streams == other.streams && one.input == other.input
    }
}

public struct LogSource: Sendable, Equatable {
    public var slot: Slot
    public var stream: LogStream
    public init(slot: Slot, stream: LogStream) {
        self.slot = slot
        self.stream = stream
    }
}
