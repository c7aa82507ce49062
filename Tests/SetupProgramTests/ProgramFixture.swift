// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import SetupProgram

/// Builds what the engine would have gathered for a spec, on a machine that is always the same.
struct ProgramFixture {
    /// Who starts the sandbox, which decides how the host's trees are passed and which ids exist.
    enum Launcher {
        /// Root: trees are detached copies, passed as descriptors; 65,536 ids.
        case privileged
        /// A user with subordinate ids: trees are paths that init copies itself.
        case range
        /// A user without them: paths, and the one id there is.
        case single
    }

    let spec: SandboxSpec
    let launcher: Launcher
    private(set) var inputs: LaunchInputs
    private var nextInode: UInt64 = 100

    /// The value of every secret; no printed program may hold it.
    static let secretValue = "correct-horse-battery-staple"

    init(_ spec: SandboxSpec, _ launcher: Launcher) throws {
        self.spec = spec
        self.launcher = launcher
        var uid: UInt32 = 1000
        var gid: UInt32 = 1000
        if case .number(let number) = spec.user?.user { (uid, gid) = (number, number) }
        if case .number(let number) = spec.user?.group { gid = number }
        let identity = AgentIdentity(
            uid: uid, gid: gid, groups: spec.groups, name: uid == 0 ? "root" : "agent", home: "/home/agent")
        inputs = LaunchInputs(identity: identity, root: .host(trees: [], symlinks: []))
        if !spec.terminal {
            let slots = ["standard input", "standard output", "standard error"].map { pass($0) }
            inputs.standardDescriptors = StandardDescriptors(input: slots[0], output: slots[1], error: slots[2])
        }
        if spec.isolation == .landlock {
            addHostPaths()
            addConfinement()
            return
        }
        addRoot()
        for name in ["null", "zero"] {
            inputs.devices.append(tree("/dev/\(name)", on: "/dev/\(name)", isDirectory: false, readOnly: false))
        }
        for (index, device) in spec.devices.enumerated() {
            let made = launcher == .privileged
            inputs.namedDevices.append(
                DeviceInput(
                    source: made ? .made("\(index)") : .bound(source(device.path)), target: device.target.text))
        }
        if launcher == .privileged, !spec.devices.isEmpty {
            inputs.deviceNodes = pass("nodes of \(spec.devices.map(\.path).joined(separator: ", "))")
        }
        for bind in spec.binds {
            let isDirectory = !(bind.source.split(separator: "/").last ?? "").contains(".")
            inputs.binds.append(
                tree(bind.source, on: bind.target.text, isDirectory: isDirectory, readOnly: bind.readOnly))
        }
        if let workspace = spec.workspace { inputs.workspace = source(workspace) }
        inputs.generated = [
            FileInput(path: "/etc/hostname", contents: "\(spec.effectiveHostname)\n"),
            FileInput(path: "/etc/resolv.conf", contents: ""),
        ]
        addConfinement()
        if launcher == .privileged, spec.limits.memory?.value != nil {
            inputs.cgroups = [pass("cgroup tasks"), pass("cgroup tasks")]
        }
        if spec.limits.memory?.value != nil { inputs.memoryEvent = pass("out-of-memory event") }
        if launcher == .privileged { _ = pass("id range lock") }
    }

    private mutating func pass(_ name: String) -> Slot {
        let slot = Slot(inputs.descriptorCount)
        inputs.descriptorCount += 1
        inputs.slotNames[slot] = name
        return slot
    }

    private mutating func source(_ path: String, _ attributes: String = "nosuid,nodev") -> TreeSource {
        // The engine's copies have their attributes already.
        if launcher == .privileged { return .descriptor(pass("\(path) \(attributes)")) }
        nextInode += 1
        return .path(path, device: 0x801, inode: nextInode)
    }

    private mutating func tree(_ path: String, on target: String, isDirectory: Bool, readOnly: Bool = true) -> TreeInput
    {
        TreeInput(
            source: source(path, readOnly ? "ro,nosuid,nodev" : "nosuid,nodev"), target: target,
            isDirectory: isDirectory, readOnly: readOnly)
    }

    /// Without namespaces: what may be reached comes as descriptors.
    private mutating func addHostPaths() {
        if launcher == .privileged { (inputs.identity.uid, inputs.identity.gid) = (1_879_049_192, 1_879_049_192) }
        inputs.identity.home = "/tmp/martinet-1-x/home"
        inputs.workdir = spec.workdir?.text ?? spec.workspace ?? inputs.identity.home
        if spec.terminal { inputs.terminal = pass("terminal") }
        if launcher == .privileged {
            inputs.cgroups = [pass("cgroup tasks")]
            inputs.locks = [pass("id lock")]
        }
    }

