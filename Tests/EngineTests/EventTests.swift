// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import Storage
import TestHost
import Testing

@testable import Engine

/// What happened to sandboxes, kept and followed.
@Suite struct EventTests {
    private func kept(_ store: SandboxStore) throws -> [SandboxEvent] {
        let follower = try EventFollower(store, follows: false)
        var events: [SandboxEvent] = []
        while let event = try follower.next() { events.append(event) }
        return events
    }

    @Test func `an event is read back as it was told`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web")) { $0.labels = ["a": "\u{1b}\u{202e}\n"] }
            let status = try #require(made.status)
            let event = SandboxEvent(.exec, status, attributes: ["command": "\"x\"\n{"])
            try store.announce(event)
            #expect(try kept(store) == [SandboxEvent(.created, status, at: status.created), event])
            #expect(event.line.split(separator: "\n").count == 1)
            #expect(!event.line.contains("\u{1b}"))
        }
    }

    @Test func `a life is told in its order`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web"))
            try store.rename(made, to: SandboxName("new"))
            try made.pretendToHaveRun(verdict: verdictBytes())
            _ = try made.look()
            try made.remove()
            let events = try kept(store)
            #expect(events.map(\.kind) == [.created, .renamed, .exited, .removed])
            #expect(events.map(\.name) == ["web", "new", "new", "new"])
            #expect(events[1].attributes == ["old-name": "web"])
            #expect(events.allSatisfy { $0.id == made.id })
        }
    }

    @Test func `a full file is put aside, and both are read`() throws {
        try withStore { store in
            let status = try #require(try store.create(plainSpec("web")).status)
            let long = String(repeating: "x", count: 1 << 16)
            for index in 0..<200 { try store.announce(SandboxEvent(.exec, status, attributes: ["\(index)": long])) }
            let sizes = try ["events.jsonl", "events.1.jsonl"].map {
                Int(try #require(try LinuxKernel.status(of: "\(store.path)/\($0)")).size)
            }
            #expect(sizes.allSatisfy { $0 <= SandboxStore.eventCapacity + (1 << 17) }, "\(sizes)")
            let found = try kept(store).compactMap { $0.attributes.keys.first.flatMap { Int($0) } }
            #expect(found.count >= SandboxStore.eventCapacity / (1 << 17))
            #expect(found == Array(200 - found.count..<200))
        }
    }

    @Test func `a line that was cut off is passed over, and the next is whole`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web"))
            let file = try open("\(store.path)/events.jsonl", [.writeOnly, .append])
            try writeAll(file, "{\"time\": \"20".utf8)
            try made.remove()
            #expect(try kept(store).map(\.kind) == [.created, .removed])
        }
    }

    @Test func `many who tell at once tell whole lines`() async throws {
        let path = try makeStorePath()
        let store = try SandboxStore(path: path)
        let status = try #require(try store.create(plainSpec("web")).status)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for index in 0..<50 {
                        try? SandboxStore(path: path).announce(
                            SandboxEvent(.exec, status, attributes: ["n": "\(task).\(index)"]))
                    }
                }
            }
        }
        #expect(try kept(store).filter { $0.kind == .exec }.count == 400)
        try store.find("web").remove()
        try TreeRemoval.remove(path)
    }

    @Test func `a follower brings the end about that nobody waits for, within a tenth of a second`() async {
        await #expect(processExitsWith: .success) {
            try withStore { store in
                let made = try store.create(plainSpec("web"))
                let null = try open("/dev/null", .readWrite)
                let pid = try spawn(
                    SpawnRequest(
                        path: "/bin/sh", arguments: ["sh", "-c", "sleep 0.5; date +%s%N >\(store.path)/end"],
                        environment: ["PATH=/usr/bin:/bin"], standardOutput: null.rawValue,
                        standardError: null.rawValue))
                let process = try #require(try ProcessIdentity(of: pid))
                try writeAll(made.lock().makeFile("verdict"), verdictBytes())
                let follower = try EventFollower(store, follows: true, skipsKept: true)
                // Only what is told of it makes the follower look for what runs.
                let status = try made.update { status in
                    status.phase = .running
                    status.started = .now()
                    status.initProcess = process
                }
                try store.announce(SandboxEvent(.started, status))
                #expect(try follower.next()?.kind == .started)
                let end = try #require(try follower.next())
                let seen = realTimeNanoseconds()
                #expect(end.kind == .exited)
                #expect(try reap(pid) == .exited(0))
                let text = try readText("\(store.path)/end") ?? ""
                let ended = try #require(Int64(text.filter { $0 != "\n" }))
                #expect(Duration.nanoseconds(seen - ended) < .milliseconds(100).patient)
                #expect(made.status?.phase == .exited)
            }
        }
    }

    @Test func `a follower ends when it is told to`() throws {
        try withStore { store in
            let follower = try EventFollower(store, follows: true, skipsKept: true)
            let soon = Timestamp(nanoseconds: realTimeNanoseconds() + 50_000_000)
            #expect(try follower.next(until: soon) == nil)
            #expect(Timestamp.now() >= soon)
        }
    }

    @Test func `a filter picks any of one key's values, and all of several keys`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web")) { $0.labels = ["tier": "front", "x": ""] }
            let entry = try #require(try made.look())
            func picks(_ texts: [String]) throws -> Bool {
                try StoreFilter(texts, keys: [.label, .state, .name]).picks(entry)
            }
            for texts in [
                [], ["label=tier"], ["label=tier=front"], ["label=x="], ["state=created"], ["name=web"],
                ["name=\(made.id.short)"], ["state=exited", "state=created"], ["label=tier", "name=web"],
            ] { #expect(try picks(texts), "\(texts)") }
            for texts in [
                ["label=none"], ["label=tier=back"], ["state=exited"], ["name=we"], ["label=tier", "name=other"],
            ] { #expect(try !picks(texts), "\(texts)") }
            let event = SandboxEvent(.oom, try #require(made.status))
            #expect(try StoreFilter(["event=oom", "label=tier=front"], keys: [.event, .label]).picks(event))
            #expect(try !StoreFilter(["event=exited"], keys: [.event, .label]).picks(event))
            for (text, expected) in [
                ("stat=x", "did you mean \"state\"?"), ("state", "is not KEY=VALUE"), ("state=", "is not KEY=VALUE"),
                ("state=runing", "did you mean \"running\"?"), ("event=oom", "is not KEY=VALUE"),
            ] {
                do throws(SpecError) {
                    _ = try StoreFilter([text], keys: [.label, .state, .name])
                    Issue.record("\(text) was read")
                } catch { #expect(error.message.contains(expected), "\(error)") }
            }
        }
    }
}
