// SPDX-License-Identifier: Apache-2.0
import Engine
import SandboxSpec
import SetupProgram

/// The paths inside a root file system that making a sandbox touches, as the compiled programs of sandboxes with
/// everything in them say: a path that an instruction gets tomorrow is among them.
enum TouchedPaths {
    /// What the launcher itself reads there, before there is a program.
    private static let read = ["/etc/passwd", "/etc/group"]

    /// Every path, and every directory on the way to one; sorted.
    static func all(rootfs: String, workspace: String) throws -> [String] {
        var found = Set(read)
        for spec in try specs(rootfs: rootfs, workspace: workspace) {
            let program = try Launcher(options: .init(callerEnvironment: ["SECRET": "x"])).explain(spec)
            for instruction in program.instructions {
                for path in named(instruction) {
                    // A guard's begins in the workspace, some of a directory's root in the scratch file system.
                    let isInWorkspace = [.guardName, .requireMounted].contains(instruction.opcode)
                    found.insert(path.hasPrefix("/") ? path : isInWorkspace ? "/workspace/\(path)" : "/\(path)")
                }
            }
        }
        for path in found {
            var parts = path.split(separator: "/")
            while parts.popLast() != nil, !parts.isEmpty { found.insert("/" + parts.joined(separator: "/")) }
        }
        found.remove("/")
        return found.sorted()
    }

    private static func specs(rootfs: String, workspace: String) throws -> [SandboxSpec] {
        var spec = SandboxSpec()
        spec.rootfs = .directory(rootfs)
        spec.command = ["\(AttackPrograms.target)/hostile"]
        spec.binds = [
            BindMount(source: AttackPrograms.directory, target: try SandboxPath(AttackPrograms.target), readOnly: true)
        ]
        spec.workspace = workspace
        spec.tmpfs = [try TmpfsMount("/scratch:1MiB")]
        spec.secrets = [try SecretReference("SECRET", delivery: .file)]
        var other = spec
        other.terminal = true
        other.readOnly = true
        other.network = .host
        other.workspace = nil
        other.devices = isRoot ? [try DeviceMount("/dev/full:/dev/given")] : []
        return [spec, other]
    }

    /// What an instruction calls `path`, wherever in it. Its own cases say so, hence no list of them here.
    private static func named(_ value: Any) -> [String] {
        Mirror(reflecting: value).children.flatMap { child in
            if child.label == "path", let path = child.value as? String { return [path] }
            return named(child.value)
        }
    }
}
