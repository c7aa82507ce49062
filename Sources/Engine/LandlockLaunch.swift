// SPDX-License-Identifier: Apache-2.0
import CLinux
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

// Launching without namespaces: `--isolation landlock`. See docs/decisions/0019.
extension Launcher {
    /// Starts init as an ordinary process of the host.
    func cloneSubreaper(probe: HostProbe, cgroup: Int32?) throws(EngineError) -> InitProcess {
        try InitProcess(
            InitProcess.Request(
                cloneFlags: 0, unshareFlags: 0, mapsRange: false, keepsIdentity: true, clearsGroups: false,
                lastCapability: probe.lastCapability, cgroup: cgroup, fault: options.fault),
            joining: DescriptorTable())
    }

    /// What happens between the clone and the program.
    func prepareWithoutNamespaces(
        _ sandbox: inout RunningSandbox, _ spec: SandboxSpec, _ probe: HostProbe, _ landlock: LandlockChoice,
        _ streams: StandardStreams, _ terminalSize: TerminalSize?
    ) throws(EngineError) {
        let fault = options.fault
        let workspace = try GuardedWorkspace(spec)
        try fault.check(.allocateIdentity)
        var agent = try LandlockIdentity(
            spec, probe: probe, workspace: try workspace?.status(), pool: options.stateDirectory)
        try fault.check(.release)
        let standing = try ProcessStanding(spec.limits)
        try sandbox.process.release(awaitingExecution: standing.raisesOOMScore)
        try standing.raise(sandbox.process.pid)
        let cgroups = try cgroupPlan(spec, probe: probe)
        if !CgroupChoice.isUnified { try sandbox.belongings.makeCgroup(cgroups, for: spec, fault: fault) }
        let own = try sandbox.belongings.makePrivateDirectory(
            in: temporaryDirectory(probe), owner: agent.owner, fault: fault)
        agent.identity.home = own.home

        var trees = HostTrees(probe: probe)
        let plan: StreamPlan? =
            spec.terminal
            ? nil
            : try StreamPlan(streams, spec: spec, mapsOwnRange: false, group: agent.owner?.gid, meter: sandbox.meter)
        try fault.check(.openTrees)
        var view = LandlockView(try landlock.requiredPolicy())
        try addHost(&view, spec, sandbox.belongings.cgroupPaths, &trees)
        try addWorkspace(&view, workspace, &trees)
        sandbox.workspace = workspace
        try view.addOwn(own.home, &trees)
        try view.addOwn(own.temporary, &trees)
        var inputs = try gatherWithoutNamespaces(
            spec, agent: agent, temporary: own.temporary, trees: &trees, streams: plan)
        if spec.terminal {
            let size = terminalSize ?? TerminalSize(rows: 24, columns: 80)
            inputs.terminal = try makeTerminal(&sandbox, &view, agent.owner, size, &trees)
        }
        try finish(&inputs, view: view, spec: spec, landlock: landlock, agent: agent, plan: plan, probe: probe)
        let mapping = IdentityMapping(kind: .host(uid: agent.identity.uid), lock: nil)
        sandbox.supervisor = try supervise(&inputs, spec, mapping: mapping, kernel: probe.kernel)
        if cgroups.holdsProcesses && sandbox.belongings.hasCgroup { inputs.processLimit = nil }
        try fault.check(.attachToCgroup)
        try passCgroups(&sandbox, spec, &inputs, &trees)
        let changesIdentity = agent.changesIdentity
        if let lock = agent.intoLock() { trees.passLock(lock, name: "id lock") }
        let program = fault.applied(
            to: self.program(
                spec, inputs: &inputs, trees: &trees, mapping: mapping, cgroups: cgroups,
                changesIdentity: changesIdentity))
        sandbox.pumps = plan.takePumps()
        sandbox.confinement = confinement(
            spec, inputs, mapping: mapping, probe: probe, landlock: landlock.level,
            cgroups: sandbox.belongings.cgroupWords)
        try fault.check(.sendProgram)
        try sandbox.send(program, descriptors: trees.descriptors)
    }

    /// The program alone, for `explain`; nothing is made, so that the agent's own directories are shown as the root is.
    func explainWithoutNamespaces(
        _ spec: SandboxSpec, _ probe: HostProbe, _ landlock: LandlockChoice
    ) throws(EngineError) -> (program: SetupProgram, level: ConfinementLevel) {
        let workspace = try GuardedWorkspace(spec)
        var agent = try LandlockIdentity(
            spec, probe: probe, workspace: try workspace?.status(), pool: options.stateDirectory)
        agent.identity.home = "\(temporaryDirectory(probe))/martinet-…/home"
        let cgroups = try cgroupPlan(spec, probe: probe)
        var trees = HostTrees(probe: probe)
        let plan = try spec.terminal ? nil : StreamPlan.inert()
        var view = LandlockView(try landlock.requiredPolicy())
        try addHost(&view, spec, [], &trees)
        try addWorkspace(&view, workspace, &trees)
        var inputs = try gatherWithoutNamespaces(
            spec, agent: agent, temporary: "\(temporaryDirectory(probe))/martinet-…/tmp", trees: &trees, streams: plan)
        try finish(&inputs, view: view, spec: spec, landlock: landlock, agent: agent, plan: plan, probe: probe)
        if cgroups.holdsProcesses { inputs.processLimit = nil }
        let mapping = IdentityMapping(kind: .host(uid: agent.identity.uid), lock: nil)
        let program = program(
            spec, inputs: &inputs, trees: &trees, mapping: mapping, cgroups: cgroups,
            changesIdentity: agent.changesIdentity)
        return (
            program,
            confinement(
                spec, inputs, mapping: mapping, probe: probe, landlock: landlock.level,
                cgroups: cgroups.plan.parts.map { "\($0.hierarchy.version)" })
        )
    }

