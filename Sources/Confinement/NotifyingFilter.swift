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
        /// C libraries try `clone3` for every thread, and go on without. What is not done and said to be is no denial.
        case denials(except: Set<Errno> = [])
        /// Every permission, logged ones too, and every errno: each call of the program waits for the supervisor.
        case everything

        fileprivate func contains(_ decision: FilterReturn) -> Bool {
            switch (self, decision) {
            case (.denials(let exceptions), .errno(let number)): number.rawValue != 0 && !exceptions.contains(number)
            case (.everything, .errno), (.everything, .allow), (.everything, .log): true
            default: false
            }
        }
    }

    /// The filter that decides.
    public let original: FilterProgram
    /// The filter to install. It has as many instructions, so what fits into the kernel's limit still does.
    public let program: FilterProgram

    /// - Parameters:
    ///   - filter: compiled, as `SeccompCompiler` or the cache gives it.
    ///   - watched: calls of the native ABI, by name, that become notifications also where the filter allows them. Names
    ///     that this architecture does not have are passed over, and calls that the filter, with whatever arguments, kills,
    ///     traps, traces or logs: a supervisor cannot do that in its place.
    /// - Throws: `.malformedFilter`, also for a filter that computes what it returns or has notifications of its own;
    ///   `.unknownSystemCall`.
    public init(
        _ filter: [UInt8], notifying scope: Scope, alwaysOn watched: [String] = []
    ) throws(ConfinementError) {
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
        let numbers = try Self.numbers(watched).filter { number in
            original.possibleDecisions(on: .native, number).allSatisfy(\.canBeGivenBySupervisor)
        }
        program = try FilterProgram(Self.watching(numbers) + instructions)
    }

    private static func numbers(_ names: [String]) throws(ConfinementError) -> [Int32] {
        var numbers: [Int32] = []
        for name in names {
            if case .number(let number) = try SystemCallNumbers.resolve(name) { numbers.append(number) }
        }
        return numbers
    }

    /// Instructions that notify of these calls, and otherwise come to what stands behind them.
    private static func watching(_ numbers: [Int32]) -> [FilterInstruction] {
        guard !numbers.isEmpty, numbers.count < 200 else { return [] }
        let rest = UInt8(numbers.count + 1)
        var instructions = [
            FilterInstruction(.loadWord, 4),  // the ABI, from which the numbers' meaning follows
            FilterInstruction(.jumpIfEqual, SeccompProfile.Architecture.native.token, ifTrue: 0, ifFalse: rest + 1),
            FilterInstruction(.loadWord, 0),
        ]
        for (index, number) in numbers.enumerated() {
            let isLast = index == numbers.count - 1
            instructions.append(
                FilterInstruction(
                    .jumpIfEqual, UInt32(bitPattern: number), ifTrue: UInt8(numbers.count - 1 - index),
                    ifFalse: isLast ? 1 : 0))
        }
        instructions.append(FilterInstruction(.returnConstant, userNotification))
        return instructions
    }

    /// SECCOMP_RET_USER_NOTIF. Linux 5.0.
    private static let userNotification: UInt32 = 0x7fc0_0000
}

extension FilterReturn {
    /// Whether the answer to a notification can come to the same.
    fileprivate var canBeGivenBySupervisor: Bool {
        switch self {
        case .allow, .errno: true
        default: false
        }
    }
}
