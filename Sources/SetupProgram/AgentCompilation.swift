// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

extension ProgramCompiler {
    /// The agent's own terminal, which is also its console. Before the root turns read-only: /dev may be in it.
    mutating func openTerminal() {
        guard spec.terminal else { return }
        let identity = inputs.identity
        let slot = makeSlot("terminal")
        emit(
            .openTerminal(
                slot, uid: identity.uid, gid: identity.gid, rows: inputs.terminalSize?.rows ?? 24,
                columns: inputs.terminalSize?.columns ?? 80))
        let console = makeSlot("console")
        emit(.cloneTree(console, path: "/dev/pts/0"))
        emit(.attach(console, path: "/dev/console", create: .file))
        terminal = slot
    }

    /// What happens between fork and exec, in the only order that works: identity while the capabilities for it are
    /// there, then capabilities, then no_new_privs, then the filter, which must not stop what comes before it.
    mutating func agent() {
        let sharesMemory = spec.timeOffsets.isEmpty || host.switchesTimeNamespaceAtExec
        emit(.startAgent(inputs.filterAsks ? .supervised : sharesMemory ? .sharingMemory : .copied))
        emit(.newSession(controllingTerminal: terminal))
        emit(.joinSessionKeyring)
        if let terminal {
            emit(.setStandardDescriptors(input: terminal, output: terminal, error: terminal))
        } else if let standard = inputs.standardDescriptors {
            emit(.setStandardDescriptors(input: standard.input, output: standard.output, error: standard.error))
        }
        limits()
        becomeAgent()
        emit(.setWorkingDirectory(path: inputs.workdir ?? spec.effectiveWorkdir))
        emit(.setUmask(0o022))
        emit(.resetSignals)
        // After the last change of ids and capabilities, which would undo it.
        if spec.isolation == .landlock { emit(.setParentDeathSignal(K.SIGKILL)) }
        emit(.setNoNewPrivileges)
        if let ruleset = landlockRuleset, let landlock = inputs.landlock {
            emit(.landlock(.restrictSelf(ruleset: ruleset, flags: landlock.restrictFlags)))
        }
        emit(.closeDescriptors(from: 3))
        if !inputs.filter.isEmpty {
            // SECCOMP_FILTER_FLAG_NEW_LISTENER, Linux 5.0; SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, so that a call is not made
            // twice for a signal handler's sake.
            emit(
                .installFilter(
                    flags: inputs.filterFlags
                        | (inputs.filterAsks ? 1 << 3 | (host.waitsForAnswers ? 1 << 5 : 0) : 0),
                    instructions: inputs.filter,
                    name: inputs.filterName))
        }
        emit(
            .execute(
                arguments: spec.command, environment: inputs.environment,
                searchPath: AgentProgram.searchPath(inputs.environment),
                secretNames: inputs.secretNames))
    }

    private mutating func becomeAgent() {
        let identity = inputs.identity
        guard host.changesIdentity else {
            // A user of the host, who stays one, has none to begin with; this empties the sets all the same.
            emit(.setCapabilities(effective: 0, permitted: 0, inheritable: 0, ambient: 0))
            return
        }
        emit(.dropBoundingCapabilities(keep: inputs.capabilities, last: host.lastCapability))
        let setsGroups = host.mapsRange || spec.isolation == .landlock
        emit(.setIdentity(uid: identity.uid, gid: identity.gid, groups: setsGroups ? identity.groups : nil))
        capabilities()
    }

    private mutating func capabilities() {
        let kept = inputs.capabilities
        let settling = kept | 1 << K.CAP_SETPCAP
        // Ambient, or a program that is not root's would lose them at exec. Before the securebits, which forbid raising;
        // those take CAP_SETPCAP, which goes at last. capabilities(7)
        emit(.setCapabilities(effective: settling, permitted: settling, inheritable: kept, ambient: kept))
        emit(.setSecurebits(.agent))
        emit(.setCapabilities(effective: kept, permitted: kept, inheritable: kept, ambient: kept))
    }

    private mutating func limits() {
        // While the launcher's capabilities, if any, still count.
        if let nice = spec.limits.nice { emit(.setNice(nice)) }
        if !spec.limits.rlimits.contains(where: { $0.resource == .core }) {
            emit(.setResourceLimit(resource: K.RLIMIT_CORE, soft: inputs.coreLimit, hard: inputs.coreLimit))
        }
        if let processes = inputs.processLimit {
            emit(.setResourceLimit(resource: K.RLIMIT_NPROC, soft: processes, hard: processes))
        }
        if let time = spec.limits.cpuTime, !spec.limits.rlimits.contains(where: { $0.resource == .cpu }) {
            // Each process alone as well: without a cgroup that is what there is. Whole seconds, the kernel's unit.
            let seconds = UInt64((time.nanoseconds + 999_999_999) / 1_000_000_000) + 1
            emit(.setResourceLimit(resource: ResourceName.cpu.number, soft: seconds, hard: seconds + 1))
        }
        for limit in spec.limits.rlimits {
            emit(
                .setResourceLimit(
                    resource: limit.resource.number, soft: limit.soft.rawLimit, hard: limit.hard.rawLimit))
        }
    }
}

extension LimitValue<UInt64> {
    /// As prlimit(2) wants it: RLIM_INFINITY for no limit.
    var rawLimit: UInt64 {
        switch self {
        case .max: .max
        case .value(let value): value
        }
    }
}
