import Testing

// SPDX-License-Identifier: Apache-2.0
@testable import SandboxSpec

@Suite struct SchemaTests {
    private func schema() throws -> SpecNode { try JSONReader.read(Array(SpecSchema.json.utf8)) }

    @Test func `The schema is JSON of draft 2020-12 and knows nothing but keys`() throws {
        let schema = try schema()
        #expect(schema["$schema"]?.text == "https://json-schema.org/draft/2020-12/schema")
        #expect(schema["type"]?.text == "object")
        for object in [schema, try #require(schema["properties"]?["limits"])] {
            guard case .boolean(false)? = object["additionalProperties"]?.value else {
                Issue.record("other keys are allowed")
                continue
            }
        }
    }

    @Test func `The schema has every field and no other`() throws {
        let properties = try #require(try schema()["properties"])
        let top = properties.members.map(\.key)
        let limits = try #require(properties["limits"]?["properties"]).members.map { "limits.\($0.key)" }
        let known = SpecField.all.map(\.path)
        #expect(Set(top).subtracting(["command", "limits"]).union(limits) == Set(known))
        #expect(top.count + limits.count == known.count + 2)
    }

    @Test func `Every field's help is its description`() throws {
        let properties = try #require(try schema()["properties"])
        for field in SpecField.all {
            let home = field.section.flatMap { properties[$0]?["properties"] } ?? properties
            #expect(home[field.key]?["description"]?.text == field.help)
        }
    }

    @Test(arguments: FieldSample.all)
    func `Every sample conforms`(sample: FieldSample) throws {
        let node = try JSONReader.read(Array(sample.document.utf8))
        #expect(SchemaValidator.objection(to: node, by: try schema()) == nil)
    }

    @Test(arguments: FieldSample.all)
    func `What is written conforms`(sample: FieldSample) throws {
        #expect(SchemaValidator.objection(to: try spec(sample.flags).node, by: try schema()) == nil)
    }

