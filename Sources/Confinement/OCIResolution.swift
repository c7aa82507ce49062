// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension OCIProfile {
    /// A profile for one agent on one machine, and what was left out of it on the way.
    public struct Resolution: Hashable, Sendable {
        public var profile: SeccompProfile
        /// Names that no call has on any architecture, as far as libseccomp and this module know: newer calls, or
        /// misspelled ones. Runtimes pass over them; sorted.
        public var unknownNames: [String] = []
        /// How many names are calls of other architectures only.
        public var absentNames = 0
        /// How many rules do not count here: for want of a capability, on another architecture or kernel.
        public var rulesLeftOut = 0
        /// ABIs that `archMap` would open, and that stay closed.
        public var closedArchitectures: [SeccompProfile.Architecture] = []
        /// Calls whose rule never decides, since an earlier one decides always, and otherwise.
        public var shadowedCalls: [String] = []
        /// Calls with an exception before a rule for all their arguments. Here the exception counts; runc lets the
        /// other rule win.
        public var exceptedCalls: [String] = []
    }

    /// The profile for an agent.
    ///
    /// - Parameters:
    ///   - capabilities: what the agent is granted.
    ///   - kernel: the version it runs on.
    /// - Throws: `.invalidRule`.
    public func resolved(
        capabilities: CapabilitySet, kernel: KernelVersion
    ) throws(ConfinementError) -> Resolution {
        var rules: [SeccompProfile.Rule] = []
        var unknown: Set<String> = []
        var absent: Set<String> = []
        var leftOut = 0
        for entry in calls {
            guard entry.counts(capabilities, kernel) else {
                leftOut += 1
                continue
            }
            var names: [String] = []
            for name in entry.names {
                guard SystemCallNumbers.isKnown(name) else {
                    unknown.insert(name)
                    continue
                }
                if try SystemCallNumbers.resolve(name) == .absentHere { absent.insert(name) }
                names.append(name)
            }
            guard !names.isEmpty else { continue }
            for conditions in entry.conditions {
                rules.append(SeccompProfile.Rule(entry.action, names, when: conditions))
            }
        }
        var resolution = Resolution(
            profile: SeccompProfile(
                rules: rules, defaultAction: defaultAction, newerCallAction: Self.newerCallAction(defaultAction)))
        resolution.profile.flags = flags
        resolution.profile.architectures += foreign(among: architectures)
        let mapped = architectureMap.filter {
            mapping in
            OCIVocabulary.architectures.contains { $0.name == mapping.architecture && $0.architecture == .native }
        }
        resolution.closedArchitectures = foreign(among: mapped.flatMap(\.subArchitectures))
        resolution.unknownNames = unknown.sorted()
        resolution.absentNames = absent.count
        resolution.rulesLeftOut = leftOut
        resolution.compareWithRunc()
        try resolution.profile.validate()
        return resolution
    }

    /// As runc has it: a profile that refuses what it does not name answers calls that are newer than all it names with
    /// ENOSYS, so that programs fall back.
    static func newerCallAction(_ defaultAction: SeccompProfile.Action) -> SeccompProfile.Action? {
        switch defaultAction {
        case .allow, .log, .errno(.noSystemCall): nil
        case .errno, .killProcess, .killThread, .trap: .errno(.noSystemCall)
        }
    }

    /// This machine's other ABIs among some SCMP_ARCH_*.
    private func foreign(among names: [String]) -> [SeccompProfile.Architecture] {
        OCIVocabulary.foreignABIs.filter { abi in
            OCIVocabulary.architectures.contains { $0.architecture == abi && names.contains($0.name) }
        }
    }
}

extension OCIProfile.Calls {
    fileprivate func counts(_ capabilities: CapabilitySet, _ kernel: KernelVersion) -> Bool {
        let native = OCIVocabulary.dockerNative
        if excludes.architectures.contains(native) { return false }
        if !excludes.capabilities.isDisjoint(with: capabilities) { return false }
        if let oldest = excludes.oldestKernel, kernel >= oldest { return false }
        if !includes.architectures.isEmpty, !includes.architectures.contains(native) { return false }
        if !includes.capabilities.isSubset(of: capabilities) { return false }
        if let oldest = includes.oldestKernel, kernel < oldest { return false }
        return true
    }
}

extension OCIProfile.Resolution {
    /// Finds the calls for which the order of rules matters; libseccomp, and so runc, has none.
    fileprivate mutating func compareWithRunc() {
        var always: [String: SeccompProfile.Action] = [:]
        var sometimes: [String: Set<SeccompProfile.Action>] = [:]
        var shadowed: Set<String> = []
        var excepted: Set<String> = []
        for rule in profile.rules {
            for name in rule.calls {
                if let decided = always[name] {
                    if decided != rule.action { shadowed.insert(name) }
                } else if rule.conditions.isEmpty {
                    always[name] = rule.action
                    if sometimes[name]?.contains(where: { $0 != rule.action }) == true { excepted.insert(name) }
                } else {
                    sometimes[name, default: []].insert(rule.action)
                }
            }
        }
        shadowedCalls = shadowed.sorted()
        exceptedCalls = excepted.sorted()
    }
}

extension SeccompProfile {
    /// Reads a Docker or OCI profile for an agent. `OCIProfile` tells more, such as which names were passed over.
    ///
    /// - Throws: `.invalidProfile`.
    public init(json: [UInt8], capabilities: CapabilitySet, kernel: KernelVersion) throws(ConfinementError) {
        self = try OCIProfile(json: json).resolved(capabilities: capabilities, kernel: kernel).profile
    }
}
