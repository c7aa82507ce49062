// SPDX-License-Identifier: Apache-2.0

/// What an agent tried and was refused, alike attempts counted together.
public struct DenialReport: Sendable, Equatable {
    public struct Denial: Sendable, Hashable {
        /// What was tried: a system call with its arguments in words, or access to a path.
        public var attempt: String
        /// The error that the agent got, as `EPERM`.
        public var errno: String
        /// What said no: `seccomp`, or the file system's permissions.
        public var by: String
        /// The capability that would have been needed, where it is one.
        public var capability: String?
        public var count: UInt64
    }

    /// In the order in which they first happened.
    public private(set) var denials: [Denial] = []
    /// Attempts beyond the number of different ones that are kept.
    public private(set) var uncounted: UInt64 = 0

    /// How many different attempts are kept: what an agent can make a report grow to.
    public static let most = 1000

    public init() {}

    mutating func add(_ attempt: String, errno: String, by: String, capability: String? = nil) {
        let index = denials.firstIndex { $0.attempt == attempt && $0.errno == errno && $0.by == by }
        if let index {
            denials[index].count += 1
        } else if denials.count < Self.most {
            denials.append(Denial(attempt: attempt, errno: errno, by: by, capability: capability, count: 1))
        } else {
            uncounted += 1
        }
    }
}
