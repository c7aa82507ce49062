// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct WorkspaceGuardsTests {
    /// `**/NAME`: the name anywhere.
    static func anywhere(_ name: String) -> GuardPattern {
        var pattern = GuardPattern(anywhere: name)
        pattern.literalPath = nil
        return pattern
    }

    static func plan(
        _ directory: String, protect: [GuardPattern] = [], hide: [GuardPattern] = [],
        bounds: WorkspaceGuards.Bounds = .init()
    ) throws -> GuardPlan {
        let workspace = try open(directory, [.directory, .pathOnly])
        return try WorkspaceGuards.plan(
            workspace: workspace, protect: GuardRules(protect), hide: GuardRules(hide), bounds: bounds)
    }

    @Test func `existing matches are found and the directories above them pinned`() throws {
        try withTemporaryDirectory { directory in
            try write("", to: directory + "/.git/config")
            try makeDirectories(directory + "/.git/hooks")
            try write("", to: directory + "/a/b/.env")
            try write("", to: directory + "/a/b/.environment")
            let plan = try Self.plan(
                directory, protect: [GuardPattern(literal: ".git/hooks"), GuardPattern(literal: ".git/config")],
                hide: [Self.anywhere(".env")])
            #expect(
                Set(plan.steps.map(\.path)) == [".git", "a", "a/b", ".git/hooks", ".git/config", "a/b/.env"])
            #expect(
                plan.steps.map(\.path) == [".git", "a", ".git/config", ".git/hooks", "a/b", "a/b/.env"])
            #expect(plan.matches.contains(.init(path: ".git/hooks", kind: .directory, action: .protect)))
            #expect(plan.matches.contains(.init(path: ".git/config", kind: .file, action: .protect)))
            #expect(plan.matches.contains(.init(path: "a/b/.env", kind: .file, action: .hide)))
            #expect(plan.pins.map(\.path).sorted() == [".git", "a", "a/b"])
            #expect(plan.placeholders.isEmpty)
        }
    }

    @Test func `what something else will be mounted on is passed over with all below it, and noted where it is met`()
        throws
    {
        try withTemporaryDirectory { directory in
            for path in ["/.env", "/vendor/.env", "/vendor/deep/.env", "/a/.env"] {
                try write("", to: directory + path)
            }
            try write("", to: directory + "/c/file")
            try makeSymlink(directory + "/c/.env", to: "file")
            let workspace = try open(directory, [.directory, .pathOnly])
            let plan = try WorkspaceGuards.plan(
                workspace: workspace, protect: GuardRules([]), hide: GuardRules([Self.anywhere(".env")]),
                covered: [".env", "vendor", "vendor/deep", "c/.env", "absent"])
            #expect(plan.matches.map(\.path) == ["a/.env"])
            #expect(plan.covered.sorted() == [".env", "vendor"])
        }
    }

    @Test func `directories in which nothing could match are not visited`() throws {
        try withTemporaryDirectory { directory in
            for index in 0..<50 { try write("", to: directory + "/node_modules/\(index)") }
            try write("", to: directory + "/.git/config")
            var bounds = WorkspaceGuards.Bounds()
            bounds.entries = 10
            let literal = [GuardPattern(literal: ".git/config")]
            #expect(try Self.plan(directory, protect: literal, bounds: bounds).matches.count == 1)
            #expect(
                storageCode { _ = try Self.plan(directory, hide: [Self.anywhere(".env")], bounds: bounds) }
                    == .exhausted)
        }
    }

    @Test func `hiding wins over protecting, and reaches into protected directories`() throws {
        try withTemporaryDirectory { directory in
            try write("", to: directory + "/conf/key")
            try write("", to: directory + "/conf/other")
            let plan = try Self.plan(
                directory, protect: [GuardPattern(literal: "conf"), GuardPattern(literal: "conf/key")],
                hide: [GuardPattern(literal: "conf/key")])
            #expect(
                plan
                    == GuardPlan(
                        matches: [
                            .init(path: "conf", kind: .directory, action: .protect),
                            .init(path: "conf/key", kind: .file, action: .hide),
                        ]))
        }
    }

    @Test func `an absent literal gets a placeholder where its parent exists, and only there`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/.git")
            try makeDirectories(directory + "/locked")
            let plan = try Self.plan(
                directory,
                protect: [
                    GuardPattern(literal: ".git/hooks"), GuardPattern(literal: ".git/config"),
                    GuardPattern(literal: ".claude/agents"), GuardPattern(literal: ".vscode"),
                    GuardPattern(literal: "locked"), GuardPattern(literal: "locked/x"),
                ], hide: [GuardPattern(literal: ".env")])
            #expect(
                plan.placeholders == [
                    .init(path: ".env", isDirectory: false, action: .hide),
                    .init(path: ".git/hooks", isDirectory: true, action: .protect),
                    .init(path: ".git/config", isDirectory: false, action: .protect),
                    .init(path: ".vscode", isDirectory: true, action: .protect),
                ])
            #expect(plan.pins == [.init(path: ".git", kind: .directory)])
        }
    }

    @Test func `without .git there is no placeholder in it`() throws {
        try withTemporaryDirectory { directory in
            let plan = try Self.plan(directory, protect: [GuardPattern(literal: ".git/hooks")])
            #expect(plan == GuardPlan())
        }
    }

    @Test func `a link to /etc is never entered nor followed`() throws {
        try withTemporaryDirectory { directory in
            try makeSymlink(directory + "/etc", to: "/etc")
            try makeSymlink(directory + "/up", to: "../../../../etc")
            try makeSymlink(directory + "/.env", to: "/etc/passwd")
            let plan = try Self.plan(
                directory, protect: [Self.anywhere("hosts"), GuardPattern(literal: "etc/hosts")],
                hide: [Self.anywhere("passwd"), GuardPattern(literal: "up/passwd"), GuardPattern(literal: ".env")])
            #expect(plan.matches == [.init(path: ".env", kind: .symlink, action: .hide)])
            #expect(plan.placeholders.isEmpty)
        }
    }

    @Test func `what a matching link leads to in the workspace is guarded too`() throws {
        try withTemporaryDirectory { directory in
            try write("", to: directory + "/config/production")
            try makeSymlink(directory + "/.env", to: "config/production")
            let plan = try Self.plan(directory, hide: [GuardPattern(literal: ".env")])
            #expect(
                plan.matches == [
                    .init(path: ".env", kind: .symlink, action: .hide),
                    .init(path: "config/production", kind: .file, action: .hide),
                ])
            #expect(plan.pins == [.init(path: "config", kind: .directory)])
        }
    }

    @Test func `a literal behind a linked directory is guarded where it really is, and the link pinned`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/real/hooks")
            try makeSymlink(directory + "/.git", to: "real")
            let plan = try Self.plan(
                directory, protect: [GuardPattern(literal: ".git/hooks"), GuardPattern(literal: ".git/config")])
            #expect(plan.matches == [.init(path: "real/hooks", kind: .directory, action: .protect)])
            #expect(plan.placeholders == [.init(path: "real/config", isDirectory: false, action: .protect)])
            #expect(Set(plan.pins.map(\.path)) == [".git", "real"])
            #expect(plan.pins.contains(.init(path: ".git", kind: .symlink)))
        }
    }

    @Test func `too deep a tree is an error that names the cure`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + String(repeating: "/d", count: 128))
            #expect(storageCode { _ = try Self.plan(directory, hide: [Self.anywhere("x")]) } == nil)
            try makeDirectories(directory + String(repeating: "/d", count: 129))
            do {
                _ = try Self.plan(directory, hide: [Self.anywhere("x")])
                Issue.record("no error")
            } catch let error as StorageError {
                #expect(error.code == .exhausted)
                #expect(error.description.contains("\nhint: narrow the patterns"))
            }
        }
    }

    @Test func `too many mounts are an error`() throws {
        try withTemporaryDirectory { directory in
            for index in 0..<5 { try write("", to: directory + "/\(index)/.env") }
            var bounds = WorkspaceGuards.Bounds()
            bounds.mounts = 10
            #expect(try Self.plan(directory, hide: [Self.anywhere(".env")], bounds: bounds).steps.count == 10)
            bounds.mounts = 9
            #expect(
                storageCode { _ = try Self.plan(directory, hide: [Self.anywhere(".env")], bounds: bounds) }
                    == .exhausted)
        }
    }

    @Test func `a match under a name that is not UTF-8 is an error, not left unguarded`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/ok")
            try moveToBytes(directory, "ok", [0xFF, 0x61])
            #expect(storageCode { _ = try Self.plan(directory, hide: [Self.anywhere(".env")]) } == nil)
            let top = try open(directory, [.directory])
            let odd = try open(ByteName([0xFF, 0x61]), [.directory], in: top, resolving: [.beneath])
            _ = try open(".env", [.writeOnly, .create], mode: 0o600, at: .descriptor(odd.rawValue))
            #expect(storageCode { _ = try Self.plan(directory, hide: [Self.anywhere(".env")]) } == .malformed)
        }
    }

    @Test func `fifos are matched as what they are`() throws {
        try withTemporaryDirectory { directory in
            try makeFifo(directory + "/.env")
            #expect(
                try Self.plan(directory, hide: [Self.anywhere(".env")]).matches
                    == [.init(path: ".env", kind: .other, action: .hide)])
        }
    }

    @Test func `a marker stands for paths beside it, wherever it is, links included`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/a/.git/hooks")
            try makeDirectories(directory + "/real")
            try makeDirectories(directory + "/b")
            try makeSymlink(directory + "/b/.git", to: "../real")
            let workspace = try open(directory, [.directory, .pathOnly])
            let rules = GuardRules([], markers: [GuardMarker(".git", paths: [".git/hooks"])])
            let plan = try WorkspaceGuards.plan(workspace: workspace, protect: rules, hide: GuardRules())
            #expect(plan.matches == [.init(path: "a/.git/hooks", kind: .directory, action: .protect)])
            #expect(plan.placeholders.map(\.path) == ["real/hooks"])
            #expect(plan.pins.contains(.init(path: "b/.git", kind: .symlink)))
        }
    }

    @Test func `a pattern may spare directories`() throws {
        try withTemporaryDirectory { directory in
            try makeDirectories(directory + "/a/.git")
            try write("gitdir: x", to: directory + "/b/.git")
            try makeDirectories(directory + "/c")
            try makeSymlink(directory + "/c/.git", to: "/elsewhere")
            var pattern = Self.anywhere(".git")
            pattern.sparesDirectories = true
            let plan = try Self.plan(directory, protect: [pattern])
            #expect(Set(plan.matches.map(\.path)) == ["b/.git", "c/.git"])
        }
    }

    @Test func `names are told apart by their bytes`() {
        let patterns: [GuardPattern.NameTest] = [.exact(".env"), .prefix(".env."), .suffix(".pem")]
        let index = GuardNameIndex([
            GuardRules(
                patterns.map { GuardPattern(lastName: $0, matches: { _ in true }, couldMatchBelow: { _ in true }) },
                markers: [GuardMarker("HEAD", paths: [])])
        ])
        func contains(_ name: String) -> Bool { Array(name.utf8).withUnsafeBytes { index.contains($0) } }
        for name in [".env", ".env.", ".env.local", ".pem", "a.pem", "HEAD"] { #expect(contains(name), "\(name)") }
        for name in ["env", ".envrc", "a.pe", "pem", "HEADS", "a.pem.txt", "x.env", "\u{e9}"] {
            #expect(!contains(name), "\(name)")
        }
        let any = GuardNameIndex([GuardRules([GuardPattern(matches: { _ in true }, couldMatchBelow: { _ in true })])])
        #expect(Array("x".utf8).withUnsafeBytes { any.contains($0) })
    }

    @Test func `what appeared is what is protected now and was not there`() throws {
        try withTemporaryDirectory { directory in
            let rules = GuardRules(
                [GuardPattern(literal: ".bashrc"), Self.anywhere(".vscode")],
                markers: [GuardMarker(".git", paths: [".git/hooks", ".git/config"])])
            try write("", to: directory + "/old/.git/config")
            try makeDirectories(directory + "/old/.vscode")
            let workspace = try open(directory, [.directory, .pathOnly])
            let before = try WorkspaceGuards.plan(workspace: workspace, protect: rules, hide: GuardRules())
            func appeared() throws -> [String] {
                try GuardReview.appeared(in: workspace, since: before, protect: rules)
            }
            #expect(try appeared() == [])
            // In what was guarded only the host can have made something.
            try write("", to: directory + "/old/.vscode/tasks.json")
            try write("", to: directory + "/old/.git/hooks/pre-commit")
            #expect(try appeared() == [])
            try write("", to: directory + "/new/.git/hooks/pre-commit.sample")
            #expect(try appeared() == [])
            try write("", to: directory + "/new/.git/hooks/pre-commit")
            try write("", to: directory + "/new/.git/config")
            for index in 0..<5 { try write("", to: directory + "/.vscode/\(index)") }
            #expect(try appeared() == [".vscode", "new/.git/config", "new/.git/hooks/pre-commit"])
        }
    }
}

/// Gives a file in a directory a name that is not text.
func moveToBytes(_ directory: String, _ old: String, _ new: [UInt8]) throws {
    let parent = try open(directory, [.directory])
    try rename(ByteName(old), in: parent, to: ByteName(new), in: parent)
}
