// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Which system calls a program may make: a value without effects, printed by `canonicalText`.
///
/// The first rule that names the call and whose conditions all hold decides; a call that no rule decides gets
/// `defaultAction`.
/// - SeeAlso: seccomp(2), Documentation/userspace-api/seccomp_filter.rst
public struct SeccompProfile: Hashable, Sendable {
    /// In order of precedence.
    public var rules: [Rule]
    /// What a call gets that no rule decides.
    public var defaultAction: Action
    /// What a call gets instead whose number is above those of all calls that the rules name: one that whoever wrote
    /// the profile did not know. ENOSYS makes programs fall back, where EPERM makes them fail. `nil`: `defaultAction`.
    public var newerCallAction: Action?
    /// How the filter is to be installed; not part of the compiled program.
    public var flags: FilterFlags = []
    /// The ABIs whose calls the rules are about.
    public var architectures: [Architecture]
    /// What a call gets that is made through any other ABI of the same kernel (32-bit x86, x32, 32-bit ARM).
    public var foreignArchitectureAction: Action

    /// - Parameter foreignArchitectureAction: ENOSYS unless told otherwise, not death: it is what a kernel built
    ///   without the other ABI answers, so a program that probes for one goes on with its own; and the call does not
    ///   run in either case, so killing protects nothing more. (A 32-bit binary cannot work with any call; it ends by
    ///   its own hand.)
    public init(
        rules: [Rule], defaultAction: Action, architectures: [Architecture] = [.native],
        foreignArchitectureAction: Action = .errno(.noSystemCall), newerCallAction: Action? = nil
    ) {
        self.rules = rules
        self.defaultAction = defaultAction
        self.newerCallAction = newerCallAction
        self.architectures = architectures
        self.foreignArchitectureAction = foreignArchitectureAction
    }

    /// What the kernel does with a call.
    public enum Action: Hashable, Sendable {
        case allow
        /// The call is not made and returns this (0–4095): EPERM for "exists, but not for you"; ENOSYS for "as on a
        /// kernel without it", so that callers fall back; 0 pretends that it was made.
        case errno(Errno)
        /// The whole process dies of SIGSYS. Linux 4.14.
        case killProcess
        /// The calling thread dies; the rest go on, usually badly.
        case killThread
        /// The call is not made; the thread gets SIGSYS, which it may handle.
        case trap
        /// The call is made, and noted in the kernel's log. Linux 4.14.
        case log
    }

    /// One action for some calls, always or under conditions.
    public struct Rule: Hashable, Sendable {
        public var action: Action
        /// The kernel's names: `openat`, `clone3`. A name the architecture lacks (`open` on aarch64) matches nothing.
        public var calls: [String]
        /// All must hold; empty means always. At most one for each argument.
        public var conditions: [Condition]

        public init(_ action: Action, _ calls: [String], when conditions: [Condition] = []) {
            self.action = action
            self.calls = calls
            self.conditions = conditions
        }
    }

    /// A comparison of one scalar argument. Pointers can be compared too, but what they point at is out of reach.
    public struct Condition: Hashable, Sendable {
        /// 0–5.
        public var argument: Int
        public var comparison: Comparison
        public var value: UInt64

        public init(argument: Int, _ comparison: Comparison, _ value: UInt64) {
            self.argument = argument
            self.comparison = comparison
            self.value = value
        }

        /// Compares as the kernel does where a parameter is an `int`: it drops the upper half of the register, so a
        /// comparison of all 64 bits is passed by setting any of the upper ones (CVE-2019-7303).
        public static func int(_ argument: Int, equals value: UInt32) -> Condition {
            Condition(argument: argument, .maskedEqual(mask: 0xffff_ffff), UInt64(value))
        }

        /// All the bits of `mask` are set.
        public static func bits(_ argument: Int, set mask: UInt64) -> Condition {
            Condition(argument: argument, .maskedEqual(mask: mask), mask)
        }

        /// All the bits of `mask` are clear.
        public static func bits(_ argument: Int, clear mask: UInt64) -> Condition {
            Condition(argument: argument, .maskedEqual(mask: mask), 0)
        }
    }

    /// How an argument, as an unsigned 64-bit number, is compared with a value.
    public enum Comparison: Hashable, Sendable {
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
        /// The argument's bits under `mask` equal the value.
        case maskedEqual(mask: UInt64)
    }

    /// A system-call ABI.
    public enum Architecture: String, Hashable, Sendable, CaseIterable {
        // swift-format-ignore: AlwaysUseLowerCamelCase
        case x86_64
        case x86, x32, aarch64, arm

        /// The ABI this program is built for.
        public static var native: Architecture {
            #if arch(x86_64)
            .x86_64
            #else
            .aarch64
            #endif
        }
    }
}
