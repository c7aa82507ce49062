// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import Storage
import Testing

@testable import Engine

/// The record of a sandbox: written and read back as it was, and nothing but that.
@Suite struct StoreStatusTests {
    private static func full() throws -> SandboxStatus {
        var spec = SandboxSpec()
        spec.name = try SandboxName("web")
        spec.command = ["sh", "-c", "echo \u{1b}[2J \"\n"]
        spec.user = try UserReference("7:8")
        let id = try #require(SandboxID("0123456789abcdef"))
        var status = SandboxStatus(
            id: id, spec: spec, created: Timestamp(nanoseconds: 1_700_000_000_123_456_789), bootID: "boot")
        status.phase = .exited
        status.started = Timestamp(nanoseconds: 1_700_000_001_000_000_000)
        status.ended = Timestamp(nanoseconds: 1_700_000_002_000_000_001)
        status.initProcess = ProcessIdentity(pid: 4711, startTime: .max)
        status.agentPID = 2
        status.cgroups = ["/sys/fs/cgroup/martinet/web-1"]
        let file = CreatedPlaceholder(path: ".git/hooks", device: 1, inode: 2, isDirectory: true, size: 3)
        status.placeholders = KeptPlaceholders(directory: "/home/x", device: 4, inode: 5, files: [file])
        var level = ConfinementLevel()
        level.namespaces = ["user", "pid"]
        level.identity = "uid 1"
        level.landlock = 6
        level.closedWords = "closed"
        status.confinement = level
        status.labels = ["b": "2", "a": "\u{202e}1"]
        status.removesItself = true
        status.restart = .onFailure(most: 3)
        status.logCapacity = 1
        status.verdict = SpecNode(["exit-status": SpecNode(3)])
        status.loss = .gone
        status.isSettled = false
        return status
    }

    @Test func `every field is read back as it was written`() throws {
        let status = try Self.full()
        let text = status.node.jsonText
        let again = try SandboxStatus(json: Array(text.utf8))
        #expect(again.node.jsonText == text)
        #expect(again.placeholders == status.placeholders)
        #expect(again.confinement == status.confinement)
        #expect(again.labels == status.labels)
        #expect(again.initProcess == status.initProcess)
        #expect(again.restart == status.restart)
    }

    @Test func `what was not known is read back as not known`() throws {
        let id = try #require(SandboxID("0123456789abcdef"))
        let status = SandboxStatus(id: id, spec: SandboxSpec(), created: .now(), bootID: "b")
        let again = try SandboxStatus(json: Array(status.node.jsonText.utf8))
        #expect(again.node.jsonText == status.node.jsonText)
        #expect(again.name == nil && again.started == nil && again.verdict == nil && again.loss == nil)
        #expect(again.user == "default")
    }

    @Test func `an error names the field`() throws {
        let text = try Self.full().node.jsonText
        let changes: [(String, String, String)] = [
            ("\"version\": 1", "\"version\": 2", "version: 2 is not 1, this program's"),
            ("\"phase\": \"exited\"", "\"phase\": \"ended\"", "phase: \"ended\" is none of created, starting"),
            ("\"pid\": 4711", "\"pid\": 0", "init.pid: 0 is no process"),
            ("\"pid\": 4711", "\"pid\": \"1\"", "init.pid: the text \"1\" is not a whole number from"),
            ("\"inode\": 2", "\"inode\": -2", "placeholders.files[0].inode: the number -2 is not a whole number"),
            ("\"agent-pid\": 2", "\"agent-pid\": 4294967296", "agent-pid: the number 4294967296 is not"),
            ("\"settled\": false", "\"settled\": null", "settled: null stands where a value belongs"),
            ("\"settled\": false", "\"settled\": false, \"more\": 1", "\"more\": unknown key"),
            ("\"settled\": false", "\"other\": false", "settled: is missing"),
            ("\"b\": \"2\"", "\"b\": 2", "labels.\"b\": 2 is a number"),
            ("\"0123456789abcdef\"", "\"0123456789ABCDEF\"", "id: \"0123456789ABCDEF\" is not an id"),
            ("2023-11-14T22:13:20", "2023-02-29T22:13:20", "created: \"2023-02-29T22:13:20"),
        ]
        for (old, new, expected) in changes {
            let changed = text.replacing(old, with: new, maxReplacements: 1)
            #expect(changed != text, "\(old)")
            do throws(SpecError) {
                _ = try SandboxStatus(json: Array(changed.utf8))
                Issue.record("\(new) was read")
            } catch { #expect(error.description.contains(expected), "\(error)") }
        }
    }

    @Test func `a record cut off anywhere is an error`() throws {
        let bytes = Array(try Self.full().node.jsonText.utf8)
        for count in 0..<bytes.count - 2 {
            #expect(throws: SpecError.self) { try SandboxStatus(json: Array(bytes[..<count])) }
        }
    }

    @Test func `a long command is kept short`() throws {
        var spec = SandboxSpec()
        spec.command = ["sh"] + Array(repeating: String(repeating: "x", count: 3000), count: 1000)
        let id = try #require(SandboxID("0123456789abcdef"))
        let status = SandboxStatus(id: id, spec: spec, created: .now(), bootID: "b")
        #expect(status.command.count == 4)
        #expect(status.command.last == "…")
        #expect(status.node.jsonText.utf8.count < 8192)
    }

    @Test func `times are written and read as RFC 3339 has them`() throws {
        let known: [(Int64, String)] = [
            (0, "1970-01-01T00:00:00.000000000Z"), (1, "1970-01-01T00:00:00.000000001Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"), (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
            (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z"),
            (.max, "2262-04-11T23:47:16.854775807Z"), (.min + 1, "1677-09-21T00:12:43.145224193Z"),
        ]
        for (nanoseconds, text) in known {
            #expect(Timestamp(nanoseconds: nanoseconds).description == text)
            // The first second of all is beyond what a product of seconds can be.
            if nanoseconds > .min + 1_000_000_000 { #expect(Timestamp(text)?.nanoseconds == nanoseconds, "\(text)") }
        }
        #expect(Timestamp("2023-11-14T23:13:20.5+01:00")?.nanoseconds == 1_700_000_000_500_000_000)
        for wrong in [
            "", "2023-11-14", "2023-13-14T00:00:00Z", "2023-11-31T00:00:00Z", "2023-11-14T24:00:00Z",
            "2023-11-14T22:13:20", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20.1234567890Z",
            "2023-11-14T22:13:20Zx", "+023-11-14T22:13:20Z", "9999-12-31T23:59:59Z", "2023-11-14T22:13:20+24:00",
        ] {
            #expect(Timestamp(wrong) == nil, "\(wrong)")
        }
        let now = Timestamp(nanoseconds: 100_000_000_000)
        #expect(try Timestamp(option: "10s", now: now).nanoseconds == 90_000_000_000)
        #expect(try Timestamp(option: "17", now: now).nanoseconds == 17_000_000_000)
        #expect(try Timestamp(option: "1970-01-02", now: now).nanoseconds == 86_400_000_000_000)
        #expect(throws: SpecError.self) { try Timestamp(option: "yesterday", now: now) }
    }

    @Test func `a process's start is read whatever its name is`() {
        let rest = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21\n"
        #expect(ProcessIdentity.startTime(in: "7 (sh)\(rest)") == 4242)
        #expect(ProcessIdentity.startTime(in: "7 (a) S 1 (b)\(rest)") == 4242)
        #expect(ProcessIdentity.startTime(in: "7 (sh) S 1 2") == nil)
        #expect(ProcessIdentity.startTime(in: "") == nil)
    }
}
