// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import Storage
import Testing

@testable import Engine

/// What becomes of a sandbox whose end nobody waited for.
@Suite struct StoreSettlementTests {
    private func events(_ store: SandboxStore) throws -> [SandboxEvent] {
        let text = try readText("\(store.path)/events.jsonl") ?? ""
        return try text.split(separator: "\n").map { try SandboxEvent(json: Array($0.utf8)) }
    }

    @Test func `one that ended by itself has a verdict, and the time of its end`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web"))
            let end = realTimeNanoseconds()
            try made.pretendToHaveRun(verdict: verdictBytes(ended: end))
            let entry = try #require(try made.look())
            #expect(entry.state == .exited)
            #expect(entry.problem == nil)
            #expect(entry.status?.ended?.nanoseconds == end)
            #expect(entry.status?.verdict?["exit-status"]?.jsonText == "3\n")
            #expect(entry.status?.verdict?["name"]?.jsonText == "\"web\"\n")
            #expect(entry.status?.isSettled == true)
            // As long as it is asked for.
            #expect(try made.look()?.status?.node.jsonText == entry.status?.node.jsonText)
            let told = try events(store)
            #expect(told.map(\.kind) == [.created, .exited])
            #expect(told.last?.attributes == ["exit-status": "3", "exit-code": "3"])
            #expect(told.last?.time.nanoseconds == end)
        }
    }

    @Test func `without a time, or with one that cannot be, the verdict's file has it`() throws {
        try withStore { store in
            for time in [nil, 0, .max, -1] as [Int64?] {
                let made = try store.create(plainSpec())
                let before = realTimeSeconds()
                try made.pretendToHaveRun(verdict: verdictBytes(ended: time))
                let ended = try #require(try made.look()?.status?.ended)
                #expect(
                    (before...realTimeSeconds()).contains(ended.nanoseconds / 1_000_000_000),
                    "\(String(describing: time))")
            }
        }
    }

    @Test func `a limit is an event of its own`() throws {
        try withStore { store in
            let made = try store.create(plainSpec())
            // SIGKILL, by the deadline.
            try made.pretendToHaveRun(verdict: verdictBytes(status: 9, reason: 1))
            _ = try made.look()
            let told = try events(store)
            #expect(told.map(\.kind) == [.created, .limit, .exited])
            #expect(told[1].attributes == ["limit": "time"])
            #expect(told[2].attributes == ["exit-status": "137", "signal": "SIGKILL", "limit": "time"])
        }
    }

    @Test func `anything but a whole verdict is none`() throws {
        try withStore { store in
            let whole = verdictBytes(ended: 1)
            var wrong: [[UInt8]?] = [nil, [], whole + [0], Array(repeating: 0xff, count: 200)]
            for count in 1..<whole.count where count != whole.count - 8 { wrong.append(Array(whole[..<count])) }
            for bytes in wrong {
                let made = try store.create(plainSpec())
                try made.pretendToHaveRun(verdict: bytes)
                let entry = try #require(try made.look())
                #expect(entry.state == .dead, "\(bytes?.count ?? -1)")
                #expect(entry.status?.loss == .killed)
                #expect(entry.status?.verdict == nil)
                try made.remove()
            }
            #expect(try events(store).filter { $0.kind == .killed }.count == wrong.count)
        }
    }

    @Test func `one that removes itself is gone when its end is seen`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web")) { $0.removesItself = true }
            #expect(try store.list().count == 1)
            try made.pretendToHaveRun(verdict: verdictBytes())
            #expect(try store.list().isEmpty)
            #expect(try names(in: "\(store.path)/sandboxes").isEmpty)
            #expect(try names(in: "\(store.path)/names").isEmpty)
            #expect(try events(store).map(\.kind) == [.created, .exited, .removed])
        }
    }

    @Test func `one of before the machine's start is gone, and what has its cgroup's path now is left alone`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web"))
            try made.pretendToHaveRun(verdict: verdictBytes()) { status in
                status.bootID = "another"
                // The number is this process's now.
                status.initProcess = (try? ProcessIdentity(of: processID())) ?? nil
                status.cgroups = ["/sys/fs/cgroup/not-martinet's"]
            }
            let entry = try #require(try made.look())
            #expect(entry.state == .gone)
            #expect(entry.problem == nil)
            #expect(entry.status?.cgroups == [])
            try made.remove()
        }
    }

    @Test func `a process of the same number is told apart`() throws {
        try withStore { store in
            let made = try store.create(plainSpec())
            try made.pretendToRun()
            #expect(try made.look()?.state == .running)
            let own = try #require(try ProcessIdentity(of: processID()))
            try made.update { $0.initProcess = ProcessIdentity(pid: own.pid, startTime: own.startTime + 1) }
            #expect(try made.look()?.state == .dead)
        }
    }

    @Test func `one that is being started is starting as long as somebody holds it`() throws {
        try withStore { store in
            let made = try store.create(plainSpec())
            let lock = try made.lock()
            try lock.update { $0.phase = .starting }
            #expect(try made.look()?.state == .starting)
            #expect(try made.tryLock() == nil)
            lock.release()
            #expect(try made.look()?.state == .dead)
            #expect(try made.look()?.status?.loss == .killed)
        }
    }

    @Test func `placeholders go with the end, and what has taken their place stays`() throws {
        try withStore { store in
            let place = "\(store.path)/workspace"
            try makeDirectory(place)
            for name in ["kept", "empty"] { _ = try open("\(place)/\(name)", [.writeOnly, .create], mode: 0o600) }
            let workspace = try #require(try status(of: place))
            let files = try ["kept", "empty"].map { name in
                let found = try #require(try status(of: "\(place)/\(name)"))
                return CreatedPlaceholder(path: name, device: found.device, inode: found.inode, isDirectory: false)
            }
            try writeAll(open("\(place)/kept", .writeOnly), "mine".utf8)
            let made = try store.create(plainSpec())
            try made.pretendToHaveRun(verdict: verdictBytes()) { status in
                status.placeholders = KeptPlaceholders(
                    directory: place, device: workspace.device, inode: workspace.inode, files: files)
            }
            #expect(try made.look()?.status?.placeholders == nil)
            #expect(try names(in: place) == ["kept"])
        }
    }

    @Test func `a cgroup that cannot be removed is tried again`() throws {
        try withStore { store in
            let made = try store.create(plainSpec())
            try made.pretendToHaveRun(verdict: verdictBytes()) { $0.cgroups = ["/tmp/nothing/that/was/made"] }
            // It is no path of a cgroup's: an error, every time.
            for _ in 0..<2 {
                let entry = try #require(try made.look())
                #expect(entry.state == .exited)
                #expect(entry.problem?.contains("/tmp/nothing") == true)
                #expect(entry.status?.isSettled == false)
            }
            #expect(try events(store).filter { $0.kind == .exited }.count == 1)
            try made.update { $0.cgroups = [] }
            #expect(try made.look()?.status?.isSettled == true)
            #expect(try events(store).filter { $0.kind == .exited }.count == 1)
        }
    }

    @Test func `a record that cannot be read is listed, and can be removed`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web"))
            try writeAll(open("\(made.path)/status.json", [.writeOnly, .truncate]), "{\"version\": 9}".utf8)
            let entry = try #require(try store.list().first)
            #expect(entry.state == .dead)
            #expect(entry.problem == "status.json: version: 9 is not 1, this program's")
            #expect(throws: EngineError.self) { try store.create(plainSpec("web")) }
            try store.find("web").remove()
            #expect(try names(in: "\(store.path)/names").isEmpty)
        }
    }
}
