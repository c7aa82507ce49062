// SPDX-License-Identifier: Apache-2.0
import CLinux
import Cgroups
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

/// Starts sandboxes.
public struct Launcher: Sendable {
    public struct Options: Sendable {
        /// The caller's environment: for secrets and `TERM`.
        public var callerEnvironment: [String: String]
        /// Where compiled filters are kept.
        public var filterCache: String
        /// Where id ranges are locked; root only.
        public var stateDirectory: String
        /// Whether cgroups are made and read for what a verdict tells, beside limits.
        public var accounts: Bool
        /// Whether a cgroup is made that can be frozen, where there can be one: with `accounts`.
        var freezes = false
        /// Whether the calls that the agent makes are written down, for the smallest profile that allows them.
        public var learns: Bool
        public var fault: FaultInjection?
        /// What to take this kernel's Landlock for, if not for what it says: tests try older versions with it.
        public var landlock: LandlockSupport?

        public init(
            callerEnvironment: [String: String] = [:], filterCache: String? = nil,
            stateDirectory: String = "/run/martinet", accounts: Bool = false, learns: Bool = false,
            fault: FaultInjection? = nil
        ) {
            self.accounts = accounts
            self.learns = learns
            self.callerEnvironment = callerEnvironment
            self.filterCache = filterCache ?? Self.defaultFilterCache(callerEnvironment)
            self.stateDirectory = stateDirectory
            self.fault = fault
        }

