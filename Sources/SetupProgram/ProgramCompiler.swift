// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

extension SetupProgram {
    /// Turns what a user asked for into the steps that build it. Pure: the same inputs give the same program.
    public init(spec: SandboxSpec, inputs: LaunchInputs, host: HostFacts) {
        var compiler = ProgramCompiler(spec: spec, inputs: inputs, host: host)
        compiler.compile()
        self.init(
            instructions: compiler.instructions, descriptorCount: inputs.descriptorCount,
            slotCount: compiler.nextSlot, slotNames: compiler.slotNames,
            mode: spec.isolation == .landlock ? .subreaper : .namespaces)
    }
}

/// The compiler's state: the instructions so far and the next free slot. The parts are in files of their own.
struct ProgramCompiler {
    let spec: SandboxSpec
    let inputs: LaunchInputs
    let host: HostFacts
    var instructions: [Instruction] = []
    var nextSlot: UInt32
    var slotNames: [Slot: String]
    /// Slots of the host's trees, by their target.
    var hostSlots: [String: Slot] = [:]
    /// The agent's side of its terminal.
    var terminal: Slot?
    var landlockRuleset: Slot?
    /// Slots of scratch directories that go over an overlay, by name.
    var scratchSlots: [String: Slot] = [:]

    init(spec: SandboxSpec, inputs: LaunchInputs, host: HostFacts) {
        self.spec = spec
        self.inputs = inputs
        self.host = host
        nextSlot = inputs.descriptorCount
        slotNames = inputs.slotNames
        instructions.reserveCapacity(128)
    }

    /// The owner of what belongs to nobody in particular: root, or the one id there is.
    var ownerUID: UInt32 { host.mapsRange ? 0 : inputs.identity.uid }
    var ownerGID: UInt32 { host.mapsRange ? 0 : inputs.identity.gid }

    /// Whether the sandbox has a network namespace of its own; only then may it mount sysfs.
    var ownsNetwork: Bool { spec.network != .host && !spec.join.contains { $0.type == .network } }

    /// The host's root is never written to; a directory's overlay only if so asked.
    var isRootWritable: Bool { spec.rootfs != .host && !spec.readOnly }

    mutating func emit(_ instruction: Instruction) { instructions.append(instruction) }

    mutating func makeSlot(_ name: String) -> Slot {
        defer { nextSlot += 1 }
        slotNames[Slot(nextSlot)] = name
        return Slot(nextSlot)
    }

    mutating func compile() {
        if spec.isolation == .landlock { return compileWithoutNamespaces() }
        namespaces()
        let mounts = makeMounts()
        buildRoot(mounts)
        populateDevices(mounts)
        mountKernelFileSystems(mounts)
        populateFiles()
        mountWritable(mounts)
        userMounts()
        checkPlaces()
        guards()
        service()
        openTerminal()
        finishRoot()
        landlock()
        watching()
        agent()
    }

    private mutating func namespaces() {
        // Before anything is made that should be charged to it.
        for slot in inputs.cgroups { emit(.joinCgroup(slot)) }
        emit(.joinSessionKeyring)
        // Made by init, not by clone: a cgroup namespace is rooted where its maker stands, and init is in its cgroup by
        // now; a time namespace takes its offsets only before its first process.
        var flags: UInt64 = spec.join.contains { $0.type == .cgroup } ? 0 : KernelConstant.CLONE_NEWCGROUP
        let offsets = spec.timeOffsets
        if !offsets.isEmpty { flags |= KernelConstant.CLONE_NEWTIME }
        if flags != 0 { emit(.unshareNamespaces(flags: flags)) }
        if !offsets.isEmpty {
            emit(
                .setTimeOffsets(
                    monotonic: offsets.monotonic?.nanoseconds ?? 0, boottime: offsets.boottime?.nanoseconds ?? 0))
        }
        if !spec.join.contains(where: { $0.type == .uts }) { emit(.setHostname(spec.effectiveHostname)) }
        if ownsNetwork { emit(.raiseLoopback) }
        // Nothing mounted here may reach the host, nor the other way round.
        emit(.setPropagation(flags: KernelConstant.MS_PRIVATE))
    }

    /// Before the terminal, which is then init's to keep.
    private mutating func service() {
        guard let detached = inputs.detached else { return }
        emit(.serve(listener: detached.listener, verdict: detached.verdict))
        emit(
            .keepLog(
                first: detached.logs.first, second: detached.logs.second, capacity: detached.logCapacity,
                generation: detached.logGeneration, limit: detached.outputLimit ?? .max))
        for source in detached.streams { emit(.logStream(source.slot, source.stream)) }
        if let input = detached.input { emit(.keepInput(input)) }
        if detached.restarts > 0 { emit(.restartAgent(most: detached.restarts)) }
    }

    mutating func watching() {
        if spec.linger || inputs.detached != nil { emit(.outliveLauncher) }
        for lock in inputs.locks { emit(.holdSlot(lock)) }
        if let event = inputs.memoryEvent { emit(.watchMemory(event)) }
        if let timeout = spec.limits.timeout { emit(.setDeadline(nanoseconds: UInt64(timeout.nanoseconds))) }
        if let limit = spec.limits.cpuTime, let count = inputs.cpuTime {
            emit(
                .watchCPUTime(
                    count.slot, isUnified: count.isUnified, nanoseconds: UInt64(limit.nanoseconds),
                    parallelism: count.parallelism))
        }
        // One tmpfs holds all that is writable in memory.
        if spec.isolation == .namespaces { emit(.watchDisk(path: "/dev/shm")) }
        emit(.setOOMScoreAdjustment(inputs.oomScoreAdjustment))
    }
}

extension Duration {
    /// Whole nanoseconds, saturating at 292 years.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }
}

extension SandboxSpec {
    /// The host name inside: as asked, or the sandbox's name, or `martinet`.
    public var effectiveHostname: String { hostname?.text ?? name?.text ?? "martinet" }

    /// The directory that the agent starts in.
    public var effectiveWorkdir: String {
        if let workdir { return workdir.text }
        return workspace != nil || rootfs == .host ? "/workspace" : "/"
    }
}
