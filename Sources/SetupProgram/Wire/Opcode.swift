// SPDX-License-Identifier: Apache-2.0
//
// Compiled twice: by the host (SetupProgram) and by init (MartinetInit, Embedded Swift).

/// The instructions of a set-up program, by their number on the wire. Numbers are never reused.
public enum Opcode: UInt16, Sendable {
    // Init: namespaces and their first settings.
    case unshareNamespaces = 1
    case setTimeOffsets = 2
    case joinSessionKeyring = 3
    case setHostname = 4
    case raiseLoopback = 5
    case setPropagation = 6
    case joinCgroup = 7

    // Init: mounts. Slots number descriptors: those received first, then those that instructions fill.
    case createFileSystem = 16
    case cloneHostTree = 17
    case cloneTree = 18
    case setMountAttributes = 19
    case attachRoot = 20
    case attach = 21
    case enterRoot = 22
    case pivotRoot = 23
    case detachOldRoot = 24
    case makeDirectory = 25
    case writeFile = 26
    case makeSymlink = 27
    case bindOntoItself = 28
    case mask = 29
    case makeMask = 30
    case setRootAttributes = 32
    case writeControlFile = 33
    case closeSlot = 34
    case unmount = 35
    case setAttributesAt = 36
    case keepRoom = 37

    // Init: mounts over names of the workspace, and their keeping.
    case guardName = 41
    case requireFileSystem = 42
    case requireMounted = 43
    case openGuards = 44

    // Init: what it watches.
    case openTerminal = 48
    case watchMemory = 49
    case setDeadline = 50
    case startAgent = 51
    case setOOMScoreAdjustment = 52
    case outliveLauncher = 53
    case holdSlot = 54
    case watchCPUTime = 55
    case watchDisk = 56
    // Init: what it keeps and serves for a sandbox that outlives its launcher.
    case serve = 57
    case keepLog = 58
    case logStream = 59
    case keepInput = 60
    case restartAgent = 61

    // Agent: between fork and exec.
    case newSession = 64
    case setStandardDescriptors = 65
    case setResourceLimit = 66
    case dropBoundingCapabilities = 68
    case setIdentity = 69
    case setCapabilities = 70
    case setWorkingDirectory = 71
    case setUmask = 72
    case resetSignals = 73
    case setNoNewPrivileges = 74
    case installFilter = 75
    case closeDescriptors = 76
    case execute = 77
    case setSecurebits = 78
    case setNice = 79

    // Landlock: the ruleset is init's to make, `restrictSelf` is the agent's.
    case createRuleset = 80
    case allowPath = 81
    case allowDescriptor = 82
    case allowPort = 83
    case restrictSelf = 84

    // Agent, without a PID namespace.
    case setParentDeathSignal = 85

    /// Fails with the errno it is given: tests put it before any other instruction to see what is left behind.
    case fail = 255

    /// Whether init may run the instruction itself, before `startAgent`.
    public var runsInInit: Bool { rawValue < 64 || makesRuleset || self == .fail }
    /// Whether the agent's process may run the instruction, after `startAgent`.
    public var runsInAgent: Bool { rawValue >= 64 && !makesRuleset || self == .joinSessionKeyring }
    /// Whether the instruction belongs in a program without namespaces: it concerns the process that runs it, or
    /// descriptors that came along, and no file system, name or setting of the host's.
    public var runsWithoutNamespaces: Bool {
        switch self {
        case .joinCgroup, .joinSessionKeyring, .closeSlot, .watchMemory, .setDeadline, .startAgent,
            .setOOMScoreAdjustment, .holdSlot, .watchCPUTime, .createRuleset, .allowDescriptor, .allowPort, .newSession,
            .setStandardDescriptors, .setResourceLimit, .dropBoundingCapabilities, .setIdentity, .setCapabilities,
            .setSecurebits, .setNice, .setWorkingDirectory, .setUmask, .resetSignals, .setNoNewPrivileges,
            .setParentDeathSignal, .restrictSelf, .installFilter, .closeDescriptors, .execute, .fail:
            true
        default: false
        }
    }
    private var makesRuleset: Bool { rawValue >= 80 && rawValue <= 83 }
}
