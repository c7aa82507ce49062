// SPDX-License-Identifier: Apache-2.0

/// A place for a descriptor in init: first those that came with the program, then those that instructions fill.
public struct Slot: Sendable, Hashable, Comparable {
    public var index: UInt32
    public init(_ index: UInt32) { self.index = index }
    public static func < (a: Slot, b: Slot) -> Bool { a.index < b.index }
}

/// One step that init executes, or the agent's process between fork and exec. Init decides nothing: each is one mechanism
/// of the kernel, with every operand spelled out. Paths are resolved in the new root (`RESOLVE_IN_ROOT`).
public enum Instruction: Sendable, Equatable {
    // Cgroups and namespaces
    /// Moves init itself into a cgroup by writing "0" to its open `tasks` file: moving only oneself takes no lock that
    /// the whole machine waits for, where moving another process does.
    case joinCgroup(Slot)
    case unshareNamespaces(flags: UInt64)
    case setTimeOffsets(monotonic: Int64, boottime: Int64)
    case joinSessionKeyring
    case setHostname(String)
    case raiseLoopback
    case setPropagation(flags: UInt64)

    // Mounts
    case createFileSystem(Slot, type: String, options: [String], attributes: UInt64)
    case cloneHostTree(Slot, path: String, device: UInt64, inode: UInt64, recursive: Bool)
    case cloneTree(Slot, path: String)
    case setMountAttributes(Slot, set: UInt64, clear: UInt64, recursive: Bool)
    case attachRoot(Slot)
    case attach(Slot, path: String, create: TargetKind)
    case enterRoot(path: String)
    case pivotRoot
    case detachOldRoot
    case makeDirectory(path: String, mode: UInt32, uid: UInt32, gid: UInt32)
    case writeFile(path: String, mode: UInt32, uid: UInt32, gid: UInt32, contents: [UInt8], secret: Bool = false)
    case makeSymlink(path: String, target: String)
    case bindOntoItself(path: String, set: UInt64, clear: UInt64, optional: Bool)
    /// Makes the empty, unreadable file and directory that `mask` and `guardName` lay over paths.
    case makeMask(path: String)
    case mask(path: String, optional: Bool)
    case setRootAttributes(set: UInt64, clear: UInt64)
    /// Of the mount that a path is in, without those below it.
    case setAttributesAt(path: String, set: UInt64, clear: UInt64)
    /// `optional`: a file that is not there, or closed to the sandbox's root, is passed over.
    case writeControlFile(path: String, text: String, optional: Bool = false)
    case closeSlot(Slot)
    /// Opens the root of a slot's tree, which `guardName` names things in, and looks for names that appear there. Before it
    /// is attached: by then its path may lead elsewhere.
    case openGuards(Slot)
    /// Fails (`ESTALE`) unless something is mounted on a name of that directory: it has no guard, because it was to be.
    case requireMounted(path: String)
    /// Mounts over a name of that directory; again whenever the mount is gone and the name is there, as after the host
    /// replaced the file. `holdsGuards`: names in it are guarded too, so it is looked at in the same way.
    case guardName(path: String, action: GuardAction, holdsGuards: Bool)
    /// Takes a mount of the sandbox's own away again, and the directory that it was on.
    case unmount(path: String)
    /// Fills an empty directory of a kept layer with files of a page, as many as there is room for: the room that its next
    /// mount will need, however full the agent leaves it.
    case keepRoom(path: String, count: UInt32)
    /// Fails (`ESTALE`) unless a path still leads to this kind of file system.
    case requireFileSystem(path: String, magic: UInt64)

    // Watching
    /// Opens a pseudo-terminal for the agent; the slot gets its side, the host the other.
    case openTerminal(Slot, uid: UInt32, gid: UInt32, rows: UInt32, columns: UInt32)
    case watchMemory(Slot)
    case setDeadline(nanoseconds: UInt64)
    /// Ends everything when the cgroup's count of CPU time, read from a file of cgroup v1's or v2's form, has grown by so
    /// many nanoseconds. `parallelism`: processors that can be used at once.
    case watchCPUTime(Slot, isUnified: Bool, nanoseconds: UInt64, parallelism: UInt32)
    /// Measures the file system that a directory is in when the agent has ended.
    case watchDisk(path: String)
    /// For what init starts from here on; init itself goes back to its own. proc_pid_oom_score_adj(5)
    case setOOMScoreAdjustment(Int32)
    case outliveLauncher
    /// Keeps a descriptor as long as init lives: a lock. All others go when the agent runs.
    case holdSlot(Slot)
    /// Forks the agent; what follows runs in its process.
    /// Accepts connections, and leaves its last word in a file.
    case serve(listener: Slot, verdict: Slot)
    /// What the agent writes goes to two files in turn.
    case keepLog(first: Slot, second: Slot, capacity: UInt64, generation: UInt64, limit: UInt64)
    case logStream(Slot, LogStream)
    /// The other side of what the agent reads from stays open.
    case keepInput(Slot)
    /// Start the agent again after a failure, so often at most; `UInt32.max` for without end.
    case restartAgent(most: UInt32)
    case startAgent(AgentStartMode)

