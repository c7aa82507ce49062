// SPDX-License-Identifier: Apache-2.0
import CLinux
import Confinement
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage
import TestHost
import Testing

@testable import Engine

private let hasLandlock: Bool = if case .abi = LandlockSupport.probe() { true } else { false }

/// Launching without namespaces: what is refused, what is told, and that the two kinds of init are not to be confused.
@Suite(.enabled(if: hasLandlock, "this kernel has no Landlock"), .serialized)
struct LandlockLaunchTests {
    private static func spec(_ ground: TestGround? = nil, command: [String] = ["/bin/true"]) throws -> SandboxSpec {
        var spec = SandboxSpec()
        spec.isolation = .landlock
        spec.command = command
        if let ground { spec.binds = [try BindMount("\(ground.root)/shown:\(ground.root)/shown:ro")] }
        return spec
    }

    private static func refusal(_ spec: SandboxSpec, _ ground: TestGround) -> EngineError? {
        do throws(EngineError) { _ = try ground.launcher().explain(spec) } catch { return error }
        return nil
    }

    // MARK: What is refused

    @Test func `without mounts nothing is shown anywhere but where it is`() throws {
        try TestGround.with { ground in
            var spec = try Self.spec()
            spec.binds = [try BindMount("\(ground.root)/shown:/elsewhere")]
            let refusal = Self.refusal(spec, ground)
            #expect(refusal?.code == .unavailable)
            #expect(
                refusal?.message.hasPrefix("bind[0]: without mounts \(ground.root)/shown is shown where it is") == true)
            #expect(refusal?.hint == "write \(ground.root)/shown:\(ground.root)/shown")
            spec.binds = [try BindMount("\(ground.root)/shown:\(ground.root)/shown:ro")]
            #expect(Self.refusal(spec, ground) == nil)
            spec.binds = [try BindMount("/nonexistent:/nonexistent")]
            #expect(Self.refusal(spec, ground)?.code == .invalidSpec)
        }
    }

    @Test func `nothing is read-only in what may be changed`() throws {
        try TestGround.with { ground in
            try makeDirectory("\(ground.root)/shown/inner")
            var spec = try Self.spec()
            spec.binds = try ["\(ground.root)/shown", "\(ground.root)/shown/inner"].enumerated().map {
                try BindMount("\($0.element):\($0.element)\($0.offset == 1 ? ":ro" : "")")
            }
            let refusal = Self.refusal(spec, ground)
            #expect(refusal?.code == .unavailable)
            #expect(refusal?.message.hasPrefix("bind[1]: \(ground.root)/shown/inner cannot be read-only") == true)
            // The other way round is what rules are for.
            spec.binds = try [
                "\(ground.root)/shown:\(ground.root)/shown:ro", "\(ground.root)/shown/inner:\(ground.root)/shown/inner",
            ]
            .map { try BindMount($0) }
            #expect(Self.refusal(spec, ground) == nil)
        }
    }

    @Test func `what guards a workspace is not to be undone by another rule about it`() throws {
        try TestGround.with { ground in
            try changeMode(open(ground.workspace), 0o777)
            var spec = try Self.spec()
            spec.workspace = ground.workspace
            spec.binds = [try BindMount("\(ground.root):\(ground.root):ro")]
            let refusal = Self.refusal(spec, ground)
            #expect(refusal?.code == .unavailable)
            #expect(refusal?.message == "workspace: bind[0] shows it as well, guarded files and all")
            #expect(refusal?.hint?.contains("--no-builtin-guards") == true)
            spec.builtinGuards = false
            #expect(Self.refusal(spec, ground) == nil)
        }
    }

    @Test func `a Unix socket is reached only where Landlock tells it from others`() throws {
        try TestGround.with { ground in
            let sockets = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(sockets) }
            let path = "\(ground.root)/shown/socket"
            var address = sockaddr_un()
            address.sun_family = UInt16(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            let bound = withUnsafePointer(to: &address) {
                mt_syscall(Int(SYS_bind), Int(sockets), Int(bitPattern: $0), MemoryLayout<sockaddr_un>.size, 0, 0, 0)
            }
            try #require(bound == 0)
            var spec = try Self.spec()
            spec.binds = [try BindMount("\(path):\(path)")]
            var launcher = ground.launcher()
            launcher.options.landlock = .abi(8)
            let error = #expect(throws: EngineError.self) { try launcher.explain(spec) }
            #expect(error?.message.contains("a Unix socket cannot be reached") == true)
            launcher.options.landlock = .abi(9)
            #expect(try launcher.explain(spec).text.contains("(\(path)) resolve_unix\n"))
        }
    }

    @Test func `a kernel without Landlock has nothing to isolate with`() throws {
        try TestGround.with { ground in
            var launcher = ground.launcher()
            launcher.options.landlock = .notEnabled
            let error = #expect(throws: EngineError.self) { try launcher.explain(Self.spec()) }
            #expect(error?.code == .unavailable)
            #expect(error?.hint?.contains("lsm=landlock") == true)
        }
    }

    // MARK: What is told

    private static func missing(_ abi: UInt32, shares: Bool, filter: Bool = true, network: NetworkMode = .none)
        -> String
    {
        var spec = SandboxSpec()
        spec.isolation = .landlock
        spec.network = network
        var inputs = LaunchInputs(
            identity: AgentIdentity(uid: 1, gid: 1, name: "a", home: "/"), root: .host(trees: [], symlinks: []))
        if filter { inputs.filter = [1] }
        return LandlockMissing(spec: spec, inputs: inputs, alone: LandlockAlone(abi: abi, sharesIdentity: shares)).words
            .joined(separator: "\n")
    }

    @Test func `what is missing is told by version, identity and filter`() {
        #expect(Self.missing(7, shares: false).contains("no PID namespace"))
        #expect(!Self.missing(7, shares: false).contains("uid"))
        #expect(
            Self.missing(7, shares: true).contains(
                "the uid and groups of a: modes and times of that user's other files"))
        #expect(!Self.missing(7, shares: true).contains("signals"))
        #expect(Self.missing(5, shares: true).contains("signals reach other processes of a"))
        #expect(!Self.missing(5, shares: false).contains("signals"))
        #expect(Self.missing(7, shares: false, filter: false).contains("TCP is refused, but by MPTCP"))
        #expect(Self.missing(7, shares: false, filter: false).contains("Unix sockets can be reached"))
        #expect(!Self.missing(9, shares: false, filter: false).contains("Unix sockets can be reached"))
        #expect(!Self.missing(7, shares: false, network: .host).contains("none can be used"))
    }

    @Test func `the launcher tells it before anything runs, and the sandbox while it does`() throws {
        try TestGround.with { ground in
            let spec = try Self.spec()
            let told = try ground.launcher().missing(spec)
            #expect(told.contains { $0.hasPrefix("no PID namespace") })
            var sandbox = try withQuietStreams { try ground.launcher().start(spec, streams: $0) }
            #expect(sandbox.confinement.isolation == .landlock)
            #expect(sandbox.confinement.namespaces == [])
            #expect(sandbox.confinement.landlock == sandbox.landlockLevel.abi)
            #expect(sandbox.confinement.missing.contains { $0.hasPrefix("no PID namespace") })
            sandbox.abandon()
            var plain = spec
            plain.isolation = .namespaces
            #expect(try ground.launcher().missing(plain) == [])
        }
    }

    // MARK: Two kinds of init

    /// Starts init in one way and sends it a program of either kind; returns what it fails with.
    private static func answer(
        _ request: InitProcess.Request, _ instructions: [Instruction], _ mode: ProgramMode
    ) throws -> (index: UInt32, errno: Int32)? {
        let process = try InitProcess(request, joining: DescriptorTable())
        var sandbox = RunningSandbox(process: process, belongings: Belongings(), spec: SandboxSpec())
        let program = SetupProgram(instructions: instructions, descriptorCount: 0, slotCount: 0, mode: mode)
        if !request.keepsIdentity {
            let pid = sandbox.process.pid
            let mapping = IdentityMapping(kind: .ownRange(base: 0x7000_0000), lock: nil)
            try mapping.write(for: pid, agentUID: 1000, agentGID: 1000, probe: HostProbe.probe())
        }
        try sandbox.process.release()
        try sandbox.send(program, descriptors: DescriptorTable())
        let event = try sandbox.nextEvent()
        sandbox.abandon()
        guard case .failed(let index, let errno) = event else { return nil }
        return (index, errno)
    }

    private static let inNamespaces = InitProcess.Request(
        cloneFlags: KernelConstant.CLONE_NEWUSER | KernelConstant.CLONE_NEWPID,
        unshareFlags: KernelConstant.CLONE_NEWNS, mapsRange: true, clearsGroups: true, lastCapability: 40)
    private static let withoutNamespaces = InitProcess.Request(
        cloneFlags: 0, unshareFlags: 0, mapsRange: false, keepsIdentity: true, clearsGroups: false, lastCapability: 40)

    private static let areForbidden = ((try? readText("/proc/sys/user/max_user_namespaces")) ?? nil) == "0\n"

    @Test(
        .enabled(if: isRoot, "a range of ids is root's to map"),
        .enabled(if: !areForbidden, "user namespaces are forbidden here"))
    func `PID 1 of new namespaces refuses a program without them`() throws {
        try TestGround.with { _ in
            let answer = try Self.answer(Self.inNamespaces, [.fail(errno: 42)], .subreaper)
            #expect(answer?.index == RecordLayout.noInstruction && answer?.errno == EPERM)
            // The other kind it takes.
            let taken = try Self.answer(Self.inNamespaces, [.fail(errno: 42)], .namespaces)
            #expect(taken?.index == 0 && taken?.errno == 42)
        }
    }

    @Test func `an init of the host's refuses a program for namespaces, and does nothing of it`() throws {
        try TestGround.with { _ in
            let answer = try Self.answer(Self.withoutNamespaces, [.setHostname("martinet-canary")], .namespaces)
            #expect(answer?.index == RecordLayout.noInstruction && answer?.errno == EPERM)
            let taken = try Self.answer(Self.withoutNamespaces, [.fail(errno: 42)], .subreaper)
            #expect(taken?.index == 0 && taken?.errno == 42)
            #expect(try readText("/proc/sys/kernel/hostname") != "martinet-canary\n")
        }
    }

    @Test func `an init of the host's runs no instruction that could change the host`() throws {
        try TestGround.with { ground in
            let harmful: [Instruction] = [
                .unshareNamespaces(flags: 0), .setHostname("martinet-canary"), .raiseLoopback,
                .setPropagation(flags: 0), .createFileSystem(Slot(0), type: "tmpfs", options: [], attributes: 0),
                .cloneTree(Slot(0), path: "/"), .attachRoot(Slot(0)), .pivotRoot, .detachOldRoot,
                .makeDirectory(path: "\(ground.root)/made", mode: 0o755, uid: 0, gid: 0),
                .writeFile(path: "\(ground.root)/made", mode: 0o644, uid: 0, gid: 0, contents: []),
                .makeSymlink(path: "\(ground.root)/made", target: "x"), .makeMask(path: "\(ground.root)/made"),
                .writeControlFile(path: "/proc/sys/kernel/hostname", text: "martinet-canary"), .outliveLauncher,
                .setRootAttributes(set: 1, clear: 0), .unmount(path: "\(ground.root)/nothing"),
                .landlock(.allowPath(ruleset: Slot(0), path: "/", access: 1)),
            ]
            for instruction in harmful {
                let answer = try Self.answer(Self.withoutNamespaces, [instruction], .subreaper)
                #expect(answer?.index == 0 && answer?.errno == EBADMSG, "\(instruction)")
            }
            #expect(try status(of: "\(ground.root)/made") == nil)
        }
    }

    // MARK: Leaving nothing

    @Test func `the agent's own directory goes with it, however it was left`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            try TestGround.with { ground in
                let script = """
                    cd "$TMPDIR" && i=0; while [ $i -lt 300 ]; do mkdir d && cd d || exit 1; i=$((i+1)); done
                    cd "$HOME"; mkdir closed; touch closed/file; ln -s / link; mkfifo fifo; chmod 0 closed; chmod 0 .
                    """
                var spec = try Self.spec(command: ["/bin/sh", "-c", script])
                spec.limits.timeout = .seconds(30 * Patience.factor)
                try expectNoLeak(ground, "own directory") {
                    let before = try privateDirectories()
                    let verdict = try withQuietStreams { try ground.launcher().start(spec, streams: $0).wait() }
                    #expect(verdict.exitStatus == 0)
                    #expect(try privateDirectories() == before)
                }
            }
        }
    }

    @Test func `a failure at each step and instruction leaves nothing`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            try TestGround.with { ground in
                try changeMode(open(ground.workspace), 0o777)
                var spec = try Self.spec(ground)
                spec.limits.timeout = .seconds(60 * Patience.factor)
                spec.workspace = ground.workspace
                // An ordinary user who asks for no limit has no cgroup.
                try failEverywhere(spec, ground, LaunchStep.allCases.filter { isRoot || $0 != .makeCgroup })
            }
        }
    }

    @Test(.enabled(if: isRoot, "root becomes an ordinary user"))
    func `a failure at each step and instruction of an ordinary user's launch leaves nothing`() async {
        await #expect(processExitsWith: .success) {
            LeakCheck.adoptOrphans()
            becomeNobody()
            try TestGround.with { ground in
                var spec = try Self.spec(ground)
                spec.workspace = ground.workspace
                try failEverywhere(spec, ground, LaunchStep.allCases.filter { $0 != .makeCgroup })
            }
        }
    }
}

