// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import TestHost
import Testing

@testable import Engine

extension SecurityTests {
    /// Attack 44: files of a writable workspace that may not be written, or not even be read.
    @Suite struct Guards {
        private static let protected = [
            ".git/config", ".git/hooks", ".bashrc", ".envrc", ".vscode", ".claude/settings.json", "sub/.git/hooks",
            "sub/deep/.vscode", "wt/.git",
        ]
        private static let hidden = [".env", ".env.local", "id_rsa", ".ssh", "sub/deep/.env", "sub/server.key"]
        /// Not there when the sandbox starts.
        private static let absent = [
            ".zshrc", ".mcp.json", ".idea", ".npmrc", ".gnupg", ".git/commondir", ".git/config.worktree",
            "sub/.git/config", "sub/.git/commondir", ".claude/agents",
        ]

        private static let changes = ["write", "truncate", "chmod", "replace", "exchange", "move", "remove"]

        /// A workspace with every kind of guarded name, for the agent to change if it can.
        private func workspace() throws -> String {
            let workspace = TemporaryTree.makeDirectory("guarded")
            for path in ["sub/.git/HEAD", "sub/deep/plain"] + Self.protected + Self.hidden {
                try make("\(workspace)/\(path)")
            }
            return workspace
        }

        private func make(_ path: String) throws {
            let directories = ["hooks", ".vscode", ".ssh"]
            let url = URL(fileURLWithPath: path)
            let isDirectory = directories.contains(url.lastPathComponent)
            try FileManager.default.createDirectory(
                at: isDirectory ? url : url.deletingLastPathComponent(), withIntermediateDirectories: true)
            TemporaryTree.write("untouched", to: isDirectory ? "\(path)/file" : path)
        }

        private func spec(
            _ workspace: String, when: String = "now", _ paths: [String], user: AgentUser = .agent
        ) throws -> SandboxSpec {
            var spec = try Sandbox.spec("guards", user: user)
            spec.command += [when] + paths
            spec.workspace = workspace
            return spec
        }

        private func names(_ paths: [String], _ whats: [String]) -> [String] {
            paths.indices.flatMap { index in whats.map { "\(index)-\($0)" } }
        }

        private func expectProtected(
            _ report: AttemptReport, from first: Int, _ paths: [String],
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            for index in paths.indices.map({ $0 + first }) {
                report.expectSuccess("\(index)-read", sourceLocation: sourceLocation)
                report.expectFailure(["\(index)-write", "\(index)-chmod"], "EROFS", sourceLocation: sourceLocation)
                report.expectFailure(["\(index)-truncate"], "EROFS", "EISDIR", sourceLocation: sourceLocation)
                expectInPlace(report, index, sourceLocation)
            }
        }

        private func expectHidden(
            _ report: AttemptReport, from first: Int, _ paths: [String],
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            for index in paths.indices.map({ $0 + first }) {
                report.expectFailure(["\(index)-read"], "EACCES", sourceLocation: sourceLocation)
                report.expectFailure(["\(index)-write"], "EACCES", "EROFS", sourceLocation: sourceLocation)
                report.expectFailure(["\(index)-chmod"], "EROFS", "EPERM", sourceLocation: sourceLocation)
                report.expectFailure(["\(index)-truncate"], "EACCES", "EROFS", "EISDIR", sourceLocation: sourceLocation)
                expectInPlace(report, index, sourceLocation)
            }
        }

        private func expectInPlace(_ report: AttemptReport, _ index: Int, _ sourceLocation: SourceLocation) {
            report.expectFailure(
                ["replace", "exchange", "move", "remove"].map { "\(index)-\($0)" }, "EBUSY",
                sourceLocation: sourceLocation)
            // A mount of its own, to and from which there are no links; EISDIR stands for "not tried".
            report.expectFailure(["\(index)-link"], "EXDEV", "EISDIR", sourceLocation: sourceLocation)
        }

        @Test(
            "attack 44: hooks, settings and start-up files are not written, keys not read, at any depth",
            arguments: AgentUser.allCases)
        func present(user: AgentUser) throws {
            let workspace = try workspace()
            let before = TemporaryTree.listing(workspace).filter { !$0.hasPrefix(" ") }
            try LeakCheck.around {
                let outcome = try Sandbox.run(spec(workspace, Self.protected + Self.hidden, user: user))
                expectProtected(outcome.report, from: 0, Self.protected)
                expectHidden(outcome.report, from: Self.protected.count, Self.hidden)
                #expect(outcome.verdict?.appeared == [], "\(outcome.summary)")
            }
            for path in Self.protected + Self.hidden { expectUntouched("\(workspace)/\(path)") }
            // What the agent made beside them is its own, and all that is new.
            let after = TemporaryTree.listing(workspace).filter { !$0.contains("evil-") }.map(Self.withoutTime)
            #expect(Set(before.map(Self.withoutTime)).subtracting(after).isEmpty)
        }

