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
struct MachineState {
    let bootID: String
    private var cgroupLayout: CgroupLayout??

    init(bootID: String) { self.bootID = bootID }

    private mutating func layout() -> CgroupLayout? {
        if let cgroupLayout { return cgroupLayout }
        let probed = try? CgroupLayout.probe()
        cgroupLayout = .some(probed)
        return probed
    }

    /// The state that a record and the machine together come to. `starting` is taken as it was written: the lock tells.
    mutating func state(of status: SandboxStatus) throws(EngineError) -> SandboxState {
        switch status.phase {
        case .created: return .created
        case .exited: return status.loss.map { $0 == .gone ? .gone : .dead } ?? .exited
        case .starting: return status.bootID == bootID ? .starting : .gone
        case .running:
            guard status.bootID == bootID else { return .gone }
            guard try Self.initIsAlive(status) else { return .exited }
            return isPaused(status) ? .paused : .running
        }
    }

    /// Whether something is left to be done for an end.
    mutating func needsSettling(_ status: SandboxStatus) throws(EngineError) -> Bool {
        switch status.phase {
        case .created: return false
        case .starting: return true
        case .running:
            guard status.bootID == bootID else { return true }
            return try !Self.initIsAlive(status)
        case .exited: return !status.isSettled || status.removesItself
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

    private mutating func isPaused(_ status: SandboxStatus) -> Bool {
        guard let cgroup = cgroup(of: status), cgroup.canFreeze else { return false }
        return (try? cgroup.isFrozen) ?? false
    }

    /// The sandbox's cgroups; `nil` where it has none, or they are gone.
    mutating func cgroup(of status: SandboxStatus) -> SandboxCgroup? {
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
        var machine = machine
        switch read() {
        case .absent: return nil
        case .malformed(let reason): return SandboxEntry(sandbox: self, status: nil, state: .dead, problem: reason)
        case .incomplete: return try lookAtIncomplete(machine)
        case .status(let status):
            guard try machine.needsSettling(status), !store.isForeign else {
                return SandboxEntry(sandbox: self, status: status, state: try machine.state(of: status), problem: nil)
            }
            return try lookAtEnded(status, &machine)
        }
    }

    private func lookAtEnded(
        _ status: SandboxStatus, _ machine: inout MachineState
    ) throws(EngineError) -> SandboxEntry? {
        do throws(EngineError) {
            // A starting one that is held is being started. Another that is held is being settled, which takes a moment.
            let patience = status.phase == .starting ? Duration.zero : .seconds(1)
            guard let lock = try tryLock(within: patience) else {
                guard let now = self.status else { return nil }
                return SandboxEntry(sandbox: self, status: now, state: try machine.state(of: now), problem: nil)
            }
            let settlement = try Settlement.settle(lock)
            guard let now = settlement.status else { return nil }
            return SandboxEntry(
                sandbox: self, status: now, state: try machine.state(of: now), problem: settlement.failure?.message)
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