    private mutating func addRoot() {
        switch spec.rootfs {
        case .host:
            inputs.root = .host(
                trees: [
                    tree("/usr", on: "/usr", isDirectory: true),
                    tree("/etc/ld.so.cache", on: "/etc/ld.so.cache", isDirectory: false),
                ],
                symlinks: [
                    SymlinkInput(path: "/bin", target: "usr/bin"), SymlinkInput(path: "/lib", target: "usr/lib"),
                ])
        case .directory(let path):
            let lower = source(path, "ro,nosuid,nodev,id-mapped")
            inputs.root = .directory(lower: lower, upper: spec.overlay.map { source($0) })
        }
    }

    private mutating func addConfinement() {
        inputs.environment = ["PATH=/usr/bin:relative:/bin", "HOME=/home/agent"]
        inputs.environment += spec.environment.map(\.description)
        for secret in spec.secrets {
            let input = SecretInput(
                name: secret.name, value: Array(Self.secretValue.utf8), asFile: secret.delivery == .file)
            inputs.secrets.append(input)
            if input.asFile { continue }
            inputs.environment.append("\(secret.name)=\(Self.secretValue)")
            inputs.secretNames.insert(secret.name)
        }
        if spec.seccomp == .default {
            // BPF_RET | BPF_K, SECCOMP_RET_ALLOW, twice.
            inputs.filter = [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f, 0x06, 0, 0, 0, 0, 0, 0xff, 0x7f]
            inputs.filterName = "default"
        }
        if spec.landlock != .off { addLandlock() }
        inputs.capabilities = spec.capabilities.reduce(0) { $0 | 1 << UInt64($1.number) }
        // No pids cgroup holds the limit of a user without delegation.
        if launcher == .single { inputs.processLimit = spec.limits.pids?.value ?? 512 }
    }

    /// As on a kernel with ABI 7.
    private mutating func addLandlock() {
        var landlock = LandlockInputs(handledFiles: 0xffff, read: 0xd, change: 0x77b2, write: 0x4002, control: 0x8002)
        if spec.network == .host || spec.join.contains(where: { $0.type == .network }) { landlock.scopes = 1 }
        if spec.audit { landlock.restrictFlags = 2 }
        if spec.isolation == .landlock {
            (landlock.handledNetwork, landlock.scopes) = (spec.network == .host ? 0 : 3, 3)
            let paths: [(String, UInt64)] = [
                ("/usr", landlock.read), ("/etc/passwd", 0x4), ("/dev/null", 0x8006),
                (inputs.identity.home, landlock.read | landlock.change),
            ]
            for (path, access) in paths { landlock.descriptors.append(.init(pass(path), access: access)) }
            if let workspace = spec.workspace {
                landlock.descriptors.append(.init(pass(workspace), access: landlock.read | landlock.change))
            }
        }
        inputs.landlock = landlock
    }

    /// The program, after `change` has had its way with what was gathered.
    func program(
        unifiedCgroups: Bool = false, switchesTimeNamespaceAtExec: Bool = true,
        change: (inout LaunchInputs) -> Void = { _ in }
    ) -> SetupProgram {
        var inputs = inputs
        change(&inputs)
        var host = HostFacts(
            mapsRange: launcher != .single, lastCapability: 40, unifiedCgroups: unifiedCgroups,
            switchesTimeNamespaceAtExec: switchesTimeNamespaceAtExec)
        host.changesIdentity = spec.isolation == .namespaces || launcher == .privileged
        return SetupProgram(spec: spec, inputs: inputs, host: host)
    }
}

extension SetupProgram {
    /// Without what is for printing only and does not travel.
    var onTheWire: SetupProgram {
        var program = self
        program.slotNames = [:]
        program.instructions = instructions.map { instruction in
            switch instruction {
            case .writeFile(let path, let mode, let uid, let gid, let contents, _):
                .writeFile(path: path, mode: mode, uid: uid, gid: gid, contents: contents)
            case .installFilter(let flags, let instructions, _):
                .installFilter(flags: flags, instructions: instructions)
            case .execute(let arguments, let environment, let path, _):
                .execute(arguments: arguments, environment: environment, searchPath: path)
            default: instruction
            }
        }
        return program
    }

    func encodedForTest() throws -> [UInt8] {
        try encoded(
            launcherMountNamespace: NamespaceIdentity(device: 4, inode: 4_026_531_841),
            launcherUserNamespace: NamespaceIdentity(device: 4, inode: 4_026_531_837))
    }
}