    // Agent
    case newSession(controllingTerminal: Slot?)
    case setStandardDescriptors(input: Slot, output: Slot, error: Slot)
    case setResourceLimit(resource: UInt32, soft: UInt64, hard: UInt64)
    /// setpriority(2); below what the process has it takes RLIMIT_NICE, or CAP_SYS_NICE over the host.
    case setNice(Int32)
    case dropBoundingCapabilities(keep: UInt64, last: UInt32)
    case setIdentity(uid: UInt32, gid: UInt32, groups: [UInt32]?)
    case setCapabilities(effective: UInt64, permitted: UInt64, inheritable: UInt64, ambient: UInt64)
    /// Takes CAP_SETPCAP. capabilities(7)
    case setSecurebits(Securebits)
    case setWorkingDirectory(path: String)
    case setUmask(UInt32)
    case resetSignals
    case setNoNewPrivileges
    /// The process gets this signal when init ends, which no PID namespace does for it. PR_SET_PDEATHSIG(2const)
    case setParentDeathSignal(UInt32)
    case installFilter(flags: UInt32, instructions: [UInt8], name: String = "")
    case closeDescriptors(from: UInt32)
    case execute(arguments: [String], environment: [String], searchPath: [String], secretNames: Set<String> = [])

    case landlock(LandlockInstruction)

    /// Fault injection.
    case fail(errno: UInt32)

    public var opcode: Opcode {
        switch self {
        case .unshareNamespaces: .unshareNamespaces
        case .setTimeOffsets: .setTimeOffsets
        case .joinCgroup: .joinCgroup
        case .joinSessionKeyring: .joinSessionKeyring
        case .setHostname: .setHostname
        case .raiseLoopback: .raiseLoopback
        case .setPropagation: .setPropagation
        case .createFileSystem: .createFileSystem
        case .cloneHostTree: .cloneHostTree
        case .cloneTree: .cloneTree
        case .setMountAttributes: .setMountAttributes
        case .attachRoot: .attachRoot
        case .attach: .attach
        case .enterRoot: .enterRoot
        case .pivotRoot: .pivotRoot
        case .detachOldRoot: .detachOldRoot
        case .makeDirectory: .makeDirectory
        case .writeFile: .writeFile
        case .makeSymlink: .makeSymlink
        case .bindOntoItself: .bindOntoItself
        case .makeMask: .makeMask
        case .mask: .mask
        case .setRootAttributes: .setRootAttributes
        case .writeControlFile: .writeControlFile
        case .closeSlot: .closeSlot
        case .openGuards: .openGuards
        case .requireMounted: .requireMounted
        case .guardName: .guardName
        case .unmount: .unmount
        case .setAttributesAt: .setAttributesAt
        case .keepRoom: .keepRoom
        case .requireFileSystem: .requireFileSystem
        case .openTerminal: .openTerminal
        case .watchMemory: .watchMemory
        case .setDeadline: .setDeadline
        case .watchCPUTime: .watchCPUTime
        case .watchDisk: .watchDisk
        case .serve: .serve
        case .keepLog: .keepLog
        case .logStream: .logStream
        case .keepInput: .keepInput
        case .restartAgent: .restartAgent
        case .startAgent: .startAgent
        case .newSession: .newSession
        case .setStandardDescriptors: .setStandardDescriptors
        case .setResourceLimit: .setResourceLimit
        case .setOOMScoreAdjustment: .setOOMScoreAdjustment
        case .dropBoundingCapabilities: .dropBoundingCapabilities
        case .setIdentity: .setIdentity
        case .setCapabilities: .setCapabilities
        case .setSecurebits: .setSecurebits
        case .setNice: .setNice
        case .setWorkingDirectory: .setWorkingDirectory
        case .setUmask: .setUmask
        case .resetSignals: .resetSignals
        case .setNoNewPrivileges: .setNoNewPrivileges
        case .setParentDeathSignal: .setParentDeathSignal
        case .installFilter: .installFilter
        case .closeDescriptors: .closeDescriptors
        case .execute: .execute
        case .outliveLauncher: .outliveLauncher
        case .holdSlot: .holdSlot
        case .landlock(let step): step.opcode
        case .fail: .fail
        }
    }
}
