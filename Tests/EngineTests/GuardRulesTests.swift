// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import Storage
import Testing

@testable import Engine

/// What the built-in lists and the user's patterns come to in a workspace.
@Suite struct GuardRulesTests {
    /// The plan for a workspace of these files; those that end in a slash are directories.
    private func plan(_ files: [String], _ change: (inout SandboxSpec) throws -> Void = { _ in }) throws -> GuardPlan {
        var plan: GuardPlan?
        try TestGround.with { ground in
            for file in files {
                let path = "\(ground.workspace)/\(file)"
                var soFar = ground.workspace
                for part in file.utf8.split(separator: UInt8(ascii: "/")).dropLast(file.hasSuffix("/") ? 0 : 1) {
                    soFar += "/\(Substring(part))"
                    if try status(of: soFar) == nil { try makeDirectory(soFar) }
                }
                if !file.hasSuffix("/") { _ = try open(path, [.writeOnly, .create], mode: 0o644) }
            }
            var spec = SandboxSpec()
            spec.workspace = ground.workspace
            try change(&spec)
            plan = try #require(try GuardedWorkspace(spec)).plan
        }
        return try #require(plan)
    }

    private func paths(_ plan: GuardPlan, _ action: GuardPlan.Action) -> Set<String> {
        Set(plan.matches.filter { $0.action == action }.map(\.path))
    }

    @Test func `an empty workspace has a placeholder for every plain name, and none in directories that are not there`()
        throws
    {
        let plan = try plan([])
        let names = (BuiltinGuards.protected + BuiltinGuards.hidden).filter { !$0.contains("/") }
        #expect(Set(plan.placeholders.map(\.path)) == Set(names))
        #expect(plan.matches.isEmpty && plan.pins.isEmpty)
    }

