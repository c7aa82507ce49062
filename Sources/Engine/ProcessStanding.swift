// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram

/// Where the agent stands among the machine's processes: its nice value, how soon it is killed for memory, and whether its
/// crashes are dumped.
///
/// All three are inherited from the launcher and may be made worse by anybody. To make them better takes capabilities in
/// the host's own user namespace, which init never has: a launcher that has them gives init the better value itself, before
/// the program is sent, and the agent inherits it. One that has not leaves it to the kernel, which may allow it all the same
/// (RLIMIT_NICE; a lowest OOM score below the present one), or refuses it when the agent is set up.
struct ProcessStanding {
    private let nice: Int32?
    /// proc_pid_oom_score_adj(5)
    let oomScoreAdjustment: Int32
    /// RLIMIT_CORE of the agent, soft and hard, where the spec does not name it.
    ///
    /// A core file would be a copy of the agent's memory in its directory; a core handler (`|/usr/share/apport …`) is a
    /// program that runs as the host's root on what the agent made up. With a limit of 0 the kernel writes no file but calls
    /// the handler; 1 is the one value that stops it as well, and is too small for a file (fs/coredump.c: `cprm.limit == 1`,
    /// `min_coredump`). A handler behind a socket (`@/path`, Linux 6.16) is called whatever the limit. core(5)
    let coreLimit: UInt64

    /// What init is given from outside.
    private var raisesNice = false
    private(set) var raisesOOMScore = false
    private var raisesCoreLimit = false

    private static let resourceCapability: UInt64 = 1 << 24
    private static let niceCapability: UInt64 = 1 << 23

    /// Chooses, from the spec and from what this process has itself.
    init(_ limits: Limits) throws(EngineError) {
        let capabilities = try launching { () throws(SystemError) in try effectiveCapabilities() }
        nice = limits.nice
        if let nice, capabilities & Self.niceCapability != 0 {
            raisesNice = try launching { () throws(SystemError) in try nice < niceValue() }
        }
        let own = try Self.ownOOMScore()
        // Not below the launcher's own, which may be the lowest that it is allowed: 1000 in a Kubernetes pod without limits.
        oomScoreAdjustment = limits.oomScoreAdjustment ?? max(Self.usualOOMScore, own)
        raisesOOMScore = oomScoreAdjustment < own && capabilities & Self.resourceCapability != 0
        let core = try launching { () throws(SystemError) in try resourceLimits(KernelConstant.RLIMIT_CORE) }
        raisesCoreLimit = core.hard == 0 && capabilities & Self.resourceCapability != 0
        coreLimit = raisesCoreLimit ? 1 : min(1, core.hard)
    }

    /// Halfway to the worst: init, which is at the launcher's own, is to live and tell.
    private static let usualOOMScore: Int32 = 500

    private static func ownOOMScore() throws(EngineError) -> Int32 {
        let text = try launching { () throws(SystemError) in try readText("/proc/self/oom_score_adj") }
        guard let text, let value = Int32(text.filter { $0 != "\n" }) else {
            throw EngineError(.launchFailed, "read /proc/self/oom_score_adj: it is not a number")
        }
        return value
    }

    /// Gives init what only this process may give. It must be itself by now: a score written while it shares this process's
    /// memory would be this process's as well. proc_pid_oom_score_adj(5)
    func raise(_ pid: Int32) throws(EngineError) {
        if raisesNice, let nice {
            try launching { () throws(SystemError) in try setNiceValue(of: pid, nice) }
        }
        if raisesCoreLimit {
            try launching { () throws(SystemError) in
                try setResourceLimits(KernelConstant.RLIMIT_CORE, of: pid, ResourceLimits(soft: 1, hard: 1))
            }
        }
        if raisesOOMScore {
            try launching { () throws(SystemError) in
                try writeAll(open("/proc/\(pid)/oom_score_adj", .writeOnly), "\(oomScoreAdjustment)".utf8)
            }
        }
    }
}
