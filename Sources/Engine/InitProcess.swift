// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram

/// Init as its launcher holds it: cloned, then executing, then on the other side of the record socket.
struct InitProcess: ~Copyable {
    private let memory: UnsafeMutableRawPointer
    let pid: Int32
    /// Process descriptor.
    let process: Descriptor
    let socket: Descriptor
    /// Both ends: writing to a child that has ended is then no SIGPIPE of the launcher's.
    private var gate: Pipe?
    private var isReaped = false
    /// Whether init must end by itself, since it has no PID namespace that would end what it started.
    private let endsItself: Bool
    private var isReleased = false

    private static let stackSize = 65536
    private static let size = 4096 + stackSize
    private var launch: UnsafeMutablePointer<mt_launch> { memory.assumingMemoryBound(to: mt_launch.self) }

    struct Request {
        /// Namespaces made with the process, besides those it makes itself.
        var cloneFlags: UInt64
        var unshareFlags: UInt64
        var mapsRange: Bool
        /// Without a user namespace: init stays who the launcher is.
        var keepsIdentity = false
        var clearsGroups: Bool
        var lastCapability: UInt32
        /// Whose the new user namespace is to be: a uid of the sandbox's own, where there is one.
        var owner: UInt32?
        var cgroup: Int32?
        var fault: FaultInjection?
    }

    /// Clones init into its namespaces. It waits there until `release`.
    init(_ request: Request, joining joins: borrowing DescriptorTable) throws(EngineError) {
        try request.fault.check(.openInit)
        let program = try InitBinary.open()
        let null = try launching { () throws(SystemError) in try open("/dev/null", .readWrite) }
        try request.fault.check(.makeSockets)
        let sockets = try launching { () throws(SystemError) in try RecordSockets() }
        let pipe = try launching { () throws(SystemError) in try Pipe() }
        let memory = try SharedMapping.allocate(Self.size)
        let launch = memory.bindMemory(to: mt_launch.self, capacity: 1)
        launch.pointee.clone_flags = request.cloneFlags
        launch.pointee.unshare_flags = request.unshareFlags
        launch.pointee.cgroup = request.cgroup ?? -1
        launch.pointee.`init` = program.rawValue
        launch.pointee.socket = sockets.far.rawValue
        launch.pointee.null = null.rawValue
        launch.pointee.release = pipe.reader.rawValue
        let identity =
            request.keepsIdentity ? MT_IDENTITY_CALLER : request.mapsRange ? MT_IDENTITY_ROOT : MT_IDENTITY_AMBIENT
        launch.pointee.identity = Int32(identity.rawValue)
        launch.pointee.clears_groups = request.clearsGroups ? 1 : 0
        launch.pointee.last_capability = request.lastCapability
        launch.pointee.has_owner = request.owner == nil ? 0 : 1
        launch.pointee.owner = request.owner ?? 0
        (launch.pointee.fail_stage, launch.pointee.fail_errno) = request.fault.stage
        launch.pointee.join_count = Int32(joins.count)
        withUnsafeMutableBytes(of: &launch.pointee.joins) { bytes in
            for (index, raw) in joins.rawValues.enumerated() {
                bytes.storeBytes(of: raw, toByteOffset: index * 4, as: Int32.self)
            }
        }
        let old = setSignalMask(.all)
        let result = mt_launch_start(launch, memory + 4096, Self.stackSize)
        setSignalMask(old)
        guard result == 0 else {
            let error = Self.error(launch.pointee.stage, launch.pointee.error, request.keepsIdentity)
            SharedMapping.free(memory, Self.size)
            throw error
        }
        self.memory = memory
        endsItself = request.keepsIdentity
        pid = launch.pointee.pid
        process = Descriptor(owning: launch.pointee.pidfd)
        socket = sockets.intoNear()
        gate = .some(consume pipe)
    }

