// SPDX-License-Identifier: Apache-2.0
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

extension Launcher {
    /// Opens and looks up everything the compiler takes.
    func gather(
        _ spec: SandboxSpec, identity: AgentIdentity, mapping: borrowing IdentityMapping, trees: inout HostTrees,
        streams: borrowing StreamPlan?, layerMap: Int32?, overlay: borrowing OverlayStore?
    ) throws(EngineError) -> LaunchInputs {
        let fault = options.fault
        let standard = try passStandard(streams, &trees)
        let root = try LaunchPreparation.openRoot(
            spec, &trees, idMap: layerMap, overlay: overlay)
        try fault.check(.openTrees)
        var inputs = LaunchInputs(identity: identity, root: root)
        inputs.limitsOverlay = overlay.isLimited
        inputs.standardDescriptors = standard
        inputs.devices = try LaunchPreparation.openDevices(&trees)
        let named = try NamedDevices(spec, &trees, mapping: mapping)
        (inputs.namedDevices, inputs.deviceNodes) = (named.inputs, named.nodes)
        inputs.binds = try LaunchPreparation.openBinds(spec, &trees, identity: identity, mapping: mapping)
        if let workspace = spec.workspace {
            let opened = try LaunchPreparation.openOwned(
                workspace, &trees, identity: identity, mapping: mapping, field: "workspace", readOnly: false)
            guard opened.status.kind == .directory else {
                throw EngineError(.invalidSpec, "workspace: \(workspace) is not a directory")
            }
            inputs.workspace = opened.source
        }
        inputs.generated = try LaunchPreparation.generatedFiles(spec, identity: identity)
        inputs.secrets = try LaunchPreparation.readSecrets(spec, callerEnvironment: options.callerEnvironment)
        (inputs.environment, inputs.secretNames) = LaunchPreparation.environment(
            spec, identity: identity, secrets: inputs.secrets, callerTerminal: options.callerEnvironment["TERM"])
        let capabilities = try LaunchPreparation.capabilities(spec, probe: trees.probe)
        inputs.capabilities = capabilities.rawValue
        // Init counts too, but under another id where there are several.
        let others: UInt64 = mapping.mapsRange && identity.uid != 0 ? 1 : 0
        let processes = spec.limits.pids == .max ? nil : spec.limits.pids?.value ?? Self.defaultProcesses
        inputs.processLimit = processes.map { $0 - others }
        let standing = try ProcessStanding(spec.limits)
        inputs.coreLimit = standing.coreLimit
        inputs.oomScoreAdjustment = standing.oomScoreAdjustment
        inputs.landlock = try LandlockChoice(spec, trees.probe.landlock).inputs(
            audits: spec.audit, standard: standard, raws: streams.agentRaws)
        try fault.check(.compileFilter)
        try gatherFilter(spec, capabilities: capabilities, kernel: trees.probe.kernel, into: &inputs)
        return inputs
    }

    /// Passes the agent's standard descriptors on; `nil` with a terminal.
    func passStandard(
        _ streams: borrowing StreamPlan?, _ trees: inout HostTrees
    ) throws(EngineError) -> StandardDescriptors? {
        guard let raws = streams.agentRaws else { return nil }
        var slots: [Slot] = []
        for (raw, name) in zip(raws, ["standard input", "standard output", "standard error"]) {
            slots.append(trees.pass(try launching { () throws(SystemError) in try duplicate(raw) }, name: name))
        }
        return StandardDescriptors(input: slots[0], output: slots[1], error: slots[2])
    }

    /// Passes on what init joins and watches of the sandbox's cgroups.
    func passCgroups(
        _ sandbox: inout RunningSandbox, _ spec: SandboxSpec, _ inputs: inout LaunchInputs, _ trees: inout HostTrees
    ) throws(EngineError) {
        var tasks = try sandbox.belongings.joinDescriptors()
        while let file = tasks.removeLast() { inputs.cgroups.append(trees.pass(file, name: "cgroup tasks")) }
        if spec.limits.memory?.value != nil, let event = try sandbox.belongings.memoryEvent() {
            inputs.memoryEvent = trees.pass(event, name: "out-of-memory event")
        }
        if spec.limits.cpuTime != nil, let source = try sandbox.belongings.cpuUsageSource() {
            let isUnified = source.format == .usageMicroseconds
            let slot = trees.pass(source.intoDescriptor(), name: "CPU time")
            inputs.cpuTime = CPUTimeInput(slot: slot, isUnified: isUnified, parallelism: onlineProcessors())
        }
    }
}
