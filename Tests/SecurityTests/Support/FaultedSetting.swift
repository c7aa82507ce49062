// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

/// What a launch is started with while its system calls fail one by one.
enum FaultedSetting: String, CaseIterable, CustomTestStringConvertible {
    /// Nothing but defaults.
    case plain
    /// A directory as root under a kept overlay, binds, guards, secrets, read-only.
    case directory
    /// Every limit that a cgroup holds.
    case limits
    case terminal
    /// Without namespaces.
    case landlock
    /// As an ordinary user.
    case user
    /// What the agent may not do is reported.
    case audit

    var testDescription: String { rawValue }
    var caller: Caller { self == .user ? .user : .root }
}

/// The host's side of such a setting, and all that could be left in it.
struct FaultedGround {
    let setting: FaultedSetting
    let command: [String]
    private let workspace = TemporaryTree.makeDirectory("workspace")
    private let overlay = TemporaryTree.makeDirectory("overlay")
    private let temporary = TemporaryTree.makeDirectory("temporary")

    init(_ setting: FaultedSetting) throws {
        self.setting = setting
        let rootfs = TemporaryTree.makeDirectory("rootfs")
        let file = TemporaryTree.makeDirectory("file") + "/file"
        TemporaryTree.write("secret\n", to: file)
        for name in ["attack", "data", "dev", "etc", "proc", "read-only", "run", "sys", "tmp", "workspace"] {
            mkdir("\(rootfs)/\(name)", 0o755)
        }
        for name in [".git", ".git/hooks"] { mkdir("\(workspace)/\(name)", 0o755) }
        for name in [".env", ".git/config", "file"] { TemporaryTree.write("", to: "\(workspace)/\(name)") }
        chmod(overlay, 0o700)
        chmod(temporary, 0o1777)
        if isRoot {
            _ = try HostProcess.run("/usr/bin/chown", ["-hR", setting.caller == .user ? "65534" : "0", workspace])
        }
        let options: [String] =
            switch setting {
            case .plain: ["--timeout", "1m"]
            case .directory:
                [
                    "--rootfs", rootfs, "--overlay", overlay, "--workspace", workspace, "--read-only",
                    "-v", "\(file):/data/file:ro", "-v", "\(workspace)/file:/data/new", "-v",
                    "\(workspace):/read-only:ro",
                    "--secret-file", "KEY=@\(file)", "--secret", "WORD=@\(file)", "--tmpfs", "/scratch:1MiB",
                ]
            case .limits:
                [
                    "--memory", "64MiB", "--cpus", "0.5", "--pids", "32", "--cpu-time", "10s", "--cpuset", "0",
                    "--nice", "3", "--time-offset", "boottime=1h", "--cap", "net_bind_service",
                ]
            case .terminal: ["-t"]
            case .landlock: ["--isolation", "landlock", "--waive", "limits"]
            case .user: ["--workspace", workspace, "-v", "\(file):/data/file:ro"]
            case .audit: ["--audit"]
            }
        command =
            setting.caller.prefix + ["/usr/bin/env", "TMPDIR=\(temporary)", CommandLineProgram.path, "run"]
            + ["--name", LeakCheck.sandboxName] + options
            + [
                "-v",
                "\(AttackPrograms.directory):\(setting == .landlock ? AttackPrograms.directory : AttackPrograms.target):ro",
            ]
            + [
                "--", (setting == .landlock ? AttackPrograms.directory : AttackPrograms.target) + "/standing",
                "/etc/shadow",
            ]
    }

    /// Names on the host where a launch makes some: none may come or go. The layers of a kept overlay are its own, and
    /// compiled filters are to be found again.
    func names() -> Set<String> {
        var found: Set<String> = []
        for directory in [workspace, temporary, "/run/martinet"] {
            for line in TemporaryTree.listing(directory) {
                let name = String(line.prefix { $0 != " " })
                if directory != "/run/martinet" || !name.hasPrefix("filters/") || name.contains(".") {
                    found.insert("\(directory)/\(name)")
                }
            }
        }
        return found
    }
}
