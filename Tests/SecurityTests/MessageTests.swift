// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import SandboxSpec
import Testing

extension SecurityTests {
    /// Attack 45: what a terminal would obey, in names, values and files that somebody else chose.
    @Suite struct Messages {
        /// Sets a title, clears the screen, colours, goes back, turns the writing round, and claims to be a line of ours.
        static let payload = "\u{1b}]0;t\u{7}\u{1b}[31m\u{9b}2J\u{8}\u{202e}\u{2066}\r\u{7f}\nmartinet: all is well"
        private static let path = "/nonexistent/\(payload)"

        private func expectHarmless(
            _ text: String, _ what: String, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let obeyed = text.unicodeScalars.filter { scalar in
                switch scalar.value {
                case 0x0a: false
                case 0..<0x20, 0x7f..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
                default: false
                }
            }
            #expect(obeyed.isEmpty, "\(what): \(text.debugDescription)", sourceLocation: sourceLocation)
            let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(
                !lines.contains { $0.hasPrefix("martinet: all is well") }, "\(what): \(text.debugDescription)",
                sourceLocation: sourceLocation)
        }

        /// Refused, and said so in words that a terminal can be shown.
        private func expectRefused(
            _ arguments: [String], status: Int32 = 125, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let outcome = try HostProcess.run(CommandLineProgram.path, arguments)
            let what = "\(arguments.map(\.debugDescription))"
            #expect(outcome.status == .exited(status), "\(what) \(outcome.errors)", sourceLocation: sourceLocation)
            #expect(outcome.errors.hasPrefix("martinet: "), "\(what)", sourceLocation: sourceLocation)
            expectHarmless(outcome.errors, what, sourceLocation: sourceLocation)
            expectHarmless(outcome.output, what, sourceLocation: sourceLocation)
        }

        static let options: [[String]] = [
            ["--name", payload], ["--hostname", payload], ["--user", payload], ["--user", "0:\(payload)"],
            ["--group", payload], ["--workdir", payload], ["--workdir", "/\(payload)"], ["--env", "\(payload)=1"],
            ["--env", payload], ["--secret", payload], ["--secret", "A=\(payload)"], ["--secret", "A=@\(path)"],
            ["--secret-file", "\(payload)=@x"], ["--stdin", payload], ["--rootfs", path], ["--overlay", path],
            ["--rootfs", "/usr", "--overlay", path], ["--bind", payload], ["--bind", "\(path):/x"],
            ["--bind", "/usr:\(payload)"], ["--bind", "/usr:/\(payload)"], ["--bind", "/usr:/x:\(payload)"],
            ["--tmpfs", payload], ["--tmpfs", "/x:\(payload)"], ["--device", payload], ["--device", "/dev/\(payload)"],
            ["--workspace", path], ["--workspace", "/tmp", "--protect", "../\(payload)"],
            ["--workspace", "/tmp", "--hide", "/\(payload)"], ["--workspace", "/tmp", "--show", "[\(payload)"],
            ["--cap", payload], ["--seccomp", payload], ["--seccomp", path], ["--landlock", payload],
            ["--isolation", payload], ["--net", payload], ["--join", payload], ["--join", "\(payload)=/x"],
            ["--join", "net=\(path)"], ["--time-offset", "\(payload)=1s"], ["--time-offset", "boottime=\(payload)"],
            ["--waive", payload], ["--memory", payload], ["--swap", payload], ["--cpus", payload],
            ["--cpu-weight", payload], ["--cpuset", payload], ["--pids", payload], ["--timeout", payload],
            ["--cpu-time", payload], ["--disk", payload], ["--output", payload], ["--rlimit", payload],
            ["--rlimit", "nofile=\(payload)"], ["--rlimit", "\(payload)=1"], ["--io-read", payload],
            ["--io-write", "\(path):1MiB"], ["--io-write", "/dev/\(payload):\(payload)"], ["--hugetlb", payload],
            ["--nice", payload], ["--oom-score-adj", payload], ["--spec", path], ["--\(payload)"], ["-\(payload)"],
            ["--report", payload], ["--report", "json=\(path)"], ["--learn", path],
        ]

        @Test("attack 45: values of options are shown escaped", arguments: options)
        func values(arguments: [String]) throws {
            try LeakCheck.around { try expectRefused(["run"] + arguments + ["--", "/bin/true"]) }
        }

        @Test("attack 45: names of programs, commands and directories are shown escaped")
        func programs() throws {
            try LeakCheck.around {
                try expectRefused(["run", "--", Self.payload], status: 127)
                try expectRefused(["run", "--", "/\(Self.payload)"], status: 127)
                try expectRefused(["run", "--workdir", "/tmp/x", "--", "./\(Self.payload)"])
                try expectRefused([Self.payload])
                try expectRefused(["run", Self.payload], status: 127)
                try expectRefused(["schema", Self.payload])
                try expectRefused(["rootfs", "build", "\(Self.path)/x"])
                try expectRefused(["rootfs", Self.payload])
                try expectRefused(["explain", "--rootfs", Self.path, "--", "x"])
            }
        }

