// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

@Suite struct PathGlobTests {
    @Test(
        arguments: [
            (".env", ".env", true), (".env", "a/.env", false), (".env.*", ".env.local", true), ("*.key", "a.key", true),
            ("*.key", "a/b.key", false), ("**/*.key", "b.key", true), ("**/*.key", "a/b/c.key", true),
            ("a/**/b", "a/b", true), ("a/**/b", "a/x/y/b", true), ("a/**/b", "a/x/y/c", false), ("a?c", "abc", true),
            ("a?c", "a/c", false), ("[ab]c", "bc", true), ("[!ab]c", "bc", false), ("[a-c]", "b", true),
            ("./a", "a", true), ("[[]", "[", true),
        ])
    func `Patterns mean what a shell means`(pattern: String, path: String, matches: Bool) throws {
        #expect(try PathGlob(pattern).matches(path) == matches)
    }

    @Test(arguments: [
        "", "/", ".", "./.", "/.env", "[a", "a/[!]", "..", "a/../b", "../a", "a\0", "a**b", "**a",
        String(repeating: "a", count: 1024),
    ])
    func `What is not a pattern below the workspace is refused`(text: String) {
        #expect(throws: SpecError.self) { try PathGlob(text) }
    }

    @Test func `A search goes only where a pattern can reach`() throws {
        let glob = try PathGlob("a/*/c")
        #expect(glob.couldMatchBelow(directory: "") && glob.couldMatchBelow(directory: "a"))
        #expect(glob.couldMatchBelow(directory: "a/x"))
        #expect(!glob.couldMatchBelow(directory: "b") && !glob.couldMatchBelow(directory: "a/x/c"))
        #expect(try PathGlob("**/x").couldMatchBelow(directory: "any/where"))
    }

    @Test func `A pattern covers what it matches and everything below`() throws {
        let glob = try PathGlob("**/node_modules")
        for path in ["node_modules", "a/node_modules", "node_modules/x", "a/node_modules/b/c.pem"] {
            #expect(glob.covers(path), "\(path)")
        }
        #expect(!glob.covers("a") && !glob.covers("node_modules2/x") && !glob.covers("a/x"))
    }

    @Test func `Only a pattern without signs is a path`() throws {
        #expect(try PathGlob("./a//b").literalPath == "a/b")
        #expect(try PathGlob("a/*").literalPath == nil)
    }

    /// To Swift "[" with a combining mark is another character. It was then a path that the pattern did not match.
    @Test(arguments: ["[\u{301}a]b", "*\u{301}", "a/?\u{20d0}"])
    func `A sign with a combining mark after it is a sign`(text: String) throws {
        #expect(try PathGlob(text).literalPath == nil)
    }

    @Test(.timeLimit(.minutes(1)))
    func `Time does not explode with stars`() throws {
        let stars = try PathGlob(String(repeating: "*a", count: 200))
        #expect(!stars.matches(String(repeating: "a", count: 250) + "b"))
        let deep = try PathGlob(String(repeating: "**/a/", count: 100) + "b")
        #expect(!deep.matches(String(repeating: "a/", count: 300) + "c"))
    }

    @Test(arguments: [("a/b", "b"), ("**/*.pem", "*.pem"), ("a/**", "**"), (".env", ".env")])
    func `The last component says what last names are like`(pattern: String, component: String) throws {
        #expect(try PathGlob(pattern).lastComponent == component)
    }

    @Test func `The built-in lists are patterns that could have been written by hand`() throws {
        let paths = BuiltinGuards.protected + BuiltinGuards.hidden + [BuiltinGuards.protectedFile]
        #expect(Set(paths).count == paths.count)
        for path in paths { #expect(try PathGlob(path).literalPath == path) }
        for glob in BuiltinGuards.hiddenGlobs + BuiltinGuards.nestedGitDirectories.map(\.marker) {
            #expect(try PathGlob(glob.text) == glob && glob.text.hasPrefix("**/"))
        }
    }
}
