// SPDX-License-Identifier: Apache-2.0
import Cgroups
import LinuxKernel

/// What a sandbox is doing now: found out each time it is asked for, never written down.
public enum SandboxState: String, Sendable, CaseIterable {
    case created
    /// Somebody is starting it.
    case starting
    case running
    /// Every process in it stands still.
    case paused
    /// The agent has ended, and how is known.
    case exited
    /// Init, or whoever was starting or making it, was killed: there is no verdict.
    case dead
    /// It ran before the machine's last start.
    case gone

    /// Whether there are processes of it, or are about to be.
    public var isAlive: Bool {
        switch self {
        case .starting, .running, .paused: true
        case .created, .exited, .dead, .gone: false
        }
    }
}

/// One sandbox as it was found.
public struct SandboxEntry: Sendable {
    public let sandbox: StoredSandbox
    /// `nil` where it cannot be read.
    public let status: SandboxStatus?
    public let state: SandboxState
    /// Why its status cannot be read, or what its end left to be done.
    public let problem: String?

    /// The name in lists: the id's first digits where it has none.
    public var displayName: String { status?.displayName ?? sandbox.id.short }
}

/// What is the same for all sandboxes of a machine, found out once for a list of them.
final class MachineState {
    let bootID: String
    private var cgroupLayout: CgroupLayout??

    init(bootID: String) { self.bootID = bootID }

    private func layout() -> CgroupLayout? {
        if let cgroupLayout { return cgroupLayout }
        let probed = try? CgroupLayout.probe()
        cgroupLayout = .some(probed)
        return probed
    }

    /// The state that a record and the machine together come to, and whether something is left to be done for an end.
    /// `starting` is taken as it was written: the lock tells.
    func state(of status: SandboxStatus) throws(EngineError) -> (state: SandboxState, needsSettling: Bool) {
        let isOfThisBoot = status.bootID == bootID
        switch status.phase {
        case .created: return (.created, false)
        case .exited:
            let state = status.loss.map { $0 == .gone ? SandboxState.gone : .dead } ?? .exited
            return (state, !status.isSettled || status.removesItself)
        case .starting: return (isOfThisBoot ? .starting : .gone, true)
        case .running:
            guard isOfThisBoot else { return (.gone, true) }
            guard try Self.initIsAlive(status) else { return (.exited, true) }
            return (isPaused(status) ? .paused : .running, false)
        }
    }

    static func initIsAlive(_ status: SandboxStatus) throws(EngineError) -> Bool {
        guard let process = status.initProcess else { return false }
        let found = try keeping("look for the init of \(status.id.short)") { () throws(SystemError) in
            try process.open()
        }
        switch found {
        case .some: return true
        case .none: return false
        }
    }

    private func isPaused(_ status: SandboxStatus) -> Bool {
        guard !status.cgroups.isEmpty, let layout = layout() else { return false }
        return (try? SandboxCgroup.isFrozen(paths: status.cgroups, layout: layout)) ?? false
    }

    /// The sandbox's cgroups; `nil` where it has none, or they are gone.
    func cgroup(of status: SandboxStatus) -> SandboxCgroup? {
        guard !status.cgroups.isEmpty, let layout = layout() else { return nil }
        return try? SandboxCgroup.reopen(paths: status.cgroups, layout: layout)
    }
}

extension StoredSandbox {
    /// Looks what the sandbox is doing, and settles what has ended: whoever looks first brings the end about that is seen.
    ///
    /// - Returns: `nil` where it is gone, also by this, as one that removes itself is.
    public func look() throws(EngineError) -> SandboxEntry? { try look(MachineState(bootID: store.bootID)) }

    func look(_ machine: MachineState) throws(EngineError) -> SandboxEntry? {
        switch read() {
        case .absent: return nil
        case .malformed(let reason): return SandboxEntry(sandbox: self, status: nil, state: .dead, problem: reason)
        case .incomplete: return try lookAtIncomplete(machine)
        case .status(let status):
            let found = try machine.state(of: status)
            guard found.needsSettling, !store.isForeign else {
                return SandboxEntry(sandbox: self, status: status, state: found.state, problem: nil)
            }
            return try lookAtEnded(status, machine)
        }
    }

    private func lookAtEnded(
        _ status: SandboxStatus, _ machine: MachineState
    ) throws(EngineError) -> SandboxEntry? {
        do throws(EngineError) {
            // A starting one that is held is being started. Another that is held is being settled, which takes a moment.
            let patience = status.phase == .starting ? Duration.zero : .seconds(1)
            var (last, problem): (SandboxStatus?, String?)
            if let lock = try tryLock(within: patience) {
                let settlement = try Settlement.settle(lock)
                (last, problem) = (settlement.status, settlement.failure?.message)
            } else {
                last = self.status
            }
            guard let last else { return nil }
            return SandboxEntry(sandbox: self, status: last, state: try machine.state(of: last).state, problem: problem)
        } catch where error.code == .unknownSandbox {
            return nil
        } catch { throw error }
    }

    /// Someone makes it, or removes it, or was killed in the middle of either.
    private func lookAtIncomplete(_ machine: MachineState) throws(EngineError) -> SandboxEntry? {
        if !store.isForeign {
            try store.whileNamesAreLocked { () throws(EngineError) in }
            switch read() {
            case .absent: return nil
            case .incomplete: break
            case .status, .malformed: return try look(machine)
            }
        }
        return SandboxEntry(
            sandbox: self, status: nil, state: .dead,
            problem: "whoever made or removed it was interrupted; martinet rm \(id.short)")
    }
}
