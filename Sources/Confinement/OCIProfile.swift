// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// A profile as Docker, podman and OCI runtimes write it, before anything is known of the agent or the machine.
///
/// `resolved(for:)` makes a `SeccompProfile` of it.
/// - SeeAlso: opencontainers/runtime-spec config-linux.md, "Seccomp"; Docker's profiles/seccomp/default.json, which adds
///   `archMap`, `includes`, `excludes`, `comment`; podman's seccomp.json, which adds `errno` and `defaultErrno`
public struct OCIProfile: Hashable, Sendable {
    /// What a call gets that nothing in `syscalls` decides.
    public var defaultAction: SeccompProfile.Action
    /// SCMP_ARCH_*: the ABIs that are open beside the machine's own.
    public var architectures: [String]
    /// Docker's form of the same: the second list is open where the first is the machine's own. Martinet keeps those
    /// closed, since every profile that begins as a copy of Docker's has them; `architectures` opens an ABI.
    public var architectureMap: [ArchitectureMapping]
    public var flags: FilterFlags
    /// In order of precedence.
    public var calls: [Calls]

    /// One entry of `archMap`.
    public struct ArchitectureMapping: Hashable, Sendable {
        public var architecture: String
        public var subArchitectures: [String]
    }

    /// One entry of `syscalls`.
    public struct Calls: Hashable, Sendable {
        public var names: [String]
        public var action: SeccompProfile.Action
        /// Any of the lists suffices, in which all must hold. More than one list only where one argument is compared
        /// twice: runtimes read such a rule as alternatives.
        public var conditions: [[SeccompProfile.Condition]]
        /// The rule counts only where all of this is the case.
        public var includes: Circumstance
        /// The rule does not count where any of this is the case.
        public var excludes: Circumstance
    }

    /// What an entry can depend on. Empty: on nothing.
    public struct Circumstance: Hashable, Sendable {
        /// In the order of the document; in `includes` all are needed, in `excludes` one suffices.
        public var capabilities: CapabilitySet = []
        /// Docker's names: `amd64`, `arm64`.
        public var architectures: [String] = []
        public var oldestKernel: KernelVersion?

        public init() {}
    }
}

/// How a filter is installed. seccomp(2)
public struct FilterFlags: OptionSet, Hashable, Sendable {
    public var rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// SECCOMP_FILTER_FLAG_LOG: everything that is not allowed is noted in the kernel's log. Linux 4.14.
    public static let log = FilterFlags(rawValue: 1 << 1)
    /// SECCOMP_FILTER_FLAG_SPEC_ALLOW: without the guard against speculative store bypass, which makes some programs
    /// faster and lets others guess. Linux 4.17; from 5.16 on the guard is off for filters anyway.
    public static let allowSpeculation = FilterFlags(rawValue: 1 << 2)
}