    @Test func `keys and settings are found however deep they lie`() throws {
        let deep = "a/b/c/d/e/f"
        let plan = try plan(
            [
                ".env", "pa/.env", "\(deep)/.env.local", "\(deep)/server.key", "x/id_rsa", "y/.ssh/", "y/.vscode/",
                "z/env",
            ])
        #expect(
            paths(plan, .hide) == [".env", "pa/.env", "\(deep)/.env.local", "\(deep)/server.key", "x/id_rsa", "y/.ssh"])
        #expect(paths(plan, .protect) == ["y/.vscode"])
        // No placeholder in a directory merely because it is one.
        #expect(!plan.placeholders.contains { $0.path.contains("/") })
    }

    @Test func `of a repository anywhere what makes git run programs is guarded, absent or not`() throws {
        let plan = try plan([".git/config", "sub/.git/hooks/", "sub/.git/HEAD"])
        #expect(paths(plan, .protect) == [".git/config", "sub/.git/hooks"])
        let made = plan.placeholders.filter { $0.path.contains("/") }
        #expect(
            Set(made.map(\.path)) == [
                ".git/hooks", ".git/config.worktree", ".git/commondir", "sub/.git/config", "sub/.git/config.worktree",
                "sub/.git/commondir",
            ])
        #expect(made.filter(\.isDirectory).map(\.path) == [".git/hooks"])
        // git takes an empty one for damage.
        #expect(Set(made.filter { !$0.contents.isEmpty }.map(\.path)) == [".git/commondir", "sub/.git/commondir"])
    }

    @Test func `git directories of submodules and worktrees are repositories too`() throws {
        let plan = try plan([
            ".git/config", ".git/modules/lib/ssl/HEAD", ".git/modules/lib/ssl/config", ".git/worktrees/w/gitdir",
            ".git/worktrees/w/commondir", "lib/ssl/.git", "w/.git",
        ])
        #expect(
            paths(plan, .protect) == [
                ".git/config", ".git/modules/lib/ssl/config", ".git/worktrees/w/gitdir", ".git/worktrees/w/commondir",
                "lib/ssl/.git", "w/.git",
            ])
        let made = Set(plan.placeholders.map(\.path))
        #expect(made.isSuperset(of: [".git/modules/lib/ssl/hooks", ".git/modules/lib/ssl/commondir"]))
        #expect(made.contains(".git/worktrees/w/config.worktree"))
    }

    @Test func `code of others may be installed anew, but keys in it are keys`() throws {
        let plan = try plan([
            "node_modules/a/.vscode/x", "node_modules/a/.git/config", "node_modules/a/.env",
            "venv/lib/site-packages/certifi/cacert.pem", "venv/lib/site-packages/b/private.pem",
        ])
        #expect(paths(plan, .protect).isEmpty)
        #expect(paths(plan, .hide) == ["node_modules/a/.env", "venv/lib/site-packages/b/private.pem"])
    }

    @Test func `what is to be shown the built-in lists leave out, and the user's own patterns do not`() throws {
        let plan = try plan([".env", "a/b/x.pem", "a/c.pem", "docs/.env"]) {
            $0.show = [try PathGlob("a"), try PathGlob(".npmrc"), try PathGlob("docs/*")]
            $0.hide = [try PathGlob("a/c.pem")]
        }
        #expect(paths(plan, .hide) == [".env", "a/c.pem"])
        #expect(!plan.placeholders.contains { $0.path == ".npmrc" })
    }

    @Test func `where something else is shown nothing is guarded`() throws {
        let plan = try plan(["vendor/x/.env", "vendor/.git/config", "a/.env"]) {
            $0.binds = [BindMount(source: "/tmp", target: try SandboxPath("/workspace/vendor"), readOnly: true)]
            $0.tmpfs = [try TmpfsMount("/workspace/.ssh")]
        }
        #expect(plan.matches.map(\.path) == ["a/.env"])
        #expect(!plan.steps.contains { $0.path.hasPrefix("vendor") || $0.path == ".ssh" })
    }

    @Test func `without the built-in lists only what was asked for is guarded`() throws {
        let plan = try plan([".env", "a/.git/config", "Makefile"]) {
            $0.builtinGuards = false
            $0.protect = [try PathGlob("Makefile")]
        }
        #expect(plan.steps.map(\.path) == ["Makefile"] && plan.matches.map(\.action) == [.protect])
    }

    /// To Swift a slash, or a star, is another character with some before or after it; to the kernel it is the same byte.
    @Test func `names are guarded whatever characters are around them`() throws {
        let hidden = ["d\u{600}/.env", "e\u{301}/.env", "\u{e9}/.env", "d\u{600}/.aws/credentials"]
        let plan = try plan(hidden + ["a.key\u{301}x", "d\u{600}/node_modules/.envrc", "d\u{600}/.git/config"]) {
            $0.hide = [try PathGlob("*\u{301}x")]
        }
        let found = plan.matches.filter { $0.action == .hide }.map(\.path)
        for path in hidden[..<3] + ["a.key\u{301}x"] {
            #expect(found.contains { $0.utf8.elementsEqual(path.utf8) }, "\(path.debugDescription) of \(found)")
        }
        let steps = plan.steps.map(\.path)
        for path in [hidden[3], "d\u{600}/.git/config"] {
            #expect(steps.contains { $0.utf8.elementsEqual(path.utf8) }, "\(path.debugDescription) of \(steps)")
        }
    }

    /// Two spellings of é are one name to Swift and two to the kernel. Whoever makes a directory with the other one must not
    /// take the guards from the first.
    @Test func `directories whose names are spelt in two ways are guarded both`() throws {
        let names = ["caf\u{e9}", "cafe\u{301}"]
        let plan = try plan(names.flatMap { ["\($0)/.git/HEAD", "\($0)/.git/config", "\($0)/.env"] })
        for name in names {
            for path in ["\(name)/.git/hooks", "\(name)/.git/config", "\(name)/.env", name] {
                #expect(plan.steps.contains { $0.path.utf8.elementsEqual(path.utf8) }, "\(path.debugDescription)")
            }
        }
    }

    @Test(
        arguments: [
            ("*\u{301}x", GuardPattern.NameTest.suffix("\u{301}x")), ("[\u{301}a]", .any),
            ("a", GuardPattern.NameTest.exact("a")), ("*.pem", .suffix(".pem")), (".env.*", .prefix(".env.")),
            ("**", .any), ("*", .suffix("")), ("a*b", .any), ("[ab]", .any), ("?", .any), ("*a*", .any),
        ])
    func `a last component says what last names are like`(component: String, test: GuardPattern.NameTest) {
        #expect(GuardPattern.NameTest(component: component) == test)
    }
}