    /// Lets init go on: its id maps are written.
    ///
    /// - Parameter awaitingExecution: whether to wait until the child is init, in memory of its own, or has ended.
    mutating func release(awaitingExecution: Bool = false) throws(EngineError) {
        guard let gate = gate.take() else { return }
        isReleased = true
        try launching { () throws(SystemError) in try writeAll(gate.writer, [1]) }
        guard awaitingExecution else { return }
        // The child's end is close-on-exec: when it goes, and it is the last one, the pipe has no reader any more.
        let writer = gate.intoWriter()
        _ = try launching { () throws(SystemError) in try poll([(writer.rawValue, [])], milliseconds: 10_000) }
    }

    /// Why the child ended before init ran, if that is so.
    ///
    /// Where it found the launcher's pipe at its end, the launcher had its own reason, and that is the one.
    var childError: EngineError? {
        let letDown = launch.pointee.stage == Int32(MT_STAGE_RELEASE.rawValue) && launch.pointee.error == EPIPE
        return launch.pointee.stage == 0 || letDown
            ? nil : Self.error(launch.pointee.stage, launch.pointee.error, endsItself)
    }

    /// Waits for init's end; with it, the kernel has ended everything in its PID namespace.
    mutating func reap() throws(EngineError) -> ExitStatus {
        isReaped = true
        do throws(SystemError) { return try LinuxKernel.reap(pid) } catch {
            // Where this process ignores SIGCHLD the kernel has reaped. What counts is what init said.
            if error.errno == .noChild { return .exited(0) }
            throw EngineError(error)
        }
    }

    /// Lets init live on without this process.
    mutating func letGo() { isReaped = true }

    /// Ends init, and with it everything inside; waits as long as init takes for that where it must do it itself.
    func end() {
        if endsItself, isReleased {
            // What init reads then is that its launcher is gone.
            _ = try? shutDown(socket)
            _ = try? poll([(process.rawValue, .readable)], milliseconds: 30_000)
        }
        _ = try? sendSignal(SIGKILL, to: process)  // gone already is as good
    }

    deinit {
        if !isReaped {
            end()
            _ = try? LinuxKernel.reap(pid)
        }
        SharedMapping.free(memory, Self.size)
    }

    private static func error(_ stage: Int32, _ errno: Int32, _ isWithoutNamespaces: Bool) -> EngineError {
        let errno = Errno(rawValue: errno)
        let (action, hint): (String, String?) =
            switch mt_launch_stage(UInt32(stage)) {
            case MT_STAGE_CLONE where isWithoutNamespaces: ("clone3", cloneHint(errno))
            case MT_STAGE_OWNER: ("become the owner of the user namespace", nil)
            case MT_STAGE_CLONE: ("clone3 with a new user and PID namespace", cloneHint(errno))
            case MT_STAGE_HELPER: ("clone3 for joining namespaces", nil)
            case MT_STAGE_JOIN: ("setns into a namespace to join", "joining takes the privileges of its owner")
            case MT_STAGE_DESCRIPTORS: ("arrange init's descriptors", nil)
            case MT_STAGE_UNSHARE: ("unshare mount, network, UTS and IPC namespaces", cloneHint(errno))
            case MT_STAGE_RELEASE: ("wait for the id maps", nil)
            case MT_STAGE_SET_IDS: ("become root of the user namespace", nil)
            case MT_STAGE_CAPABILITIES: ("raise ambient capabilities", nil)
            case MT_STAGE_EXECUTE: ("execute martinet-init", nil)
            default: ("launch", nil)
            }
        return EngineError(.launchFailed, "\(action): \(errno)", hint: hint)
    }

    private static func cloneHint(_ errno: Errno) -> String? {
        switch errno {
        case .noSpace:
            "user namespaces are used up or forbidden: sysctl user.max_user_namespaces=15000; "
                + "or --isolation landlock, which does without them"
        case .notPermitted, .permissionDenied:
            "this kernel forbids unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1 (Debian), "
                + "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); or --isolation landlock, which does without them"
        case .again: "the limit of processes is reached: ulimit -u, or the pids limit of the caller's cgroup"
        default: nil
        }
    }
}
