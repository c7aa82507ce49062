// SPDX-License-Identifier: Apache-2.0
import CLinux
import Cgroups
import LinuxKernel
import SandboxSpec
import SetupProgram

/// How a run ended, which limit ended it, and what it used. `nil` is what was not counted: never zero.
public struct Verdict: Sendable, Equatable {
    /// A limit, by its name in reports.
    public enum Limit: String, Sendable, CaseIterable {
        /// Wall-clock time: `limits.timeout`.
        case time
        /// CPU time of all processes: `limits.cpu-time`.
        case cpuTime = "cpu-time"
        case memory
        case pids
        case output
        case disk
    }

    public var status: ExitStatus
    /// The limit that ended the run. `time`, `cpu-time`, `memory` and `output` end it themselves: the agent was killed for
    /// it. `pids` and `disk` refuse what goes beyond them: they are named where that happened and the agent then failed.
    public var limit: Limit?
    /// The limits that were met at all, also where the agent went on to a good end.
    public var reached: [Limit] = []

    /// Wall time from the agent's start, monotonic clock.
    public var wallTime: Duration?
    /// CPU time of every process that was in the sandbox: the cgroup's count where there is one, otherwise the kernel's sums
    /// over the processes that were waited for.
    public var cpuTime: Duration?
    public var userTime: Duration?
    public var systemTime: Duration?
    /// Whether CPU times are the cgroup's.
    public var timesAreOfCgroup = false

    /// Bytes of memory in use at once by all together, page cache and tmpfs included.
    public var peakMemory: UInt64?
    /// Bytes, the largest process's resident peak.
    public var peakResident: UInt64?
    /// Processes and threads alive at once, init included.
    public var peakProcesses: UInt64?
    /// Processes that the kernel killed for memory.
    public var memoryKills: UInt64?
    /// Forks refused at the limit of processes.
    public var processRefusals: UInt64?
    /// Bytes passed on from standard output and error; `nil` where the agent wrote to a device itself.
    public var outputBytes: UInt64?
    /// What the file system in memory held at the end, together with the overlay's kept layer if that has a limit.
    public var disk: DiskUse?
    /// Everything else that the cgroups counted.
    public var usage: CgroupUsage?
    /// What held the agent.
    public var confinement = ConfinementLevel()
    /// What was refused, where it was asked for.
    public var denials: DenialReport?
    /// The smallest profile that allows what the agent did, as JSON of OCI's form, where it was asked for.
    public var learnedProfile: String?
    /// Why some of the agent's output could not be passed on.
    public var outputFailure: SystemError?
    /// Paths in the workspace that are there since the run under names that are protected, as the hooks of a repository that
    /// the agent made: programs of the host's may run or obey what they hold.
    public var appeared: [String] = []
    /// Why the workspace could not be looked through for those.
    public var reviewFailure: String?

    /// What to exit with: the agent's code, or 128 and its signal.
    public var exitStatus: Int32 { status.shellCode }

    /// `nil` for an init that ended by itself without a word on the agent.
    init?(_ facts: RunFacts) {
        peakMemory = facts.usage?.memoryPeak
        peakProcesses = facts.usage?.pidsPeak
        memoryKills = facts.usage?.oomKills
        processRefusals = facts.usage?.pidsRefusals
        usage = facts.usage
        confinement = facts.confinement
        denials = facts.denials
        learnedProfile = facts.learnedProfile
        outputBytes = facts.outputBytes
        outputFailure = facts.outputFailure
        wallTime = facts.measuredWallTime
        cpuTime = facts.usage?.cpuTime

        let kills = memoryKills ?? 0
        guard let exit = facts.exit else {
            // Init was killed, and the agent with it: on cgroup v2 the kernel does that to the whole group for memory.
            guard case .signaled = facts.initStatus else { return nil }
            status = facts.initStatus
            limit = kills > 0 ? .memory : facts.outputIsExceeded ? .output : nil
            reached = limit.map { [$0] } ?? []
            timesAreOfCgroup = cpuTime != nil
            return
        }
        status = ExitStatus(waitStatus: Int32(bitPattern: exit.waitStatus))
        wallTime = .nanoseconds(exit.wallNanoseconds)
        userTime = .microseconds(exit.userMicroseconds)
        systemTime = .microseconds(exit.systemMicroseconds)
        peakResident = exit.peakResidentKiB.multipliedReportingOverflow(by: 1024).partialValue
        disk = DiskUse(exit)
        takeTimes(of: facts.usage, without: exit.initMicroseconds)

        switch exit.reason {
        case .deadline: limit = .time
        case .cpuTime: limit = .cpuTime
        case .output: limit = .output
        // Init's word counts beside the kernel's: on cgroup v1 init kills everything at the kernel's event, often before the
        // kernel has chosen and counted a victim, who then dies uncounted.
        case .memory: limit = status == .signaled(SIGKILL) ? .memory : nil
        case .agentEnded, .terminated: limit = kills > 0 && status == .signaled(SIGKILL) ? .memory : nil
        }
        if facts.outputIsExceeded, limit == nil || exit.reason == .terminated { limit = .output }
        findReached(exit, facts, kills)
    }

    /// The cgroup's times instead of those summed over reaped processes.
    private mutating func takeTimes(of usage: CgroupUsage?, without initMicroseconds: UInt64) {
        guard let total = usage?.cpuTime else {
            cpuTime = userTime.flatMap { user in systemTime.map { user + $0 } }
            return
        }
        timesAreOfCgroup = true
        // The cgroup counts init as well, which is not the agent's; and what was reaped is the least that was used.
        let reaped = (userTime ?? .zero) + (systemTime ?? .zero)
        cpuTime = max(total - .microseconds(initMicroseconds), reaped)
        if let user = usage?.userTime, let system = usage?.systemTime { (userTime, systemTime) = (user, system) }
    }

    private mutating func findReached(_ exit: ExitRecord, _ facts: RunFacts, _ kills: UInt64) {
        reached = limit.map { [$0] } ?? []
        if kills > 0, limit != .memory { reached.append(.memory) }
        // The kernel's own limit on each process, where one was set.
        if status == .signaled(SIGXCPU), limit == nil {
            limit = .cpuTime
            reached.append(.cpuTime)
        }
        if (processRefusals ?? 0) > 0 { reached.append(.pids) }
        if disk?.isFull == true { reached.append(.disk) }
        if facts.outputIsExceeded, limit != .output { reached.append(.output) }
        guard limit == nil, status != .exited(0) else { return }
        limit = [.pids, .disk].first { reached.contains($0) }
    }
}

/// What the file system in memory held when the agent had ended.
public struct DiskUse: Sendable, Equatable {
    public var bytes: UInt64
    public var inodes: UInt64
    /// Whether nothing more fitted.
    public var isFull: Bool

    init?(_ exit: ExitRecord) {
        guard let disk = exit.disk else { return nil }
        bytes = disk.bytes
        inodes = disk.inodes
        isFull = disk.isFull
    }
}

/// Everything that a verdict is made of.
struct RunFacts {
    /// What init said; `nil` if it was killed first.
    var exit: ExitRecord?
    var initStatus: ExitStatus
    var usage: CgroupUsage?
    /// By this process's clock: for an init that could not say it.
    var measuredWallTime: Duration?
    var outputBytes: UInt64?
    var outputIsExceeded = false
    var outputFailure: SystemError?
    var confinement = ConfinementLevel()
    var denials: DenialReport?
    var learnedProfile: String?

    init(exit: ExitRecord?, initStatus: ExitStatus) {
        self.exit = exit
        self.initStatus = initStatus
    }
}
