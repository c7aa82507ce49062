// SPDX-License-Identifier: Apache-2.0
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram

/// What held an agent, for whoever has to trust it.
public struct ConfinementLevel: Sendable, Equatable {
    public var isolation: Isolation = .namespaces
    /// Namespaces that are the sandbox's own.
    public var namespaces: [String] = []
    /// Whose ids the agent's are on the host.
    public var identity = ""
    public var capabilities: [String] = []
    /// The filter's name.
    public var seccomp = ""
    /// The Landlock ABI in use, 0 for none; and what it covers, in words.
    public var landlock: UInt32 = 0
    public var landlockWords = ""
    /// The cgroup hierarchies the sandbox is in, as `v2` or `v1 memory`.
    public var cgroups: [String] = []
    /// What this level does without, in words.
    public var missing: [String] = []
    /// Where in the workspace nothing can be made or removed, and what opens it, in words; `nil` if nowhere.
    public var closedWords: String?
    public init() {}
}

extension Launcher {
    /// What holds the agent, from what the program was made of.
    func confinement(
        _ spec: SandboxSpec, _ inputs: LaunchInputs, mapping: borrowing IdentityMapping, probe: HostProbe,
        landlock: LandlockLevel, cgroups: [String]
    ) -> ConfinementLevel {
        var level = ConfinementLevel()
        level.isolation = spec.isolation
        let joined = Set(spec.join.map(\.type))
        let all: [(String, Bool)] = [
            ("user", !joined.contains(.user)), ("pid", true), ("mount", true),
            ("network", spec.network != .host && !joined.contains(.network)), ("uts", !joined.contains(.uts)),
            ("ipc", !joined.contains(.ipc)), ("cgroup", !joined.contains(.cgroup)), ("time", !spec.timeOffsets.isEmpty),
        ]
        level.namespaces = spec.isolation == .namespaces ? all.filter(\.1).map(\.0) : []
        level.identity = mapping.words(agent: inputs.identity.uid, caller: probe.uid)
        level.capabilities = spec.capabilities.map(\.description)
        level.seccomp = inputs.filter.isEmpty ? "unconfined" : inputs.filterName
        level.landlock = landlock.abi ?? 0
        level.landlockWords = landlock.description
        level.cgroups = cgroups
        if let alone = inputs.landlockAlone {
            let missing = LandlockMissing(spec: spec, inputs: inputs, alone: alone)
            level.missing = missing.words
            level.closedWords = missing.closedWords
        }
        if spec.network == .host { level.missing.append("the network is the host's") }
        if inputs.filter.isEmpty { level.missing.append("no system call is refused") }
        if case .none(let reason) = landlock { level.missing.append("Landlock: \(reason)") }
        if spec.limits.memory?.value == nil { level.missing.append("memory is not limited") }
        if cgroups.isEmpty {
            level.missing.append("no cgroup: processes are limited by RLIMIT_NPROC, CPU time and memory are not")
        }
        return level
    }
}