private func privateDirectories() throws -> [String] {
    // martinet-PID-…, with this process's number.
    try entries(of: open("/tmp", .directory)).map(\.name).filter { $0.hasPrefix("martinet-\(processID())-") }
}

/// Each failure is told, and leaves neither what every launch could leave nor a directory of the agent's.
private func failEverywhere(_ spec: SandboxSpec, _ ground: TestGround, _ steps: [LaunchStep]) throws {
    let notTaken: Set<LaunchStep> = [.writeIdentityMaps, .openRoot, .openOverlay, .makePlaceholders]
    let launched = try withQuietStreams { try ground.launcher().start(spec, streams: $0) }
    let sent = launched.program
    let program = try #require(sent)
    _ = try launched.wait()
    var faults = steps.filter { !notTaken.contains($0) }.map { FaultInjection.step($0, errno: EUCLEAN) }
    faults += program.instructions.indices.map { .instruction($0, errno: EUCLEAN) }
    faults += [MT_STAGE_CLONE, MT_STAGE_DESCRIPTORS, MT_STAGE_RELEASE, MT_STAGE_EXECUTE].map {
        .stage(Int32($0.rawValue), errno: EUCLEAN)
    }
    #expect(faults.count > 45)
    for fault in faults {
        expectNoLeak(ground, "\(fault)") {
            let error = #expect(throws: EngineError.self, "\(fault)") {
                try withQuietStreams { _ = try ground.launcher(fault).start(spec, streams: $0) }
            }
            #expect(error?.message.hasSuffix("structure needs cleaning (EUCLEAN)") == true, "\(fault): \(error as Any)")
            #expect((try? privateDirectories()) == [])
        }
    }
}