        private static func defaultFilterCache(_ environment: [String: String]) -> String {
            if effectiveUID() == 0 { return "/run/martinet/filters" }
            // Not below the home directory: shown as a workspace, an agent that has the user's id could write filters there
            // for those that come after it. A directory that cannot be made is no cache.
            guard let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/") else {
                return "/nonexistent/filters"
            }
            return "\(runtime)/martinet-filters"
        }
    }

    public var options: Options

    public init(options: Options = Options()) { self.options = options }

    /// The default of `limits.pids`: enough for a build, not for a fork bomb.
    public static let defaultProcesses: UInt64 = 512

    /// Builds the program without running anything: for `martinet explain`.
    public func explain(_ spec: SandboxSpec) throws(EngineError) -> SetupProgram {
        try validate(spec)
        let probe = try probe()
        if spec.isolation == .landlock {
            let landlock = try LandlockChoice(spec, probe.landlock)
            return try explainWithoutNamespaces(spec, probe, landlock).program
        }
        let identity = try LaunchPreparation.identity(spec)
        let mapping = try identityMapping(
            spec, probe: probe, identity: identity, range: try ownRange(spec, probe: probe))
        let cgroups = try cgroupPlan(spec, probe: probe)
        var trees = HostTrees(probe: probe)
        let streams = try spec.terminal ? nil : StreamPlan.inert()
        var inputs = try gather(
            spec, identity: identity, mapping: mapping, trees: &trees, streams: streams, layerMap: nil,
            overlay: nil)
        try planGuards(spec, &inputs)
        if cgroups.holdsProcesses { inputs.processLimit = nil }
        return program(spec, inputs: &inputs, trees: &trees, mapping: mapping, cgroups: cgroups)
    }

    /// Starts a sandbox; its agent is running when this returns.
    ///
    /// On failure nothing of it is left: no process, cgroup, mount or file.
    public func start(
        _ spec: SandboxSpec, streams: StandardStreams = StandardStreams(), terminalSize: TerminalSize? = nil
    ) throws(EngineError) -> RunningSandbox {
        try start(spec, streams: streams, terminalSize: terminalSize, detached: nil)
    }

    /// - Parameter detached: where init keeps what it is to keep, of a sandbox that goes on without this process.
    func start(
        _ spec: SandboxSpec, streams: StandardStreams, terminalSize: TerminalSize?, detached: DetachedPlace?
    ) throws(EngineError) -> RunningSandbox {
        let fault = options.fault
        try fault.check(.validate)
        try validate(spec)
        if detached == nil { try StreamPlan.requireOpen(streams, spec) }
        try requireStateUnseen(spec)
        let probe = try probe()
        // Before anything is made: this may refuse the spec.
        let landlock = try LandlockChoice(spec, probe.landlock)
        var belongings = Belongings()
        try fault.check(.allocateIdentity)
        var range = try ownRange(spec, probe: probe)
        let process = try startInit(spec, probe, &belongings, owner: range.base)
        var sandbox = RunningSandbox(process: process, belongings: belongings, spec: spec)
        sandbox.accounts = options.accounts
        sandbox.landlockLevel = landlock.level
        do throws(EngineError) {
            switch spec.isolation {
            case .namespaces: try prepare(&sandbox, spec, probe, range.take(), streams, terminalSize, detached)
            case .landlock: try prepareWithoutNamespaces(&sandbox, spec, probe, landlock, streams, terminalSize)
            }
            try fault.check(.awaitStart)
            try sandbox.awaitStart()
        } catch {
            sandbox.abandon()
            // A child that ended before init ran makes the next steps fail too: its own reason is the one.
            throw sandbox.process.childError ?? error
        }
        return sandbox
    }

    /// Clones init. A v2 cgroup is made before, for init to be born in; v1 ones after, for init to join: the kernel builds
    /// init's namespaces on the other processor meanwhile.
    private func startInit(
        _ spec: SandboxSpec, _ probe: HostProbe, _ belongings: inout Belongings, owner: UInt32?
    ) throws(EngineError) -> InitProcess {
        let fault = options.fault
        do throws(EngineError) {
            if CgroupChoice.isUnified {
                try belongings.makeCgroup(try cgroupPlan(spec, probe: probe), for: spec, fault: fault)
            }
            let joins = try openJoins(spec)
            try fault.check(.clone)
            if spec.isolation == .landlock {
                return try cloneSubreaper(probe: probe, cgroup: belongings.cloneDescriptor)
            }
            return try cloneInit(
                spec, probe: probe, mapsRange: try mapsRange(spec, probe), joins: joins,
                cgroup: belongings.cloneDescriptor, owner: owner)
        } catch {
            _ = belongings.remove()
            throw error
        }
    }

    /// What happens between the clone and the program: ids, limits, trees, filter.
    private func prepare(
        _ sandbox: inout RunningSandbox, _ spec: SandboxSpec, _ probe: HostProbe, _ range: consuming IdentityRange?,
        _ streams: StandardStreams, _ terminalSize: TerminalSize?, _ detached: DetachedPlace?
    ) throws(EngineError) {
        let fault = options.fault
        try fault.check(.openOverlay)
        let overlay = try LaunchPreparation.openOverlay(
            spec, probe: probe,
            means: OverlayStore.Means(
                stateDirectory: options.stateDirectory, searchPath: options.callerEnvironment["PATH"]))
        let identity = try LaunchPreparation.identity(spec, overlayUpper: overlay.upperRaw)
        let mapping = try identityMapping(spec, probe: probe, identity: identity, range: range)
        try fault.check(.writeIdentityMaps)
        try mapping.write(for: sandbox.process.pid, agentUID: identity.uid, agentGID: identity.gid, probe: probe)
        try fault.check(.release)
        let standing = try ProcessStanding(spec.limits)
        try sandbox.process.release(awaitingExecution: standing.raisesOOMScore)
        try standing.raise(sandbox.process.pid)
        let cgroups = try cgroupPlan(spec, probe: probe)
        if !CgroupChoice.isUnified { try sandbox.belongings.makeCgroup(cgroups, for: spec, fault: fault) }

        var trees = HostTrees(probe: probe)
        let plan: StreamPlan? =
            spec.terminal
            ? nil
            : try StreamPlan(
                streams, spec: spec, mapsOwnRange: mapping.hostUID(of: 0) != nil,
                group: mapping.hostUID(of: identity.gid), meter: sandbox.meter, detached: detached)
        try fault.check(.openRoot)
        let layerMap: Descriptor? = try needsLayerMap(spec, mapping) ? sandbox.userNamespace() : nil
        var inputs = try gather(
            spec, identity: identity, mapping: mapping, trees: &trees, streams: plan, layerMap: layerMap.asRaw,
            overlay: overlay)
        inputs.detached = try detached?.pass(plan.keptRaws, &trees, spec)
        if let size = terminalSize {
            inputs.terminalSize = TerminalDimensions(rows: UInt32(size.rows), columns: UInt32(size.columns))
        }
        sandbox.supervisor = try supervise(&inputs, spec, mapping: mapping, kernel: probe.kernel)
        try guardWorkspace(spec, &inputs, &sandbox)
        if cgroups.holdsProcesses && sandbox.belongings.hasCgroup { inputs.processLimit = nil }
        try fault.check(.attachToCgroup)
        try passCgroups(&sandbox, spec, &inputs, &trees)
        if let lock = mapping.lock.asRaw {
            let copy = try launching { () throws(SystemError) in try duplicate(lock) }
            trees.passLock(copy, name: "id range lock")
        }
        let program = fault.applied(
            to: self.program(spec, inputs: &inputs, trees: &trees, mapping: mapping, cgroups: cgroups))
        sandbox.pumps = plan.takePumps()
        sandbox.confinement = confinement(
            spec, inputs, mapping: mapping, probe: probe, landlock: sandbox.landlockLevel,
            cgroups: sandbox.belongings.cgroupWords)
        sandbox.heldHandles = trees.takeHeld()
        try fault.check(.sendProgram)
        try sandbox.send(program, descriptors: trees.descriptors)
    }

    func probe() throws(EngineError) -> HostProbe {
        var probe = try HostProbe.probe()
        if let landlock = options.landlock { probe.landlock = landlock }
        return probe
    }

    private func validate(_ spec: SandboxSpec) throws(EngineError) {
        do throws(SpecError) { try spec.validate() } catch { throw EngineError(error) }
    }

    /// Finishes the inputs with what only the whole launch knows, and compiles.
    func program(
        _ spec: SandboxSpec, inputs: inout LaunchInputs, trees: inout HostTrees, mapping: borrowing IdentityMapping,
        cgroups: borrowing CgroupChoice, changesIdentity: Bool = true
    ) -> SetupProgram {
        inputs.locks = trees.locks
        inputs.descriptorCount = UInt32(trees.descriptors.count)
        inputs.slotNames = trees.names
        var facts = HostFacts(
            mapsRange: mapping.mapsRange, lastCapability: trees.probe.lastCapability,
            unifiedCgroups: cgroups.isUnified,
            switchesTimeNamespaceAtExec: trees.probe.kernel >= HostProbe.KernelVersion(major: 6, minor: 2))
        facts.waitsForAnswers = trees.probe.kernel >= HostProbe.KernelVersion(major: 5, minor: 19)
        facts.changesIdentity = changesIdentity
        return SetupProgram(spec: spec, inputs: inputs, host: facts)
    }
}
