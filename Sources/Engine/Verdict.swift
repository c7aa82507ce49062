// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SetupProgram

/// How a run ended, and which limit ended it.
public struct Verdict: Sendable, Equatable {
    /// The limit that ended the run, by its name in a spec.
    public enum Limit: String, Sendable {
        case memory
        case timeout
    }

    public var status: ExitStatus
    public var limit: Limit?
    /// Wall time of the agent; `nil` where init was killed with it.
    public var wallTime: Duration?
    /// CPU time of the agent and the descendants it waited for.
    public var userTime: Duration?
    public var systemTime: Duration?

    /// What to exit with: the agent's code, or 128 and its signal.
    public var exitStatus: Int32 { status.shellCode }

    /// - Parameters:
    ///   - exit: what init said; `nil` if it was killed first.
    ///   - memoryKills: how many processes the kernel killed for the memory limit.
    init?(exit: ExitRecord?, initStatus: ExitStatus, memoryKills: UInt64) {
        guard let exit else {
            // Init was killed, and the agent with it: on cgroup v2 the kernel does that to the whole group for memory.
            guard case .signaled = initStatus else { return nil }
            status = initStatus
            limit = memoryKills > 0 ? .memory : nil
            return
        }
        status = ExitStatus(waitStatus: Int32(bitPattern: exit.waitStatus))
        wallTime = .nanoseconds(exit.wallNanoseconds)
        userTime = .microseconds(exit.userMicroseconds)
        systemTime = .microseconds(exit.systemMicroseconds)
        switch exit.reason {
        case .deadline: limit = .timeout
        // Init's word counts beside the kernel's: on cgroup v1 init kills everything at the kernel's event, often before the
        // kernel has chosen and counted a victim, who then dies uncounted.
        case .memory: limit = status == .signaled(SIGKILL) ? .memory : nil
        case .agentEnded, .terminated: limit = memoryKills > 0 && status == .signaled(SIGKILL) ? .memory : nil
        }
    }
}
