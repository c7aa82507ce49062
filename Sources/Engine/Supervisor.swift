// SPDX-License-Identifier: Apache-2.0
import Confinement
import LinuxKernel

/// Answers for a filter that asks: as the filter itself would have decided, on the call's registers alone. What the agent
/// has in its memory is read for words in a report, never for a decision.
///
/// - SeeAlso: seccomp_unotify(2); Linux 5.5
final class Supervisor {
    private let filter: NotifyingFilter
    private var listener: Descriptor?
    private(set) var report = DenialReport()
    /// Who finds out what the file system will refuse.
    private let paths: PathAudit?
    private var learner: ProfileLearner?

    /// - Parameter learner: is told of each call, where those are to be learned.
    init(_ filter: NotifyingFilter, paths: PathAudit?, learner: ProfileLearner?) {
        self.filter = filter
        self.paths = paths
        self.learner = learner
    }

    /// The smallest profile that allows what was seen, as OCI JSON; `nil` where nothing was to be learned.
    func learnedProfile() throws(EngineError) -> String? {
        do throws(ConfinementError) { return try learner?.profile.ociJSON() } catch { throw EngineError(error) }
    }

    var isListening: Bool { listener.asRaw != nil }

    /// What to wait for.
    var raw: Int32? { listener.asRaw }

    /// Whether there ever was a listener: there is one.
    private(set) var hasListened = false

    func listen(on descriptor: consuming Descriptor?) {
        listener = consume descriptor
        hasListened = true
    }

    /// How often in a row calls could be neither received nor answered: memory may be short for a moment.
    private var failures = 0
    private static let patience = 64

    /// Answers one call that waits.
    ///
    /// - Parameter ready: what poll(2) said of the listener. Once everybody has gone whom the filter was for, it has hung up,
    ///   and before Linux 6.11 whoever asked for another call would wait for ever.
    /// - Throws: where none can be answered any more: the agent would wait for ever.
    func answer(_ ready: PollEvents) throws(EngineError) {
        guard ready.contains(.readable) else {
            if !ready.isEmpty { listener = nil }
            return
        }
        switch listener {
        case .some(let listener):
            do throws(SystemError) {
                guard let call = try receiveNotification(listener) else { return }
                try answer(call, on: listener)
                failures = 0
            } catch {
                failures += 1
                if failures >= Self.patience { throw EngineError(error) }
            }
        case .none: return
        }
    }

    /// A call that was received is not received again: its answer is all that it waits for.
    private func send(_ errno: Errno?, to id: UInt64, on listener: borrowing Descriptor) throws(SystemError) {
        var tries = 0
        while true {
            tries += 1
            do throws(SystemError) { return try LinuxKernel.answer(listener, id, with: errno) } catch {
                if tries >= Self.patience { throw error }
                blockThread(for: .microseconds(200))
            }
        }
    }

    private func answer(_ call: SystemCallNotification, on listener: borrowing Descriptor) throws(SystemError) {
        guard let data = SeccompData(bytes: call.data) else {
            return try send(.noSystemCall, to: call.id, on: listener)
        }
        learner?.record(data)
        switch filter.original.decision(on: data) {
        case .allow, .log:
            watch(call, data, listener)
            try send(nil, to: call.id, on: listener)
        case .errno(let errno):
            // In words before the answer: the caller waits, and its memory is still what it called with.
            describe(call, data, errno, listener)
            try send(errno, to: call.id, on: listener)
        default:
            // Such decisions are not turned into notifications: the kernel has made them.
            try send(.notPermitted, to: call.id, on: listener)
        }
    }

    /// What the filter allows may still be refused by the file system.
    private func watch(_ call: SystemCallNotification, _ data: SeccompData, _ listener: borrowing Descriptor) {
        guard let paths, let name = SystemCallWords.name(of: data) else { return }
        let refusals = paths.refusals(of: call.pid, name, data.arguments)
        guard !refusals.isEmpty, isWaiting(listener, call.id) else { return }
        for refusal in refusals { report.add(refusal.words, errno: refusal.errno.name, by: refusal.by) }
    }

    private func describe(
        _ call: SystemCallNotification, _ data: SeccompData, _ errno: Errno, _ listener: borrowing Descriptor
    ) {
        // The C library tries this for every thread, and goes on with clone(2): nothing was denied.
        if errno == .noSystemCall, SystemCallWords.name(of: data) == "clone3" { return }
        var texts: [Int: String] = [:]
        for index in SystemCallWords.textArguments(of: data) {
            texts[index] = readMemoryText(of: call.pid, at: data.arguments[index])
        }
        // What was read may be another process's, where the caller has gone.
        guard isWaiting(listener, call.id) else { return }
        let capability = SystemCallWords.neededCapability(for: data)
        report.add(
            SystemCallWords.describe(data, texts: texts), errno: errno.name, by: "seccomp",
            capability: capability.isEmpty ? nil : capability.description)
    }
}
