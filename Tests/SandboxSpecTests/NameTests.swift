// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

@Suite struct NameTests {
    static let hostile = [
        "", ".", "..", "a/b", "../a", "a..b", "a\0b", "a\nb", "a\u{1b}[1mb", "a b", "-a", "_a", ".a", "é", "a\u{202e}b",
        String(repeating: "a", count: 64), String(repeating: "a", count: 65536),
    ]

    @Test(arguments: hostile) func `Hostile sandbox names are refused (ATTACKS 7)`(text: String) {
        #expect(throws: SpecError.self) { try SandboxName(text) }
    }

    @Test(arguments: ["a", "0", "Job_1.2-x", String(repeating: "a", count: 63)])
    func `Ordinary sandbox names are taken`(text: String) throws {
        #expect(try SandboxName(text).text == text)
    }

    @Test(arguments: hostile.filter { $0 != "_a" } + ["a_b", "a.", "a-", "a.-b", "_a"])
    func `Hostile host names are refused`(text: String) {
        #expect(throws: SpecError.self) { try SandboxHostname(text) }
    }

    @Test(
        arguments: [
            "", "a", "./a", "../a", "/a/../b", "/..", "/a\0b", "/a\nb", "/a\u{1b}[1m", "/a\u{7f}",
            "/" + String(repeating: "a", count: 256), String(repeating: "/a", count: 32768),
        ])
    func `Hostile mount destinations are refused (ATTACKS 7)`(text: String) {
        #expect(throws: SpecError.self) { try SandboxPath(text) }
        #expect(throws: SpecError.self) { try BindMount("/tmp:" + text) }
        #expect(throws: SpecError.self) { try TmpfsMount(text) }
    }

    @Test func `A path inside has its shortest form`() throws {
        #expect(try SandboxPath("//a/./b///c/").text == "/a/b/c")
        #expect(try SandboxPath("/").text == "/")
        #expect(try SandboxPath("/..a/b..").text == "/..a/b..")
    }

    @Test(
        arguments: [
            ("0", "0"), ("1000", "1000"), ("65535:0", "65535:0"), ("root", "root"), ("a_b-c.d:staff", "a_b-c.d:staff"),
            ("7:staff", "7:staff"),
        ])
    func `Users are numbers or names`(text: String, printed: String) throws {
        #expect(try UserReference(text).description == printed)
    }

    @Test(
        arguments: [
            "", ":", "1:", ":1", "-1", "+5", " 1", "1 ", "0x10", "1e3", "1.0", "１", "٠", "65536", "4294967295",
            "4294967296",
            "18446744073709551616", "99999999999999999999999", "1000:70000", "1:2:3", "0root", "ro ot", "root\n", "\0",
            "-root", String(repeating: "a", count: 33),
        ])
    func `What looks like a number is one or an error, never root by accident (ATTACKS 9)`(text: String) {
        #expect(throws: SpecError.self) { try UserReference(text) }
    }

    @Test func `Numbers of users in documents are as strict`() throws {
        #expect(try SandboxSpec(yaml: "user: 0010").user?.user == .number(10))
        for text in ["-1", "0x10", "1e3", "1.0", "65536", ".5", "true", "null", "[1]", "4294967296"] {
            #expect(throws: SpecError.self, "\(text)") { try SandboxSpec(yaml: "user: \(text)") }
        }
    }

    @Test func `Binds and tmpfs are divided by colons`() throws {
        let bind = try BindMount("./a b:/c:ro")
        #expect(bind.source == "./a b" && bind.target.text == "/c" && bind.readOnly)
        #expect(try BindMount("a:/c:rw").readOnly == false)
        #expect(try TmpfsMount("/t:64k").size == ByteCount(bytes: 65536))
        for text in ["", "a", ":/a", "a:", "a:b", "a:/b:rx", "a:/b:ro:ro", "a:/b:/c"] {
            #expect(throws: SpecError.self, "\(text)") { try BindMount(text) }
        }
        for text in ["/t:", "/t:1", "/t:4k:x", "/t:-1"] {
            #expect(throws: SpecError.self, "\(text)") { try TmpfsMount(text) }
        }
    }

    @Test func `Variables have names that a shell takes`() throws {
        #expect(try EnvironmentVariable("A_1==b", callerEnvironment: [:]).value == "=b")
        for text in ["=b", "1A=b", "A-B=c", "A B=c", "é=1", "A\0=b", "A=b\0"] {
            #expect(throws: SpecError.self, "\(text)") { try EnvironmentVariable(text, callerEnvironment: [:]) }
        }
    }

    @Test func `A secret comes from a file or a variable`() throws {
        #expect(try SecretReference("T=@f", delivery: .file).source == .file("f"))
        #expect(try SecretReference("T", delivery: .file).source == .environment("T"))
        for text in ["T=", "T=@", "=@f", "T=v", "a/b=@f", "../x=@f"] {
            #expect(throws: SpecError.self, "\(text)") { try SecretReference(text, delivery: .file) }
        }
    }

    @Test func `The host's root is a word, a directory of that name a path`() throws {
        #expect(try RootfsReference("host") == .host)
        #expect(try RootfsReference("./host") == .directory("./host"))
        #expect(throws: SpecError.self) { try RootfsReference("") }
    }
}
