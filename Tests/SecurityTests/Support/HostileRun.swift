// SPDX-License-Identifier: Apache-2.0
import Foundation

/// One start of a sandbox from a hostile root file system, with options at random, and where on the host it may write.
struct HostileRun {
    let caller: Caller
    private(set) var options: [String] = []
    /// Host directories that it may show, as it was told to.
    private(set) var shown: [String]
    /// Paths of the host that it may change: what it keeps there by design.
    private(set) var writable = ["/dev/null", "/dev/ptmx", "/run/martinet"]
    private var numbers: SeededNumbers

    init(tree: HostileTree, caller: Caller, ground: HostileGround) {
        self.caller = caller
        numbers = SeededNumbers(seed: UInt64(tree.number) << 1 | (caller == .root ? 0 : 1) | 1 << 40)
        shown = [tree.path, AttackPrograms.directory, ground.paths]
        options = [
            "--name", LeakCheck.sandboxName, "--rootfs", tree.path, "--timeout", "20s",
            "-v", "\(AttackPrograms.directory):\(AttackPrograms.target):ro", "-v", "\(ground.paths):/paths:ro",
        ]
        addIdentity()
        addFiles(tree, ground)
    }

    /// The whole command line.
    func command(token: String) -> [String] {
        let program = options.contains("PATH=/usr/bin:/attack") ? "hostile" : "\(AttackPrograms.target)/hostile"
        return caller.prefix + [CommandLineProgram.path, "run"] + options + ["--", program, "/paths", token]
    }

    /// Whether a mount's root, as a file system's own root names it, is something that was asked for, or is in it. The file
    /// system may be mounted on the host below its root: on /tmp, say.
    func shows(_ root: String) -> Bool {
        shown.contains { path in
            [path, String(path.dropFirst().drop { $0 != "/" })].contains { root == $0 || root.hasPrefix("\($0)/") }
        }
    }

    private mutating func addIdentity() {
        switch Int.random(in: 0..<6, using: &numbers) {
        case 0:
            options += ["--user", numbers.pick(["agent", caller == .root ? "agent:extra" : "agent", "agent:agent"])]
        case 1: options += ["--user", numbers.pick(["0", "1000:1000", "1234", "mallory", "65534:0", "\u{1b}[2J"])]
        default: break
        }
        if numbers.once(in: 6) { options += ["-t"] }
        if numbers.once(in: 8) { options += ["--read-only"] }
        if numbers.once(in: 10) { options += ["-e", "PATH=/usr/bin:/attack"] }
        if numbers.once(in: 10) { options += ["--net", "host"] }
        if numbers.once(in: 10) { options += ["--landlock", "off"] }
    }

    private mutating func addFiles(_ tree: HostileTree, _ ground: HostileGround) {
        if numbers.once(in: 4) {
            options += ["--workdir", numbers.once(in: 2) ? numbers.pick(ground.places) : "/"]
        }
        if numbers.once(in: 2) {
            options += ["--workspace", ground.workspace]
            shown.append(ground.workspace)
            writable.append(ground.workspace)
            if numbers.once(in: 3) { options += ["--protect", "kept/*", "--hide", "**/secret"] }
            if numbers.once(in: 4) { options += ["--no-builtin-guards"] }
        }
        let targets = ["/data", "/data/inner", "/data/new/deep", "/etc/passwd", "/home/agent/x", "/var/lib/x", "/opt"]
        for _ in 0..<Int.random(in: 0...2, using: &numbers) {
            let target = numbers.pick(targets + [numbers.pick(ground.places)])
            guard !options.contains(where: { $0.contains(":\(target)") }) else { continue }  // refused before any start
            let source = target.hasPrefix("/etc/") ? ground.file : ground.data
            options += ["-v", "\(source):\(target)" + numbers.pick(["", ":ro", ":rw"])]
            shown.append(source)
        }
        if numbers.once(in: 5) { options += ["--tmpfs", numbers.pick(["/scratch:1MiB", "/data/tmp", "/var/cache"])] }
        if numbers.once(in: 4) { options += ["--secret-file", "KEY=@\(ground.file)"] }
        if numbers.once(in: 6), caller == .root { options += ["--device", "/dev/full:/dev/given"] }
        if numbers.once(in: 5) {
            let overlay = ground.overlay(of: caller)
            options += ["--overlay", overlay]
            shown.append(overlay)
            writable.append(overlay)
        }
    }
}

/// What all hostile starts share.
struct HostileGround {
    let canaries = HostCanaries()
    let workspace = TemporaryTree.makeDirectory("workspace")
    let data = TemporaryTree.makeDirectory("data")
    let trees = TemporaryTree.makeDirectory("trees")
    let file: String
    /// The paths that a sandbox touches in its root file system.
    let places: [String]
    /// A file that holds them, and what is behind the links of the trees.
    let paths: String
    private let kept = TemporaryTree.makeDirectory("kept")

    init() throws {
        file = data + "/file"
        TemporaryTree.write("agent:x:1000:1000::/:/bound\n", to: file)
        paths = TemporaryTree.makeDirectory("paths") + "/list"
        for name in [".git", "kept"] { mkdir("\(workspace)/\(name)", 0o755) }
        for name in [".env", ".git/config", "kept/file", "secret"] {
            TemporaryTree.write("", to: "\(workspace)/\(name)")
        }
        symlink(canaries.directory, "\(workspace)/.claude")
        symlink("\(canaries.file)", "\(workspace)/.bashrc")
        symlink("../../../../../../../..\(canaries.directory)", "\(workspace)/out")
        _ = try HostProcess.run("/usr/bin/chown", ["-hR", "\(Caller.userID)", workspace])
        let ordinary = "\(trees)/ordinary"
        mkdir(ordinary, 0o755)
        places = try TouchedPaths.all(rootfs: ordinary, workspace: workspace)
        let list = places + [canaries.directory, "/proc/1/root\(canaries.directory)"]
        TemporaryTree.write(list.joined(separator: "\n") + "\n", to: paths)
    }

    /// A directory for a kept overlay, empty.
    func overlay(of caller: Caller) -> String {
        let path = "\(kept)/\(caller)"
        try? FileManager.default.removeItem(atPath: path)
        mkdir(path, 0o700)
        if caller == .user, isRoot { chown(path, Caller.userID, Caller.userID) }
        return path
    }
}