        private static func withoutTime(_ line: String) -> String {
            line.split(separator: " ").prefix(2).joined(separator: " ")
        }

        private func expectUntouched(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) {
            let text = TemporaryTree.read("\(path)/file") ?? TemporaryTree.read(path)
            #expect(text == "untouched", "\(path)", sourceLocation: sourceLocation)
            #expect(
                !FileManager.default.fileExists(atPath: "\(path)/planted"), "\(path)", sourceLocation: sourceLocation)
        }

        @Test("attack 44: without guards the same attempts succeed")
        func control() throws {
            let workspace = try workspace()
            let paths = Self.protected + Self.hidden
            try LeakCheck.around {
                var spec = try spec(workspace, paths)
                spec.builtinGuards = false
                let report = try Sandbox.run(spec).report
                for index in paths.indices {
                    report.expectSuccess("\(index)-read", "\(index)-write", "\(index)-chmod", "\(index)-exchange")
                    report.expectSuccess("\(index)-move")
                }
            }
        }

        @Test(
            "attack 44: what does not exist yet is not made by the agent, and gone from the host afterwards",
            arguments: AgentUser.allCases)
        func absent(user: AgentUser) throws {
            let workspace = try workspace()
            try LeakCheck.around {
                let outcome = try Sandbox.run(spec(workspace, Self.absent, user: user))
                let writes = names(Self.absent, ["write", "replace", "exchange", "move", "remove"])
                outcome.report.expectFailure(writes, "EROFS", "EACCES", "EBUSY")
                #expect(outcome.verdict?.appeared == [], "\(outcome.summary)")
            }
            for path in Self.absent {
                #expect(!FileManager.default.fileExists(atPath: "\(workspace)/\(path)"), "\(path)")
            }
        }

        /// What a person, git or an editor does to a guarded file while an agent runs.
        enum HostChange: String, CaseIterable, CustomTestStringConvertible {
            case renameOver, removeAndMake, moveAwayAndMake, hardLink, symlink, replaceDirectoryAbove
            var testDescription: String { rawValue }
        }

        private func change(_ change: HostChange, _ path: String, in workspace: String) throws {
            let files = FileManager.default
            let (full, new) = ("\(workspace)/\(path)", "\(workspace)/new-\(UInt32.random(in: 0 ... .max))")
            TemporaryTree.write("untouched", to: new)
            switch change {
            case .renameOver: #expect(rename(new, full) == 0)
            case .removeAndMake:
                try files.removeItem(atPath: full)
                usleep(20_000)
                TemporaryTree.write("untouched", to: full)
            case .moveAwayAndMake:
                #expect(rename(full, "\(full)~") == 0)
                TemporaryTree.write("untouched", to: full)
            case .hardLink:
                try files.removeItem(atPath: full)
                #expect(link(new, full) == 0)
                try files.removeItem(atPath: new)
            case .symlink:
                try files.removeItem(atPath: full)
                try files.createSymbolicLink(atPath: full, withDestinationPath: "new-target")
            case .replaceDirectoryAbove:
                guard let top = path.split(separator: "/").dropLast().first else {
                    return try self.change(.removeAndMake, path, in: workspace)
                }
                // Once for all that is in it.
                if !files.fileExists(atPath: "\(workspace)/old-\(top)") {
                    #expect(rename("\(workspace)/\(top)", "\(workspace)/old-\(top)") == 0)
                }
                try files.createDirectory(
                    atPath: URL(fileURLWithPath: full).deletingLastPathComponent().path,
                    withIntermediateDirectories: true)
                TemporaryTree.write("untouched", to: full)
            }
        }

