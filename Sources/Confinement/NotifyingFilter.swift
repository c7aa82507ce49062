// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// A filter that asks a supervisor where another filter would have decided by itself: for reports of what was denied,
/// and for learning what a program needs.
///
/// `program` is installed with SECCOMP_FILTER_FLAG_NEW_LISTENER. For each notification the supervisor asks `original`
/// and answers what it says: an errno with SECCOMP_IOCTL_NOTIF_SEND, a permitted call with
/// SECCOMP_USER_NOTIF_FLAG_CONTINUE. The decision is thus the filter's own, on the registers only, and nothing that the
/// program changes in its memory meanwhile can sway it. What the filter kills, traps or logs stays as it is.
///
/// A process has at most one filter with a listener (EBUSY). With no supervisor left its calls return ENOSYS: they fail
/// closed.
/// - SeeAlso: seccomp_unotify(2), Documentation/userspace-api/seccomp_filter.rst; Linux 5.5 (CONTINUE)
public struct NotifyingFilter: Hashable, Sendable {
    /// Which decisions become notifications.
    public enum Scope: Hashable, Sendable {
        /// Those that return an errno, except the ones here. ENOSYS is worth excepting where only attempts matter:
        /// C libraries try `clone3` for every thread, and go on without.
        case denials(except: Set<Errno> = [])
        /// Every permission, logged ones too, and every errno: each call of the program waits for the supervisor.
        case everything

        fileprivate func contains(_ decision: FilterReturn) -> Bool {
            switch (self, decision) {
            case (.denials(let exceptions), .errno(let number)): !exceptions.contains(number)
            case (.everything, .errno), (.everything, .allow), (.everything, .log): true
            default: false
            }
        }
    }

    /// The filter that decides.
    public let original: FilterProgram
    /// The filter to install. It has as many instructions, so what fits into the kernel's limit still does.
    public let program: FilterProgram

    /// - Parameter filter: compiled, as `SeccompCompiler` or the cache gives it.
    /// - Throws: `.malformedFilter`, also for a filter that computes what it returns or has notifications of its own.
    public init(_ filter: [UInt8], notifying scope: Scope) throws(ConfinementError) {
        let original = try FilterProgram(filter)
        var instructions = original.instructions
        for (index, instruction) in instructions.enumerated() {
            switch instruction.operation {
            case .returnAccumulator:
                throw ConfinementError(
                    .malformedFilter, subject: "instruction \(index) returns a computed value",
                    hint: "only filters whose returns are constants can be supervised, as libseccomp writes them")
            case .returnConstant:
                let decision = FilterReturn(returnValue: instruction.constant)
                guard decision != .notify else {
                    throw ConfinementError(
                        .malformedFilter, subject: "instruction \(index) notifies a supervisor already")
                }
                if scope.contains(decision) { instructions[index].constant = Self.userNotification }
            default: break
            }
        }
        self.original = original
        program = try FilterProgram(instructions)
    }

    /// SECCOMP_RET_USER_NOTIF. Linux 5.0.
    private static let userNotification: UInt32 = 0x7fc0_0000
}
