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

    @Test func `Only a pattern without signs is a path`() throws {
        #expect(try PathGlob("./a//b").literalPath == "a/b")
        #expect(try PathGlob("a/*").literalPath == nil)
    }

    @Test(.timeLimit(.minutes(1)))
    func `Time does not explode with stars`() throws {
        let stars = try PathGlob(String(repeating: "*a", count: 200))
        #expect(!stars.matches(String(repeating: "a", count: 250) + "b"))
        let deep = try PathGlob(String(repeating: "**/a/", count: 100) + "b")
        #expect(!deep.matches(String(repeating: "a/", count: 300) + "c"))
    }

    @Test func `The built-in lists cost no walk of the tree`() {
        #expect(!PathGlob.builtinProtected.isEmpty && !PathGlob.builtinHidden.isEmpty)
        for glob in PathGlob.builtinProtected + PathGlob.builtinHidden {
            #expect(!glob.text.contains("**") && glob.text.split(separator: "/").count <= 3, "\(glob.text)")
        }
        #expect(PathGlob.builtinProtected.contains { $0.matches(".git/hooks") })
        #expect(PathGlob.builtinHidden.contains { $0.matches(".env.local") })
    }
}
