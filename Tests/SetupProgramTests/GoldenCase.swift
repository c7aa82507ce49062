// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import SetupProgram
import Testing

/// A spec, who asks for it, and the name of the file that holds its printed program.
struct GoldenCase: Sendable, CustomTestStringConvertible {
    let name: String
    let make: @Sendable () throws -> SetupProgram

    var testDescription: String { name }

    init(
        _ name: String, _ launcher: ProgramFixture.Launcher = .privileged, unifiedCgroups: Bool = false,
        switchesTimeNamespaceAtExec: Bool = true,
        build: @escaping @Sendable (inout SandboxSpec) throws -> Void = { _ in },
        inputs: @escaping @Sendable (inout LaunchInputs) -> Void = { _ in }
    ) {
        self.name = name
        make = {
            var spec = SandboxSpec()
            spec.command = ["/bin/true"]
            try build(&spec)
            try spec.validate()
            return try ProgramFixture(spec, launcher).program(
                unifiedCgroups: unifiedCgroups, switchesTimeNamespaceAtExec: switchesTimeNamespaceAtExec, change: inputs
            )
        }
    }

    static let all = roots + identities + landlock + withoutNamespaces + namespaces + limits + mounts + agents
}

extension GoldenCase {
    static let roots = [
        GoldenCase("host"),
        GoldenCase("host-range", .range),
        GoldenCase("host-single-id", .single),
        GoldenCase("directory") { $0.rootfs = .directory("/srv/debian") },
        GoldenCase("directory-read-only") {
            $0.rootfs = .directory("/srv/debian")
            $0.readOnly = true
        },
        GoldenCase("directory-overlay-kept") {
            $0.rootfs = .directory("/srv/debian")
            $0.overlay = "/srv/state"
        },
        GoldenCase("directory-range", .range) { $0.rootfs = .directory("/home/ann/debian") },
        GoldenCase("directory-overlay-kept-range", .range) {
            $0.rootfs = .directory("/home/ann/debian")
            $0.overlay = "/home/ann/state"
        },
        GoldenCase("directory-single-id", .single) { $0.rootfs = .directory("/home/ann/debian") },
        GoldenCase("unified-cgroups", unifiedCgroups: true),
    ]

    static let identities = [
        GoldenCase("user-root") { $0.user = try UserReference("0") },
        GoldenCase("user-and-group") { $0.user = try UserReference("1234:5678") },
        GoldenCase("groups") { $0.groups = [27, 44, 100] },
        GoldenCase("capabilities") {
            $0.capabilities = try [CapabilityName("net_bind_service"), CapabilityName("CAP_CHECKPOINT_RESTORE")]
        },
        GoldenCase("seccomp-unconfined") { $0.seccomp = .unconfined },
        GoldenCase("secret-in-environment") {
            $0.secrets = [try SecretReference("TOKEN=@/root/token", delivery: .environment)]
            $0.environment = [try EnvironmentVariable(name: "PLAIN", value: "shown as it is")]
        },
        GoldenCase("secret-as-file") { $0.secrets = [try SecretReference("TOKEN=@/root/token", delivery: .file)] },
    ]

    static let landlock = [
        GoldenCase("landlock-off") { $0.landlock = .off },
        GoldenCase("landlock-audited") { $0.audit = true },
        GoldenCase("landlock-directory-with-binds") {
            $0.rootfs = .directory("/srv/debian")
            $0.binds = try [BindMount("/srv/a:/data"), BindMount("/srv/b.txt:/b.txt")]
        },
        GoldenCase("landlock-writable-binds") {
            $0.workspace = "/home/ann/job"
            $0.binds = try [
                "/srv/c:/workspace/vendor", "/srv/a:/data/a", "/srv/b:/data/a/b", "/srv/d.txt:/data/a/d.txt",
                "/srv/e.txt:/e.txt", "/srv/f.txt:/f.txt:ro",
            ].map { try BindMount($0) }
        },
        GoldenCase("landlock-device-read-only") {
            $0.terminal = true
            $0.devices = try [DeviceMount("/dev/fuse"), DeviceMount("/dev/rtc0:r")]
        },
        GoldenCase("landlock-standard-descriptors") { _ in
        } inputs: {
            guard let standard = $0.standardDescriptors else { return }
            $0.landlock?.descriptors = [.init(standard.input, access: 0x4), .init(standard.error, access: 0x8002)]
        },
    ]

    static let withoutNamespaces = [
        GoldenCase("isolation-landlock") { $0.isolation = .landlock },
        GoldenCase("isolation-landlock-user", .single) {
            $0.isolation = .landlock
            $0.workspace = "/home/ann/job"
            $0.network = .host
        },
        GoldenCase("isolation-landlock-limits") {
            $0.isolation = .landlock
            $0.terminal = true
            $0.groups = [27]
            $0.limits.timeout = .seconds(10)
            $0.limits.rlimits = [try ResourceLimit("nofile=64")]
            $0.workdir = try SandboxPath("/usr/share")
        },
    ]

    static let namespaces = [
        GoldenCase("network-host") { $0.network = .host },
        GoldenCase("network-host-unified-cgroups", unifiedCgroups: true) { $0.network = .host },
        GoldenCase("join-network") { $0.join = [try NamespaceJoin("net=/run/netns/blue")] },
        GoldenCase("join-ipc") { $0.join = [try NamespaceJoin("ipc=/proc/7/ns/ipc")] },
        GoldenCase("join-uts") { $0.join = [try NamespaceJoin("uts=/proc/7/ns/uts")] },
        GoldenCase("join-cgroup") { $0.join = [try NamespaceJoin("cgroup=/proc/7/ns/cgroup")] },
        GoldenCase("join-user") {
            $0.join = [try NamespaceJoin("user=/proc/7/ns/user")]
            $0.user = try UserReference("1000")
        },
        GoldenCase("time-offsets") { $0.timeOffsets = TimeOffsets(monotonic: .seconds(86400), boottime: .seconds(-5)) },
        GoldenCase("time-offset-of-one-clock") { $0.timeOffsets = TimeOffsets(boottime: .nanoseconds(1)) },
        GoldenCase("time-offsets-before-linux-6.2", switchesTimeNamespaceAtExec: false) {
            $0.timeOffsets = TimeOffsets(monotonic: .seconds(86400))
        },
        GoldenCase("time-offset-with-joined-cgroup") {
            $0.timeOffsets = TimeOffsets(monotonic: .seconds(1))
            $0.join = [try NamespaceJoin("cgroup=/proc/7/ns/cgroup")]
        },
        GoldenCase("hostname") { $0.hostname = try SandboxHostname("cell.example") },
        GoldenCase("name") { $0.name = try SandboxName("worker-7") },
        GoldenCase("hostname-before-name") {
            $0.name = try SandboxName("worker-7")
            $0.hostname = try SandboxHostname("cell")
        },
    ]
}
