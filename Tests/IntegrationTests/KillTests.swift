// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import TestHost
import Testing

/// The command line or init killed at a random moment: nothing may be left, whatever had been made by then.
@Suite(.serialized) struct KillTests {
    /// Fewer where each takes long.
    private static let runs = 500 / min(Patience.factor, 5)
    private static let seed: UInt64 = 20_261_121

    @Test func `Hundreds of runs with SIGKILL to the launcher or to init at a random moment leave nothing`() throws {
        var random = Random(state: Self.seed)
        let workspace = try Workspace()
        defer { workspace.remove() }
        var killedLaunchers = 0
        var killedInits = 0
        for run in 0..<Self.runs {
            // The name is in the command line of every process of the run, and in its cgroups' names.
            let name = "kill-\(getpid())-\(run)"
            let launcher = try start(name, workspace: workspace.path)
            let moment = UInt32(random.next() % 9000) * UInt32(Patience.factor)
            usleep(moment)
            if run % 2 == 0 {
                kill(launcher, SIGKILL)
                killedLaunchers += 1
            } else if let initProcess = Self.awaitInit(of: launcher) {
                kill(initProcess, SIGKILL)
                killedInits += 1
            } else {
                kill(launcher, SIGKILL)
                killedLaunchers += 1
            }
            _ = try reap(launcher)
            let left = Self.waitUntilGone(name, workspace.path)
            #expect(left.isEmpty, "run \(run), killed after \(moment) µs, seed \(Self.seed)")
            guard left.isEmpty else { return }
        }
        // Both kinds of kill happened, or the test shows nothing.
        #expect(killedLaunchers > Self.runs / 5)
        #expect(killedInits > Self.runs / 10)
    }

    private func start(_ name: String, workspace: String) throws -> Int32 {
        let null = try open("/dev/null", .readWrite)
        let limits = LimitTests.hasCgroups ? ["--memory", "64MiB", "--pids", "32", "--cpus", "0.5"] : []
        return try spawn(
            SpawnRequest(
                path: Self.martinet,
                arguments: ["martinet", "run", "--name", name, "--workspace", workspace] + limits
                    + ["--", "/bin/sh", "-c", "sleep 0.002 & sleep 0.003; echo > made; wait"],
                environment: ["PATH=/usr/bin:/bin", "HOME=/nonexistent"], standardOutput: null.rawValue,
                standardError: null.rawValue))
    }

    /// Beside the test bundle, where the package's products are.
    private static let martinet: String = {
        let bundle = (try? readSymlink("/proc/self/exe")) ?? ""
        let arguments = CommandLine.arguments + [bundle]
        let directories = arguments.compactMap { argument -> String? in
            guard argument.contains(".xctest") else { return nil }
            return URL(fileURLWithPath: argument).pathComponents.prefix { !$0.hasSuffix(".xctest") }
                .joined(separator: "/").replacingOccurrences(of: "//", with: "/")
        }
        return (directories.first ?? ".build/debug") + "/martinet"
    }()

    /// Init, if it comes within some milliseconds: at the chosen moment it may not be there yet, or no more.
    private static func awaitInit(of launcher: Int32) -> Int32? {
        for _ in 0..<20 * Patience.factor {
            if let found = initProcess(of: launcher) { return found }
            usleep(300)
        }
        return nil
    }

    private static func initProcess(of launcher: Int32) -> Int32? {
        let children = (try? readText("/proc/\(launcher)/task/\(launcher)/children")) ?? nil
        for child in (children ?? "").split(separator: " ") {
            let name = (try? readText("/proc/\(child)/comm")) ?? nil
            if name == "martinet-init\n" { return Int32(child) }
        }
        return nil
    }

    /// What is still there of a run after at most three patient seconds.
    private static func waitUntilGone(_ name: String, _ workspace: String) -> [String] {
        var left: [String] = []
        for _ in 0..<300 * Patience.factor {
            left = processes(name) + cgroups(name) + placeholders(workspace)
            if left.isEmpty { return [] }
            usleep(10_000)
        }
        return left
    }

    /// Launchers and janitors by their command line; what is inside a sandbox by its cgroup's name.
    private static func processes(_ name: String) -> [String] {
        let pids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { Int32($0) != nil }
        return pids.filter { pid in
            ["cmdline", "cgroup"].contains { file in
                ((try? readText("/proc/\(pid)/\(file)")) ?? nil)?.contains(name + "-") == true
                    || ((try? readText("/proc/\(pid)/\(file)")) ?? nil)?.contains(name + "\0") == true
            }
        }.map { "process \($0)" }
    }

    private static func cgroups(_ name: String) -> [String] {
        HostView.cgroups(named: name).map { "cgroup \($0)" }
    }

    private static func placeholders(_ workspace: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: workspace)) ?? []).filter { $0 != "made" }
            .map { "placeholder \($0)" }
    }

    private struct Workspace {
        let path: String

        init() throws {
            path = "/tmp/martinet-kill-\(getpid())"
            try makeDirectory(path)
        }

        func remove() { try? FileManager.default.removeItem(atPath: path) }
    }

    /// SplitMix64: the same moments in every run of the test.
    private struct Random {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }
}
