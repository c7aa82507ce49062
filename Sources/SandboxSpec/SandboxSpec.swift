// SPDX-License-Identifier: Apache-2.0

/// Everything a sandbox can be asked for, as one value.
///
/// Command-line flags, YAML and JSON use the same names for the same thing: the flag `--read-only` is the key `read-only`,
/// `--memory` is `limits.memory`. `SpecField` lists them. Nothing here touches the machine: paths are as the user wrote
/// them, and are opened later, by descriptor. What is `nil` or empty was not asked for; what then happens is the
/// compiler's business (`SetupProgram`).
public struct SandboxSpec: Sendable, Equatable {
    /// The sandbox's name: also its host name where `hostname` is not given.
    public var name: SandboxName?
    /// The program and its arguments; the program is looked up in the sandbox's own `PATH`.
    public var command: [String] = []
    /// Who the agent is inside; `nil` asks for the default, 1000:1000.
    public var user: UserReference?
    /// Supplementary group ids inside.
    public var groups: [UInt32] = []
    /// Working directory inside; `nil` asks for the workspace, or `/` without one.
    public var workdir: SandboxPath?
    /// Environment, in order; a later entry replaces an earlier one of the same name.
    public var environment: [EnvironmentVariable] = []
    /// Secrets, read by the host when the sandbox starts and never printed.
    public var secrets: [SecretReference] = []
    /// Gives the agent a pseudo-terminal of its own (`-t`).
    public var terminal = false
    /// Where the agent's standard input comes from.
    public var standardInput: StandardInput = .inherit
    public var hostname: SandboxHostname?

    public var rootfs: RootfsReference = .host
    /// Host directory that keeps the overlay's changes between runs; `nil` keeps them in memory.
    public var overlay: String?
    /// Makes the root file system read-only (`/tmp`, `/run`, `/dev/shm`, tmpfs and writable binds stay writable).
    public var readOnly = false
    public var binds: [BindMount] = []
    public var tmpfs: [TmpfsMount] = []
    /// Host directory that appears, writable, as `/workspace`.
    public var workspace: String?
    /// Globs, relative to the workspace, of files that the agent may read but not change.
    public var protect: [PathGlob] = []
    /// Globs, relative to the workspace, of files whose contents the agent may not read.
    public var hide: [PathGlob] = []
    /// Globs, relative to the workspace, of what the built-in lists do not mean, with everything below it.
    public var show: [PathGlob] = []
    /// Devices of the host, beside those that every sandbox has.
    public var devices: [DeviceMount] = []
    /// Whether the built-in protect and hide lists apply to the workspace.
    public var builtinGuards = true

    /// Capabilities the agent keeps, exactly these; none by default.
    public var capabilities: [CapabilityName] = []
    public var seccomp: SeccompProfileReference = .default
    /// The wall behind the namespaces: Landlock.
    public var landlock: LandlockMode = .auto
    /// What keeps the agent apart: namespaces, or what is left where they are forbidden.
    public var isolation: Isolation = .namespaces
    /// Whether calls that the filter refuses are reported, at the cost of time for each.
    public var audit = false
    public var network: NetworkMode = .none
    /// Namespaces to join instead of making new ones: type to path, as `/proc/PID/ns/net` or `/run/netns/NAME`.
    public var join: [NamespaceJoin] = []
    /// Offsets of the sandbox's clocks; asking for one makes a time namespace.
    public var timeOffsets: TimeOffsets = TimeOffsets()

    public var limits = Limits()
    /// Things that may be missing without an error, by name.
    public var waive: Set<Waiver> = []
    /// Lets the sandbox outlive a launcher that was killed.
    public var linger = false

    public init() {}
}

/// What the agent may use of the machine. `nil` was not asked for.
public struct Limits: Sendable, Equatable {
    /// Bytes of memory, file pages in tmpfs included.
    public var memory: LimitValue<ByteCount>?
    /// Bytes of swap on top of `memory`; 0 where memory is limited and this is not given.
    public var swap: LimitValue<ByteCount>?
    /// Bytes of memory above which the agent is slowed down; cgroup v2.
    public var memoryHigh: LimitValue<ByteCount>?
    /// CPUs' worth of time: 0.5 is half of one CPU.
    public var cpus: LimitValue<CPUCount>?
    /// Share of busy CPUs, 1 to 10,000; 100 is a sandbox's without it.
    public var cpuWeight: UInt64?
    public var cpuset: NumberList?
    /// NUMA nodes.
    public var memoryNodes: NumberList?
    /// CPU time of all processes together; then everything is killed.
    public var cpuTime: Duration?
    /// setpriority(2), -20 to 19.
    public var nice: Int32?
    /// proc_pid_oom_score_adj(5), -1,000 to 1,000.
    public var oomScoreAdjustment: Int32?
    /// Processes and threads alive at once.
    public var pids: LimitValue<UInt64>?
    /// Wall-clock time from the agent's start; then everything is killed.
    public var timeout: Duration?
    /// Bytes of the writable layer.
    public var disk: ByteCount?
    /// Files and directories in the writable layer.
    public var inodes: UInt64?
    /// Bytes of standard output and error together; then everything is killed.
    public var output: ByteCount?
    public var io = IORates()
    /// Share of busy block devices, 1 to 10,000.
    public var ioWeight: UInt64?
    public var hugePages: [HugePages] = []
    /// Per-process limits, by name without `RLIMIT_`: `nofile`, `core` and so on.
    public var rlimits: [ResourceLimit] = []

    public init() {}
}
