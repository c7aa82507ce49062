// SPDX-License-Identifier: Apache-2.0
import SandboxSpec
import Testing

@Suite struct DocumentLimitsTests {
    @Test(
        arguments: [
            ("a: &x 1", "1:4: an anchor; write the value where it is used"),
            ("&x {}", "1:1: an anchor; write the value where it is used"),
            ("a: &x [b]\nc: *x", "1:4: an anchor; write the value where it is used"),
            ("a: !!str 5", "1:4: a tag; write the value alone, in quotes for a text"),
            ("a: !x [1]", "1:4: a tag; write the value alone, in quotes for a text"),
            ("tty: true\ntty: false", #"2:1: the key "tty" stands here twice"#),
            ("limits: {memory: 1MiB, memory: 2MiB}", #"1:24: the key "memory" stands here twice"#),
            ("[a]: 1", "1:1: a key is a plain text"),
            ("tty: true\n---\ntty: false", "2:1: a second document; write one a file"),
            ("", "1:1: the document is empty"),
            ("# nothing", "2:1: the document is empty"),
            ("a: [1\nb: }", "2:2: did not find expected ',' or ']'"),
        ])
    func `YAML that hides or unfolds something is refused with its place`(yaml: String, expected: String) {
        #expect(message { _ = try SandboxSpec(yaml: yaml) } == expected)
    }

    @Test func `An alias without an anchor is refused`() {
        #expect(message { _ = try SandboxSpec(yaml: "a: *x") } == "1:4: an alias; write the value itself")
    }

    @Test(
        arguments: [
            (#"{"tty": true, "tty": false}"#, #"1:15: the key "tty" stands here twice"#),
            (#"{"tty": true, "t\u0074y": false}"#, #"1:15: the key "tty" stands here twice"#),
            (#"{"tty": true,}"#, "1:14: a key in double quotes belongs here"),
            (#"{"command": ["a",]}"#, "1:18: a value belongs here"),
            (#"{"tty": True}"#, "1:9: a value belongs here"),
            (#"{"tty" true}"#, "1:8: ':' and a value belong here"),
            (#"{"tty": true} x"#, "1:15: something follows the document"),
            (#"{"tty": true"#, "1:13: ',' or '}' belongs here"),
            ("{\"command\": [\"é\n\"]}", "1:16: a control character in a text; write \\n or \\u00XX"),
            (#"{"command": ["\ud800"]}"#, "1:15: half of a surrogate pair"),
            (#"{"command": ["\udc00\ud800"]}"#, "1:15: half of a surrogate pair"),
            (#"{"command": ["\ud800\u0041"]}"#, "1:15: half of a surrogate pair"),
            (#"{"command": ["\u12g4"]}"#, "1:17: four hexadecimal digits belong after \\u"),
            (#"{"command": ["\x"]}"#, "1:16: not an escape of JSON"),
            (#"{"command": [01]}"#, "1:14: not a number of JSON"),
            (#"{"command": [1.]}"#, "1:14: not a number of JSON"),
            (#"{"command": [-]}"#, "1:14: not a number of JSON"),
            (#"{"command": [1e]}"#, "1:14: not a number of JSON"),
            (#"{"command": ["a"#, "1:16: a text has no end"),
            (#"{"command": ["a\"#, "1:17: not an escape of JSON"),
            ("\n ", "2:2: the document is empty"),
        ])
    func `What is not JSON is refused with its place`(json: String, expected: String) {
        #expect(message { _ = try SandboxSpec(json: json) } == expected)
    }

    @Test func `JSON's escapes and numbers mean what they mean`() throws {
        let json = #"{"command": ["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00", 0, -12, 10]}"#
        #expect(
            try SandboxSpec(json: json).command
                == ["\"\\/\u{8}\u{c}\n\r\té\u{1f600}", "0", "-12", "10"])
    }

    @Test(arguments: [SpecFormat.yaml, .json])
    func `Sixty-four levels are read and the next is refused`(format: SpecFormat) {
        func text(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        let read = message { _ = try SandboxSpec(document: text(64), format: format) }
        #expect(read == "a list is not a spec; write keys and values, as command: [\"true\"]")
        for depth in [65, 5000, 200_000] {
            let refused = message { _ = try SandboxSpec(document: text(depth), format: format) }
            #expect(refused == "1:65: lists and maps nest deeper than 64", "\(depth)")
        }
    }

    @Test(arguments: [SpecFormat.yaml, .json])
    func `A document of more than one MiB is refused`(format: SpecFormat) {
        let long = Array("{\"command\": [\"\(String(repeating: "x", count: 1 << 20))\"]}".utf8)
        let text = message { _ = try SandboxSpec(document: long, format: format, fileName: "j") }
        #expect(text == "j: a document of \(long.count) bytes is longer than 1MiB")
    }

    @Test(arguments: [SpecFormat.yaml, .json])
    func `A value of nearly one MiB is answered in a short message`(format: SpecFormat) {
        let long = Array("{\"name\": \"\(String(repeating: "x", count: 1_000_000))\"}".utf8)
        let text = message { _ = try SandboxSpec(document: long, format: format) } ?? ""
        #expect(text.contains("is not a name") && text.utf8.count < 400)
    }

    @Test(arguments: [SpecFormat.yaml, .json])
    func `Invalid UTF-8 and raw NUL are refused`(format: SpecFormat) {
        for bytes in [[0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d], [0x22, 0, 0x22], [0x22, 0xc0, 0x80, 0x22]]
            as [[UInt8]]
        {
            #expect(message { _ = try SandboxSpec(document: bytes, format: format) } != nil)
        }
    }

    @Test(arguments: [SpecFormat.yaml, .json])
    func `An escaped NUL is refused wherever the kernel would cut a text at it`(format: SpecFormat) throws {
        for document in [
            #"{"name": "a\u0000b"}"#, #"{"workdir": "/a\u0000b"}"#, #"{"rootfs": "a\u0000b"}"#,
            #"{"bind": ["a\u0000b:/c"]}"#,
            #"{"bind": ["a:/c\u0000d"]}"#, #"{"env": {"A": "b\u0000c"}}"#, #"{"env": {"A\u0000": "b"}}"#,
            #"{"hide": ["a\u0000"]}"#, #"{"overlay": "\u0000"}"#, #"{"workspace": "a\u0000"}"#,
            #"{"hostname": "a\u0000"}"#,
            #"{"secret": {"A": "@b\u0000"}}"#, #"{"join": {"net": "a\u0000"}}"#, #"{"user": "a\u0000"}"#,
        ] {
            let bytes = Array(document.utf8)
            #expect(message { _ = try SandboxSpec(document: bytes, format: format) } != nil, "\(document)")
        }
        let command = try SandboxSpec(document: Array(#"{"command": ["a", "b\u0000"]}"#.utf8), format: format)
        #expect(message { try command.validate() } == "command[1]: an argument holds a NUL byte, which none may")
    }

    @Test func `A file's name or its first letter tells the format`() {
        #expect(SpecFormat(fileName: "a.json", contents: []) == .json)
        #expect(SpecFormat(fileName: "a.yml", contents: Array("{}".utf8)) == .yaml)
        #expect(SpecFormat(fileName: "-", contents: Array("\n {}".utf8)) == .json)
        #expect(SpecFormat(fileName: "-", contents: Array("tty: true".utf8)) == .yaml)
    }
}