        @Test(
            "attack 44: a guard is back after the host replaced, removed, moved or linked the file",
            arguments: HostChange.allCases, AgentUser.allCases)
        func changedByHost(change: HostChange, user: AgentUser) throws {
            let workspace = try workspace()
            let protected = [".bashrc", ".git/config", "wt/.git", "sub/.git/config"]
            let hidden = [".env", "id_rsa", "sub/deep/.env", ".npmrc"]
            try LeakCheck.around {
                let sandbox = try Sandbox.start(spec(workspace, when: "go", protected + hidden, user: user))
                _ = try sandbox.untilReady()
                for path in protected + hidden { try self.change(change, path, in: workspace) }
                usleep(UInt32(200_000 * Patience.factor))
                TemporaryTree.write("", to: "\(workspace)/go")
                let report = sandbox.wait().report
                for index in protected.indices where change != .symlink {
                    report.expectFailure(["\(index)-write", "\(index)-chmod", "\(index)-truncate"], "EROFS")
                }
                for index in hidden.indices.map({ $0 + protected.count }) {
                    report.expectFailure(["\(index)-read"], "EACCES")
                }
                for index in (protected + hidden).indices { expectInPlace(report, index, #_sourceLocation) }
            }
            guard change != .symlink else { return }
            for path in protected + hidden { expectUntouched("\(workspace)/\(path)") }
        }

        @Test(
            "attack 44: git's own way to write its settings on the host takes no guard away",
            .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/git"), "git is not installed"))
        func gitConfig() throws {
            let workspace = TemporaryTree.makeDirectory("repository")
            func git(_ arguments: String...) throws {
                let result = try HostProcess.run("/usr/bin/git", ["-C", workspace] + arguments)
                #expect(result.status == .exited(0), "\(result.errors)")
            }
            try git("init", "-q")
            try LeakCheck.around {
                let sandbox = try Sandbox.start(
                    spec(workspace, when: "go", [".git/config", ".git/hooks", ".git/commondir"]))
                _ = try sandbox.untilReady()
                // With the placeholders in its directory git works as ever.
                for round in 0..<20 { try git("config", "test.round", "\(round)") }
                TemporaryTree.write("1", to: "\(workspace)/file")
                try git("add", "file")
                try git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one")
                usleep(UInt32(200_000 * Patience.factor))
                TemporaryTree.write("", to: "\(workspace)/go")
                expectProtected(sandbox.wait().report, from: 0, [".git/config", ".git/hooks", ".git/commondir"])
            }
            #expect(TemporaryTree.read("\(workspace)/.git/config")?.contains("round = 19") == true)
            #expect(!FileManager.default.fileExists(atPath: "\(workspace)/.git/commondir"))
            try git("fsck")
        }

        @Test("attack 44: guards come back also while the agent makes names as fast as it can")
        func busyAgent() throws {
            let workspace = try workspace()
            try LeakCheck.around {
                var flood = try spec(workspace, ["-"])
                flood.command = [
                    "/bin/sh", "-c",
                    "echo ready 0 OK; i=0; while [ ! -e go ]; do : > f$((i % 500)); rm f$((i % 500)); i=$((i + 1)); done; "
                        + "cat .env; echo x >> .bashrc; exit 0",
                ]
                let sandbox = try Sandbox.start(flood)
                _ = try sandbox.untilReady()
                for _ in 0..<50 {
                    try change(.renameOver, ".env", in: workspace)
                    try change(.removeAndMake, ".bashrc", in: workspace)
                }
                usleep(UInt32(300_000 * Patience.factor))
                TemporaryTree.write("", to: "\(workspace)/go")
                let outcome = sandbox.wait()
                #expect(!outcome.output.contains("untouched"), "\(outcome.summary)")
                #expect(
                    outcome.errors.contains("Permission denied") && outcome.errors.contains("Read-only file system"))
            }
            expectUntouched("\(workspace)/.bashrc")
        }

        @Test("attack 44: a repository that the agent makes is named in the verdict", arguments: AgentUser.allCases)
        func planted(user: AgentUser) throws {
            let workspace = TemporaryTree.makeDirectory("empty")
            try LeakCheck.around {
                var spec = try spec(workspace, ["-"], user: user)
                spec.command = [
                    "/bin/sh", "-c",
                    "mkdir -p .git/hooks sub/.git/hooks x/.vscode; echo a > .git/hooks/pre-commit; "
                        + "echo a > sub/.git/config; echo a > x/.vscode/tasks.json; echo a > x/plain",
                ]
                let outcome = try Sandbox.run(spec)
                #expect(outcome.status == 0, "\(outcome.summary)")
                #expect(
                    outcome.verdict?.appeared == [".git/hooks/pre-commit", "sub/.git/config", "x/.vscode/tasks.json"])
                let report = outcome.verdict.map { VerdictReport($0).line } ?? ""
                #expect(
                    report.contains(#""appeared":[".git/hooks/pre-commit","sub/.git/config","x/.vscode/tasks.json"]"#))
                // The next sandbox has them guarded.
                spec.command = ["/bin/sh", "-c", "echo b > .git/hooks/pre-commit; echo b > sub/.git/config; exit 0"]
                let next = try Sandbox.run(spec)
                #expect(next.verdict?.appeared == [], "\(next.summary)")
                #expect(TemporaryTree.read("\(workspace)/.git/hooks/pre-commit") == "a\n")
                #expect(TemporaryTree.read("\(workspace)/sub/.git/config") == "a\n")
            }
        }

        @Test("attack 44: guards stand above the number of names that once was the most")
        func manyAbsentNames() throws {
            let workspace = TemporaryTree.makeDirectory("many")
            try LeakCheck.around {
                var spec = try spec(workspace, ["secret-0", "secret-1999"])
                spec.hide = try (0..<2000).map { try PathGlob("secret-\($0)") }
                let outcome = try Sandbox.run(spec)
                expectHidden(outcome.report, from: 0, ["secret-0", "secret-1999"])
                spec.hide = try (0..<5000).map { try PathGlob("secret-\($0)") }
                let refused = try Sandbox.run(spec)
                #expect(refused.error?.message.contains("needs more than 4096 mounts") == true, "\(refused.summary)")
            }
            #expect(TemporaryTree.listing(workspace).count == 3, "what the agent made beside the two")
        }
    }
}
