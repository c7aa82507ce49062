// SPDX-License-Identifier: Apache-2.0

/// One thing that was looked at: what was found, what does not work without it, and what helps.
public struct Finding: Sendable, Equatable {
    /// The part of the machine it belongs to, in the order of a report.
    public enum Group: String, Sendable, CaseIterable {
        case kernel, namespaces, identity, cgroups, confinement, files, tools, run

        /// As a heading.
        public var title: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
    }

    public enum State: String, Sendable, CaseIterable {
        case ok
        /// There, but with something missing from it.
        case degraded
        case missing
        /// It could not be found out here.
        case unknown
    }

    /// Unique and stable: what scripts look for.
    public var id: String
    public var group: Group
    public var title: String
    public var state: State
    /// What was measured.
    public var detail: String
    /// What does not work; `nil` where all does, or that is not known.
    public var effect: String?
    /// The command or line of a file that helps, to be typed as root unless it says otherwise; may be several lines. `nil`
    /// where nothing is wrong, or nothing helps.
    public var cure: String?
    /// Whether `run` with default settings fails without it.
    public var requiredForRun: Bool
    /// The Linux version that brought it.
    public var kernelVersion: String?
    /// Where it is documented.
    public var source: String?

    public init(
        _ id: String, _ group: Group, _ title: String, _ state: State, _ detail: String, effect: String? = nil,
        cure: String? = nil, requiredForRun: Bool = false, kernelVersion: String? = nil, source: String? = nil
    ) {
        self.id = id
        self.group = group
        self.title = title
        self.state = state
        self.detail = detail
        // Only what is known to be wrong has an effect, and needs a cure.
        let isWrong = state == .degraded || state == .missing
        self.effect = isWrong ? effect : nil
        self.cure = isWrong ? cure : nil
        self.requiredForRun = requiredForRun
        self.kernelVersion = kernelVersion
        self.source = source
    }
}