        @Test("attack 45: keys and values of spec files are shown escaped")
        func documents() throws {
            let directory = TemporaryTree.makeDirectory(String("specs"))
            let quoted = Self.payload.unicodeScalars.map { scalar in
                scalar.value < 0x20 || scalar.value > 0x7e ? String(format: "\\u%04x", scalar.value) : "\(scalar)"
            }.joined()
            let documents = [
                ("a.json", "{\"\(quoted)\": 1}"), ("b.json", "{\"limits\": {\"memory\": \"\(quoted)\"}}"),
                ("c.json", "{\"name\": \"\(quoted)\"}"), ("d.json", "{\"\(Self.payload)\": 1}"),
                ("e.json", Self.payload),
                ("f.yaml", "\"\(quoted)\": 1\n"), ("g.yaml", "limits: {\"\(quoted)\": 1}\n"),
                ("h.yaml", "env:\n  \"\(quoted)\": x\n"), ("i.yaml", Self.payload),
                ("j.yaml", "hide: [\"../\(quoted)\"]\n"),
                ("\(Self.payload.replacingOccurrences(of: "/", with: "")).yaml", "x: 1\n"),
            ]
            try LeakCheck.around {
                for (name, text) in documents {
                    TemporaryTree.write(text, to: "\(directory)/\(name)")
                    try expectRefused(["run", "--spec", "\(directory)/\(name)", "--", "/bin/true"])
                }
            }
        }

        @Test("attack 45: names of files in a workspace and in a root directory are shown escaped")
        func files() throws {
            let workspace = TemporaryTree.makeDirectory("workspace")
            let name = Self.payload
            let files = FileManager.default
            try files.createDirectory(atPath: "\(workspace)/\(name)/sub", withIntermediateDirectories: true)
            TemporaryTree.write("", to: "\(workspace)/\(name)/.env")
            TemporaryTree.write("", to: "\(workspace)/.env.\(name)")
            try LeakCheck.around {
                // In words of the program that would be run…
                let explained = try HostProcess.run(
                    CommandLineProgram.path, ["explain", "--workspace", workspace, "--", "x\(name)"])
                #expect(explained.status == .exited(0) && explained.output.contains("/.env"))
                expectHarmless(explained.output + explained.errors, "explain")
                // …of what went wrong: a directory that is too deep…
                var deep = "\(workspace)/\(name)"
                for _ in 0..<130 {
                    deep += "/d"
                    guard mkdir(deep, 0o755) == 0 else { break }
                }
                try expectRefused(["run", "--workspace", workspace, "--", "/bin/true"])
                try files.removeItem(atPath: "\(workspace)/\(name)/d")
                // …of what the agent left…
                let planted = try HostProcess.run(
                    CommandLineProgram.path,
                    [
                        "run", "--workspace", workspace, "--env", "N=\(name)", "--", "/bin/sh", "-c",
                        "mkdir -p \"new$N/.vscode\"; echo > \"new$N/.vscode/$N\"",
                    ])
                #expect(planted.errors.hasPrefix("martinet: new in the workspace: new"), "\(planted.errors)")
                expectHarmless(planted.errors, "planted")
                // …and of what was denied to it.
                let denied = try HostProcess.run(
                    CommandLineProgram.path,
                    ["run", "--audit", "--env", "N=\(name)", "--", "/bin/sh", "-c", "echo > \"/usr/$N\""])
                #expect(denied.errors.contains("denied by"), "\(denied.errors)")
                // The shell's own words are the agent's, and raw: that is the agent's standard error.
                let ours = denied.errors.components(separatedBy: "martinet: denied").dropFirst().joined()
                expectHarmless(ours, "denied")
            }
        }

        @Test("attack 45: reports in JSON hold every text escaped")
        func reports() throws {
            try LeakCheck.around {
                let outcome = try HostProcess.run(
                    CommandLineProgram.path,
                    ["run", "--report", "json", "--bind", "\(Self.path):/x", "--", "/bin/true"])
                #expect(outcome.status == .exited(125))
                expectHarmless(outcome.errors, "report")
                let line = outcome.errors.split(separator: "\n").last { $0.hasPrefix("{") } ?? ""
                let report = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(report?["exit-status"] as? Int == 125)
            }
        }

        @Test("attack 45: what the agent writes itself is its own, byte by byte")
        func output() throws {
            try LeakCheck.around {
                let outcome = try HostProcess.run(
                    CommandLineProgram.path,
                    ["run", "--env", "N=\(Self.payload)", "--", "/bin/sh", "-c", "printf %s \"$N\""])
                #expect(outcome.output == Self.payload)
            }
        }
    }
}
