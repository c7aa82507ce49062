// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxKernel
import SandboxSpec
import Storage
import TestHost
import Testing

@testable import Engine

/// Whether sandboxes with every part can be started here.
let isRoot = effectiveUID() == 0

/// A directory with what launches take from the host, and the specs that use all of it.
struct TestGround {
    let root: String
    var workspace: String { "\(root)/workspace" }
    var state: String { "\(root)/state" }
    var rootfs: String { "\(root)/rootfs" }

    private init(_ root: String) { self.root = root }

    /// Makes the directory, mode 0700, and removes it with everything in it.
    static func with(_ body: (TestGround) throws -> Void) throws {
        let ground = TestGround("/tmp/martinet-engine-\(processID())-\(UInt64.random(in: 0 ... .max))")
        try makeDirectory(ground.root, mode: 0o755)
        let outcome = Result {
            try ground.fill()
            InitBinary.buildDirectory = buildDirectory
            try body(ground)
        }
        try TreeRemoval.remove(ground.root)
        try outcome.get()
    }

    /// Where this test bundle is.
    private static let buildDirectory: String = {
        let tests = (try? readSymlink("/proc/self/exe")) ?? ""
        return tests.split(separator: "/").dropLast().map { "/\($0)" }.joined()
    }()

    private func fill() throws {
        for name in ["workspace", "shown", "rootfs", "rootfs/etc", "rootfs/bin"] {
            try makeDirectory("\(root)/\(name)", mode: 0o755)
        }
        try makeDirectory(state, mode: 0o700)
        // A program that needs nothing around it. Run by hand it ends with 125.
        let program = try open("\(Self.buildDirectory)/martinet-init")
        try writeAll(
            open("\(rootfs)/bin/true", [.writeOnly, .create], mode: 0o755), try readAll(program, limit: 64 << 20))
        try writeAll(open("\(root)/secret", [.writeOnly, .create], mode: 0o600), Array("hunter2\n".utf8))
        try writeAll(open("\(root)/file", [.writeOnly, .create], mode: 0o644), Array("shown\n".utf8))
    }

    func launcher(_ fault: FaultInjection? = nil) -> Launcher {
        var options = Launcher.Options(callerEnvironment: ["CALLER_SECRET": "swordfish"], fault: fault)
        options.stateDirectory = state
        options.filterCache = "\(state)/filters"
        return Launcher(options: options)
    }

    /// A spec without a terminal that asks for everything else that the host's root takes.
    func fullSpec(command: [String] = ["/bin/true"]) throws -> SandboxSpec {
        var spec = SandboxSpec()
        spec.name = try SandboxName("full")
        spec.command = command
        spec.groups = [44]
        spec.binds = [
            try BindMount("\(root)/shown:/data/inner/shown"), try BindMount("\(root)/file:/data/file:ro"),
        ]
        spec.workspace = workspace
        spec.tmpfs = [try TmpfsMount("/scratch:1MiB")]
        spec.limits.memory = .value(ByteCount(bytes: 64 << 20))
        spec.limits.cpus = .value(try CPUCount("0.5"))
        spec.limits.pids = .value(32)
        spec.limits.timeout = .seconds(60 * Patience.factor)
        spec.limits.rlimits = [try ResourceLimit("core=0")]
        spec.capabilities = [try CapabilityName("net_bind_service")]
        spec.timeOffsets = TimeOffsets(monotonic: .seconds(3600), boottime: .seconds(3600))
        spec.secrets = [
            try SecretReference("CALLER_SECRET", delivery: .environment),
            try SecretReference("FILED=@\(root)/secret", delivery: .file),
        ]
        return spec
    }

    /// As much of it as a user without subordinate ids and cgroups of their own may ask for.
    func unprivilegedSpec(command: [String] = ["/bin/true"]) throws -> SandboxSpec {
        var spec = try fullSpec(command: command)
        spec.groups = []
        spec.limits.memory = nil
        spec.limits.cpus = nil
        spec.limits.pids = nil
        return spec
    }

    /// The instructions that `fullSpec` has not: an overlay's, a terminal's, of a sandbox that outlives its launcher.
    func overlaySpec(command: [String] = ["/bin/true"]) throws -> SandboxSpec {
        var spec = SandboxSpec()
        spec.command = command
        spec.rootfs = .directory(rootfs)
        spec.overlay = "\(root)/overlay"
        // In an image, where there are loop devices.
        if mayAccess("/dev/loop-control", .write) { spec.limits.disk = ByteCount(bytes: 4 << 20) }
        spec.devices = [try DeviceMount("/dev/full:/dev/given")]
        spec.readOnly = true
        spec.terminal = true
        spec.linger = true
        spec.workspace = workspace
        return spec
    }
}

/// Makes this process an ordinary user's for good. The user has no subordinate ids. setresuid(2)
func becomeNobody() {
    #expect(setgroups(0, nil) == 0)
    #expect(setresgid(65534, 65534, 65534) == 0)
    #expect(setresuid(65534, 65534, 65534) == 0)
    // Or /proc/self would be root's from here on. proc(5)
    #expect(mt_syscall(Int(SYS_prctl), Int(PR_SET_DUMPABLE), 1, 0, 0, 0, 0) == 0)
}

/// Three standard streams on /dev/null.
func withQuietStreams<Value: ~Copyable>(_ body: (StandardStreams) throws -> Value) throws -> Value {
    let null = try open("/dev/null", .readWrite)
    return try body(StandardStreams(input: null.rawValue, output: null.rawValue, error: null.rawValue))
}