    /// What `spec` does without, in words: for an isolation that is less than all of it, before anything runs.
    public func missing(_ spec: SandboxSpec) throws(EngineError) -> [String] {
        guard spec.isolation == .landlock else { return [] }
        let probe = try probe()
        return try explainWithoutNamespaces(spec, probe, try LandlockChoice(spec, probe.landlock)).level.missing
    }

    // MARK: What the agent may reach

    private func addHost(
        _ view: inout LandlockView, _ spec: SandboxSpec, _ cgroups: [String], _ trees: inout HostTrees
    ) throws(EngineError) {
        try view.addHost(usesNetwork: spec.network == .host, &trees)
        for path in cgroups { try view.addCgroup(path, &trees) }
        try view.addBinds(spec.binds, &trees)
    }

    private func addWorkspace(
        _ view: inout LandlockView, _ workspace: GuardedWorkspace?, _ trees: inout HostTrees
    ) throws(EngineError) {
        if let workspace { try view.addWorkspace(try workspace.descriptor(), plan: workspace.plan, &trees) }
        try view.requireDisjoint()
    }

    /// Root's own TMPDIR may be closed to others.
    private func temporaryDirectory(_ probe: HostProbe) -> String {
        guard probe.uid != 0, let path = options.callerEnvironment["TMPDIR"], path.hasPrefix("/") else { return "/tmp" }
        return path
    }

    private func makeTerminal(
        _ sandbox: inout RunningSandbox, _ view: inout LandlockView, _ owner: (uid: UInt32, gid: UInt32)?,
        _ size: TerminalSize, _ trees: inout HostTrees
    ) throws(EngineError) -> Slot {
        let terminal = try launching { () throws(SystemError) in try PseudoTerminal() }
        let slave = try launching { () throws(SystemError) in
            if let owner { try changeOwner(terminal.slave, uid: owner.uid, gid: owner.gid) }
            try changeMode(terminal.slave, 0o600)
            try setTerminalSize(terminal.master, size)
            return try terminal.slave.duplicate()
        }
        let slot = trees.pass(slave, name: "terminal")
        view.addTerminal(slot)
        sandbox.adopt(terminal: terminal.intoMaster())
        return slot
    }

    // MARK: Inputs

    private func gatherWithoutNamespaces(
        _ spec: SandboxSpec, agent: borrowing LandlockIdentity, temporary: String, trees: inout HostTrees,
        streams: borrowing StreamPlan?
    ) throws(EngineError) -> LaunchInputs {
        var inputs = LaunchInputs(identity: agent.identity, root: .host(trees: [], symlinks: []))
        inputs.standardDescriptors = try passStandard(streams, &trees)
        inputs.secrets = try LaunchPreparation.readSecrets(spec, callerEnvironment: options.callerEnvironment)
        (inputs.environment, inputs.secretNames) = LaunchPreparation.environment(
            spec, identity: agent.identity, secrets: inputs.secrets, callerTerminal: options.callerEnvironment["TERM"],
            temporary: temporary)
        let standing = try ProcessStanding(spec.limits)
        inputs.coreLimit = standing.coreLimit
        inputs.oomScoreAdjustment = standing.oomScoreAdjustment
        let processes = spec.limits.pids == .max ? nil : spec.limits.pids?.value ?? Self.defaultProcesses
        // An id of the agent's own has no other processes; any other may, and they count.
        let others = agent.hasOwnID ? 0 : processCount(ofUser: agent.identity.uid)
        inputs.processLimit = processes.map { $0 + others }
        return inputs
    }

    /// What only the whole view tells: rules, the filter, where the agent starts.
    private func finish(
        _ inputs: inout LaunchInputs, view: consuming LandlockView, spec: SandboxSpec, landlock: LandlockChoice,
        agent: borrowing LandlockIdentity, plan: borrowing StreamPlan?, probe: HostProbe
    ) throws(EngineError) {
        inputs.workdir = spec.workdir?.text ?? view.workspace ?? agent.identity.home
        inputs.closedDirectories = view.closed
        let base = try landlock.inputs(
            audits: spec.audit, standard: inputs.standardDescriptors, raws: plan.agentRaws)
        if let base { inputs.landlock = view.inputs(base) }
        inputs.landlockAlone = LandlockAlone(abi: try landlock.requiredPolicy().abi, sharesIdentity: !agent.hasOwnID)
        try options.fault.check(.compileFilter)
        try gatherFilter(spec, capabilities: [], kernel: probe.kernel, into: &inputs)
    }
}
