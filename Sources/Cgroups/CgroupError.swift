// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// What went wrong with a cgroup, on which one, why, and what helps.
public struct CgroupError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What callers switch on. The raw value is the message's first words.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// A controller that a limit needs is on no hierarchy we may use. The subject is the controller's name.
        public static let controllerUnavailable = Code(rawValue: "use cgroup controller")
        /// This user has no cgroup under which to make another.
        public static let delegationUnavailable = Code(rawValue: "find a cgroup delegated to this user in")
        /// The name cannot be a cgroup's.
        public static let invalidName = Code(rawValue: "name a cgroup")
        /// A path that is not that of a sandbox's cgroup.
        public static let invalidPath = Code(rawValue: "accept the cgroup path")
        /// A limit that means nothing, or nothing on this cgroup version.
        public static let invalidLimit = Code(rawValue: "set limit")
        /// Memory is limited but swap cannot be, and the machine has swap.
        public static let swapUncontrolled = Code(rawValue: "limit swap in")
        /// A cgroup of this name is there already.
        public static let exists = Code(rawValue: "make the new cgroup")
        public static let layoutUnreadable = Code(rawValue: "read the cgroup layout from")
        public static let creationFailed = Code(rawValue: "make cgroup")
        public static let limitRefused = Code(rawValue: "write")
        /// The kernel did not take the program that guards devices.
        public static let deviceGuardFailed = Code(rawValue: "guard the devices of")
        public static let freezeFailed = Code(rawValue: "freeze or thaw")
        public static let attachFailed = Code(rawValue: "move a process into")
        public static let readFailed = Code(rawValue: "read")
        public static let removalFailed = Code(rawValue: "remove cgroup")
    }

    public var code: Code
    /// A path, a controller or a limit.
    public var subject: String
    /// The kernel's answer, where there was one.
    public var cause: SystemError?
    /// The reason in words, where there is no `cause`.
    public var reason: String?
    /// What the user can do about it.
    public var hint: String?

    public init(
        _ code: Code, _ subject: String, cause: SystemError? = nil, reason: String? = nil, hint: String? = nil
    ) {
        self.code = code
        self.subject = subject
        self.cause = cause
        self.reason = reason
        self.hint = hint
    }

    /// `make cgroup /sys/fs/cgroup/pids/martinet/a: permission denied (EACCES)`, and a second line with the hint.
    public var description: String {
        var text = "\(code.rawValue) \(subject)"
        if let cause { text += ": \(cause.errno)" } else if let reason { text += ": \(reason)" }
        if let hint { text += "\nhint: \(hint)" }
        return text
    }
}
