// SPDX-License-Identifier: Apache-2.0
import CLinux
import Cgroups
import LinuxKernel
import SandboxSpec

/// Does what the end of a sandbox asks for, by whoever finds that it has ended: nobody need have waited.
///
/// The steps are: the verdict is written down; the event is told; cgroups and placeholders are removed; that all of it is
/// done is written down; a sandbox that removes itself is removed. A process that is killed between any two leaves a record
/// from which the next one goes on, and no step harms that was done already.
public struct Settlement: Sendable {
    /// What is written down now; `nil` where the sandbox removed itself.
    public let status: SandboxStatus?
    /// What could not be done yet, and is tried again by whoever looks next.
    public let failure: EngineError?

    /// Settles what has ended; leaves alone what was never started, and what runs.
    ///
    /// - Parameter lock: with it, a sandbox that is `starting` has lost its starter.
    public static func settle(_ lock: borrowing SandboxLock) throws(EngineError) -> Settlement {
        guard var status = try lock.status() else { throw lock.sandbox.isUnreadable() }
        let machine = MachineState(bootID: lock.sandbox.store.bootID)
        let wasEnded = status.phase == .exited
        switch status.phase {
        case .created: return Settlement(status: status, failure: nil)
        case .exited: break
        case .starting, .running:
            if status.phase == .running, status.bootID == machine.bootID, try MachineState.initIsAlive(status) {
                return Settlement(status: status, failure: nil)
            }
            try end(&status, lock, machine)
        }
        return try finish(&status, lock, resumes: wasEnded)
    }

    // MARK: The verdict

    /// Finds out how it ended, and writes that down.
    private static func end(
        _ status: inout SandboxStatus, _ lock: borrowing SandboxLock, _ machine: MachineState
    ) throws(EngineError) {
        if status.bootID != machine.bootID {
            status.loss = .gone
            // What has these paths now is another sandbox's.
            status.cgroups = []
        } else if status.phase == .starting {
            // Nobody would ever speak to it.
            try SandboxEnding.kill(status)
            status.loss = .killed
        } else {
            try findVerdict(&status, lock, machine)
        }
        status.phase = .exited
        if status.ended == nil { status.ended = .now() }
        status.initProcess = nil
        status.agentPID = nil
        status.isSettled = false
        try lock.write(status)
    }

    private static func findVerdict(
        _ status: inout SandboxStatus, _ lock: borrowing SandboxLock, _ machine: MachineState
    ) throws(EngineError) {
        let record = VerdictFile.read(in: lock.directory, started: status.started)
        status.ended = record?.ended
        // Without a word of its own, init was killed: by the kernel for memory, if that killed at all.
        var facts = RunFacts(exit: record?.exit, initStatus: .signaled(SIGKILL))
        if let cgroup = machine.cgroup(of: status) { facts.usage = try? cgroup.usage() }
        facts.confinement = status.confinement ?? ConfinementLevel()
        guard record != nil || (facts.usage?.oomKills ?? 0) > 0, let verdict = Verdict(facts) else {
            status.loss = .killed
            return
        }
        status.verdict = VerdictReport(verdict, name: status.name?.text).node
    }

    // MARK: What follows

    private static func finish(
        _ status: inout SandboxStatus, _ lock: borrowing SandboxLock, resumes: Bool
    ) throws(EngineError) -> Settlement {
        if !status.isSettled {
            let store = lock.sandbox.store
            for event in SandboxEvent.ofEnd(status) {
                if resumes { try store.announceOnce(event) } else { try store.announce(event) }
            }
            do throws(CgroupError) { try CgroupRemoval.remove(paths: status.cgroups) } catch {
                return Settlement(status: status, failure: EngineError(error))
            }
            status.placeholders?.remove()
            status.cgroups = []
            status.placeholders = nil
            status.isSettled = true
            try lock.write(status)
        }
        guard status.removesItself else { return Settlement(status: status, failure: nil) }
        try lock.remove(status)
        return Settlement(status: nil, failure: nil)
    }
}
