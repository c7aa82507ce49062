// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import SetupProgram

extension GoldenCase {
    static let limits = [
        GoldenCase("memory") { $0.limits.memory = .value(ByteCount(bytes: 256 << 20)) },
        GoldenCase("memory-unlimited") { $0.limits.memory = .max },
        GoldenCase("timeout") { $0.limits.timeout = .seconds(10) },
        GoldenCase("timeout-in-milliseconds") { $0.limits.timeout = .milliseconds(1500) },
        GoldenCase("pids-without-cgroup", .single) { $0.limits.pids = .value(32) },
        GoldenCase("rlimits") {
            $0.limits.rlimits = try ["nofile=1024:4096", "core=0", "stack=max", "cpu=5"].map { try ResourceLimit($0) }
        },
        GoldenCase("nice") { $0.limits.nice = -5 },
        GoldenCase("oom-score-adj") {
            $0.limits.oomScoreAdjustment = -200
        } inputs: {
            $0.oomScoreAdjustment = -200
        },
        GoldenCase("core-limit-of-the-caller") { _ in
        } inputs: {
            $0.coreLimit = 0
        },
        GoldenCase("disk") { $0.limits.disk = ByteCount(bytes: 1 << 20) },
        GoldenCase("inodes") {
            $0.limits.inodes = 2000
            $0.tmpfs = [try TmpfsMount("/many:64MiB"), try TmpfsMount("/few:1MiB")]
        },
        GoldenCase("disk-of-a-kept-overlay") {
            $0.rootfs = .directory("/srv/debian")
            $0.overlay = "/srv/state"
            $0.limits.disk = ByteCount(bytes: 8 << 30)
        } inputs: {
            $0.limitsOverlay = true
        },
    ]

    static let mounts = [
        GoldenCase("bind-read-only-file") { $0.binds = [try BindMount("/srv/model.bin:/models/model.bin:ro")] },
        GoldenCase("binds-inner-first") {
            $0.binds = try ["/srv/c:/data/a/b/c", "/srv/a:/data/a", "/srv/b:/data/a/b:ro"].map { try BindMount($0) }
        },
        GoldenCase("binds-range", .range) {
            $0.binds = try ["/home/ann/b:/data/a/b", "/home/ann/a:/data/a:ro"].map { try BindMount($0) }
        },
        GoldenCase("devices") { $0.devices = try ["/dev/fuse", "/dev/vdb:/dev/disk/a:r"].map { try DeviceMount($0) } },
        GoldenCase("devices-directory-rootfs") {
            $0.rootfs = .directory("/srv/debian")
            $0.devices = [try DeviceMount("/dev/fuse")]
        },
        GoldenCase("devices-single-id", .single) { $0.devices = [try DeviceMount("/dev/fuse")] },
        GoldenCase("tmpfs") { $0.tmpfs = [try TmpfsMount("/scratch:16MiB"), try TmpfsMount("/var/cache")] },
        GoldenCase("tmpfs-inside-bind") {
            $0.tmpfs = [try TmpfsMount("/data/tmp:4KiB")]
            $0.binds = [try BindMount("/srv/a:/data:ro")]
        },
        GoldenCase("bind-inside-tmpfs") {
            $0.binds = [try BindMount("/srv/a:/scratch/a")]
            $0.tmpfs = [try TmpfsMount("/scratch")]
        },
        GoldenCase("bind-inside-workspace") {
            $0.binds = [try BindMount("/srv/a:/workspace/vendor:ro")]
            $0.workspace = "/home/ann/job"
        },
        GoldenCase("workspace") { $0.workspace = "/home/ann/job" },
        GoldenCase("workspace-range", .range) { $0.workspace = "/home/ann/job" },
        GoldenCase("workspace-directory-rootfs") {
            $0.rootfs = .directory("/srv/debian")
            $0.workspace = "/home/ann/job"
        },
        GoldenCase("guards") {
            $0.workspace = "/home/ann/job"
            $0.binds = [try BindMount("/srv/a:/workspace/vendor:ro")]
        } inputs: {
            $0.guards = [
                GuardStep(.hide, ".env"), GuardStep(.pin, ".git"), GuardStep(.protect, ".git/config"),
                GuardStep(.protect, ".git/hooks"),
            ]
            $0.coveredNames = ["vendor"]
        },
    ]

    static let agents = [
        GoldenCase("terminal") { $0.terminal = true },
        GoldenCase("terminal-sized") {
            $0.terminal = true
        } inputs: {
            $0.terminalSize = TerminalDimensions(rows: 50, columns: 132)
        },
        GoldenCase("terminal-single-id", .single) { $0.terminal = true },
        GoldenCase("linger") { $0.linger = true },
        GoldenCase("workdir") { $0.workdir = try SandboxPath("/usr/share") },
        GoldenCase("arguments-quoted") {
            $0.command = ["sh", "-c", "echo 'it''s' \"$HOME\"", "", "a\u{1b}[31mb\n", "größe", "--x=1"]
        },
        GoldenCase("environment-without-path") {
            $0.command = ["true"]
        } inputs: {
            $0.environment = ["A=b"]
        },
        GoldenCase("everything", unifiedCgroups: true) {
            $0.name = try SandboxName("all")
            $0.rootfs = .directory("/srv/debian")
            $0.overlay = "/srv/state"
            $0.readOnly = true
            $0.user = try UserReference("7:8")
            $0.groups = [9]
            $0.capabilities = [try CapabilityName("sys_ptrace")]
            $0.timeOffsets = TimeOffsets(monotonic: .seconds(1), boottime: .seconds(2))
            $0.limits.memory = .value(ByteCount(bytes: 64 << 20))
            $0.limits.timeout = .seconds(90)
            $0.limits.disk = ByteCount(bytes: 32 << 20)
            $0.limits.rlimits = [try ResourceLimit("nofile=64")]
            $0.binds = [try BindMount("/srv/a:/data")]
            $0.tmpfs = [try TmpfsMount("/data/tmp:1MiB")]
            $0.devices = [try DeviceMount("/dev/fuse")]
            $0.limits.nice = 5
            $0.workspace = "/home/ann/job"
            $0.secrets = [
                try SecretReference("ONE=@/root/one", delivery: .environment),
                try SecretReference("TWO=@/root/two", delivery: .file),
            ]
            $0.terminal = true
            $0.linger = true
            $0.workdir = try SandboxPath("/data")
        },
    ]
}