    /// Documents that schema and decoder must judge alike.
    static let judged: [(json: String, isValid: Bool)] = [
        ("{}", true), ("[]", false), ("5", false), (#"{"command": ["sleep", 5]}"#, true),
        (#"{"command": "ls"}"#, false),
        (#"{"command": [true]}"#, false), (#"{"command": [1.5]}"#, false), (#"{"colour": 1}"#, false),
        (#"{"limits": {"colour": 1}}"#, false), (#"{"limits": 5}"#, false), (#"{"limits": {}}"#, true),
        (#"{"name": "a..b"}"#, false), (#"{"name": 5}"#, false), (#"{"name": "-a"}"#, false),
        (#"{"name": null}"#, false),
        (#"{"user": 1000}"#, true), (#"{"user": 65536}"#, false), (#"{"user": -1}"#, false),
        (#"{"user": "+5"}"#, false),
        (#"{"user": "0x10"}"#, false), (#"{"user": 1.5}"#, false), (#"{"user": "a:b:c"}"#, false),
        (#"{"group": 5}"#, false), (#"{"group": [65536]}"#, false), (#"{"group": [5, "a"]}"#, false),
        (#"{"workdir": "a"}"#, false), (#"{"workdir": "/a/../b"}"#, false), (#"{"workdir": "/a\nb"}"#, false),
        (#"{"workdir": "/a/..b"}"#, true), (#"{"env": {"A": 5}}"#, true), (#"{"env": {"A": true}}"#, false),
        (#"{"env": {"A": null}}"#, false), (#"{"env": {"1A": "b"}}"#, false), (#"{"env": ["A=b"]}"#, false),
        (#"{"env": {"A": 1.5}}"#, false), (#"{"env": {"A": ""}}"#, true), (#"{"secret": {"A": null}}"#, true),
        (#"{"secret": {"A": "b"}}"#, false), (#"{"secret": {"A": "@"}}"#, false), (#"{"tty": "true"}"#, false),
        (#"{"tty": 1}"#, false), (#"{"stdin": "file"}"#, false), (#"{"hostname": "a_b"}"#, false),
        (#"{"hostname": "a.b-c"}"#, true), (#"{"hostname": "a-"}"#, false), (#"{"hostname": "a..b"}"#, false),
        (#"{"rootfs": ""}"#, false), (#"{"overlay": ""}"#, false), (#"{"bind": ["a"]}"#, false),
        (#"{"bind": ["a:/b:rx"]}"#, false), (#"{"bind": ["a:b"]}"#, false), (#"{"bind": ["a:/b:rw"]}"#, true),
        (#"{"tmpfs": ["/a:big"]}"#, false), (#"{"tmpfs": ["/a:8k"]}"#, true), (#"{"protect": [""]}"#, false),
        (#"{"protect": ["/"]}"#, false), (#"{"hide": ["a/../b"]}"#, false), (#"{"hide": ["..."]}"#, true),
        (#"{"hide": ["/a"]}"#, false), (#"{"hide": ["./."]}"#, false), (#"{"hide": ["./a/"]}"#, true),
        (#"{"show": ["/a"]}"#, false), (#"{"show": ["node_modules"]}"#, true),
        (#"{"cap": ["net-raw"]}"#, false), (#"{"seccomp": "none"}"#, false), (#"{"net": "bridge"}"#, false),
        (#"{"join": {"pid": "/x"}}"#, false), (#"{"join": {"net": ""}}"#, false), (#"{"join": {"net": null}}"#, false),
        (#"{"time-offset": {"realtime": "1s"}}"#, false), (#"{"time-offset": {"boottime": "1"}}"#, false),
        (#"{"time-offset": {"boottime": 1}}"#, false), (#"{"waive": ["all"]}"#, false), (#"{"waive": []}"#, true),
        (#"{"limits": {"memory": "12 parsecs"}}"#, false), (#"{"limits": {"memory": "max"}}"#, true),
        (#"{"limits": {"memory": 1048576}}"#, true), (#"{"limits": {"memory": 1.5}}"#, false),
        (#"{"limits": {"memory": -1}}"#, false), (#"{"limits": {"disk": "max"}}"#, false),
        (#"{"limits": {"cpus": 2}}"#, true), (#"{"limits": {"cpus": "0.5"}}"#, true),
        (#"{"limits": {"cpus": -0.5}}"#, false), (#"{"limits": {"cpus": "half"}}"#, false),
        (#"{"limits": {"pids": 1.5}}"#, false), (#"{"limits": {"pids": -1}}"#, false),
        (#"{"limits": {"pids": "max"}}"#, true), (#"{"limits": {"timeout": 10}}"#, false),
        (#"{"limits": {"timeout": "10"}}"#, false), (#"{"limits": {"timeout": "1m30s"}}"#, true),
        (#"{"limits": {"timeout": "-1s"}}"#, false), (#"{"limits": {"rlimit": {"nofile": 5}}}"#, true),
        (#"{"limits": {"rlimit": {"nofile": "5:x"}}}"#, false), (#"{"limits": {"rlimit": {"files": 5}}}"#, false),
        (#"{"limits": {"rlimit": {"nofile": -5}}}"#, false),
        (#"{"device": ["/dev/fuse"]}"#, true), (#"{"device": ["fuse"]}"#, false), (#"{"device": ["/dev/a:x"]}"#, false),
        (#"{"landlock": "on"}"#, false), (#"{"landlock": 0}"#, false), (#"{"landlock": 6}"#, true),
        (#"{"isolation": "vm"}"#, false), (#"{"audit": 1}"#, false), (#"{"seccomp": "./a.json"}"#, true),
        (#"{"limits": {"memory-high": "x"}}"#, false), (#"{"limits": {"memory-high": "max"}}"#, true),
        (#"{"limits": {"cpu-weight": 0}}"#, false), (#"{"limits": {"cpu-weight": 10001}}"#, false),
        (#"{"limits": {"cpuset": "0-"}}"#, false), (#"{"limits": {"cpuset": 3}}"#, true),
        (#"{"limits": {"cpuset-mems": "a"}}"#, false), (#"{"limits": {"cpu-time": 5}}"#, false),
        (#"{"limits": {"nice": 20}}"#, false), (#"{"limits": {"nice": -20}}"#, true),
        (#"{"limits": {"nice": 1.5}}"#, false),
        (#"{"limits": {"inodes": -1}}"#, false), (#"{"limits": {"inodes": "max"}}"#, false),
        (#"{"limits": {"output": "much"}}"#, false), (#"{"limits": {"io-read": ["/dev/vda"]}}"#, false),
        (#"{"limits": {"io-write": ["/dev/vda:x"]}}"#, false), (#"{"limits": {"io-read-ops": "/dev/vda:5"}}"#, false),
        (#"{"limits": {"io-write-ops": [":5"]}}"#, false), (#"{"limits": {"io-weight": 0}}"#, false),
        (#"{"limits": {"hugetlb": ["2MiB"]}}"#, false), (#"{"limits": {"oom-score-adj": 1001}}"#, false),
        (#"{"limits": {"oom-score-adj": -1000}}"#, true),
    ]

    @Test(arguments: judged)
    func `Schema and decoder judge alike`(json: String, isValid: Bool) throws {
        let node = try JSONReader.read(Array(json.utf8))
        let objection = SchemaValidator.objection(to: node, by: try schema())
        #expect((objection == nil) == isValid, "the schema says \(objection ?? "nothing")")
        let error = message { _ = try SandboxSpec(json: json) }
        #expect((error == nil) == isValid, "the decoder says \(error ?? "nothing")")
    }

    @Test func `Every field has a document among these that is refused`() {
        let refused = Self.judged.filter { !$0.isValid }.map(\.json)
        for field in SpecField.all where !field.isSwitch && field.key != "secret-file" && field.key != "swap" {
            let isThere = refused.contains { $0.contains("\"\(field.key)\"") }
            #expect(isThere || field.key == "workspace", "\(field.path)")
        }
    }
}
