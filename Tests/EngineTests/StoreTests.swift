// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import Storage
import Testing

@testable import Engine

/// Where sandboxes are written down and found again.
@Suite struct StoreTests {
    private func error(_ body: () throws -> Void) -> EngineError? {
        do { try body() } catch { return error as? EngineError }
        return nil
    }

    @Test func `a sandbox is found by its name, its id, and the beginning of its id`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web"))
            for text in ["web", made.id.text, made.id.short, String(made.id.text.prefix(1))] {
                #expect(try store.find(text).id == made.id, "\(text)")
            }
            // Another process finds it too.
            #expect(try SandboxStore(path: store.path).find("web").spec() == plainSpec("web"))
        }
    }

    @Test func `a sandbox without a name goes by its first twelve digits`() throws {
        try withStore { store in
            let made = try store.create(plainSpec())
            let entry = try #require(try store.list().first)
            #expect(entry.displayName == made.id.short)
            #expect(entry.displayName.utf8.count == 12)
            #expect(entry.state == .created)
            #expect(try names(in: "\(store.path)/names").isEmpty)
        }
    }

    @Test func `a name that is unknown is answered with the nearest`() throws {
        try withStore { store in
            _ = try store.create(plainSpec("build"))
            let found = error { _ = try store.find("biuld") }
            #expect(found?.code == .unknownSandbox)
            #expect(found?.message == "find sandbox \"biuld\": there is none; did you mean \"build\"?")
            #expect(found?.hint == "martinet ps -a lists them")
            #expect(error { _ = try store.find("\u{1b}[2J") }?.message.contains("\u{1b}") == false)
        }
    }

    @Test func `the beginning of two ids is answered with both`() throws {
        try withStore { store in
            // Seventeen ids of sixteen first digits.
            var made: [String] = []
            for _ in 0..<17 { made.append(try store.create(plainSpec()).id.text) }
            let (first, all) = Self.shared(made)
            #expect(all.count > 1)
            let found = error { _ = try store.find(first) }
            #expect(found?.code == .unknownSandbox)
            #expect(found?.message == "find sandbox \"\(first)\": \(all.count) ids begin so")
            #expect(found?.hint?.hasPrefix("one of: \(all[0])") == true)
        }
    }

    /// A first digit of more than one id, and these ids in order.
    private static func shared(_ ids: [String]) -> (first: String, ids: [String]) {
        let groups = Dictionary(grouping: ids) { String($0.prefix(1)) }
        let group = groups.first { $0.value.count > 1 }
        return (group?.key ?? "", (group?.value ?? []).sorted())
    }

    @Test func `a name is taken once`() throws {
        try withStore { store in
            let first = try store.create(plainSpec("web"))
            let second = error { _ = try store.create(plainSpec("web")) }
            #expect(second?.code == .nameTaken)
            #expect(second?.message == "name a sandbox web: sandbox \(first.id.short) has this name")
            #expect(try names(in: "\(store.path)/sandboxes") == [first.id.text])
        }
    }

    @Test func `a name that looks like an id is refused, a short one goes before the beginning of an id`() throws {
        try withStore { store in
            #expect(error { _ = try store.create(plainSpec("0123456789ab")) }?.code == .invalidSpec)
            #expect(error { _ = try store.create(plainSpec("0123456789abcdef")) }?.code == .invalidSpec)
            let other = try store.create(plainSpec())
            let named = try store.create(plainSpec(String(other.id.text.prefix(2))))
            #expect(try store.find(String(other.id.text.prefix(2))).id == named.id)
            #expect(try store.find(String(other.id.text.prefix(11))).id == other.id)
        }
    }

    @Test func `renaming moves the name`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("old"))
            _ = try store.create(plainSpec("taken"))
            try store.rename(made, to: SandboxName("new"))
            #expect(try store.find("new").id == made.id)
            #expect(error { _ = try store.find("old") }?.code == .unknownSandbox)
            #expect(error { try store.rename(made, to: SandboxName("taken")) }?.code == .nameTaken)
            #expect(error { try store.rename(made, to: SandboxName("deadbeefdead")) }?.code == .invalidSpec)
            #expect(try store.find("new").id == made.id)
            #expect(try names(in: "\(store.path)/names") == ["new", "taken"])
            let nameless = try store.create(plainSpec())
            try store.rename(nameless, to: SandboxName("old"))
            #expect(try store.find("old").id == nameless.id)
        }
    }

    @Test func `removing leaves nothing, and the second who tries is told`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web"))
            let lock = try made.lock()
            for name in ["log.0", "log.1", "verdict", "init.sock"] { _ = try lock.makeFile(name) }
            lock.release()
            try made.remove()
            #expect(try names(in: "\(store.path)/sandboxes").isEmpty)
            #expect(try names(in: "\(store.path)/names").isEmpty)
            let again = error { try made.remove() }
            #expect(again?.code == .unknownSandbox)
            #expect(again?.message == "find sandbox \(made.id.short): it has been removed")
        }
    }

    @Test func `what is alive is not removed, unless it is killed first`() async {
        await #expect(processExitsWith: .success) {
            try withStore { store in
                let made = try store.create(plainSpec("web"))
                let null = try open("/dev/null", .readWrite)
                let pid = try spawn(
                    SpawnRequest(
                        path: "/bin/sleep", arguments: ["sleep", "600"], environment: [], standardOutput: null.rawValue,
                        standardError: null.rawValue))
                let process = try #require(try ProcessIdentity(of: pid))
                try made.update { status in
                    status.phase = .running
                    status.started = .now()
                    status.initProcess = process
                }
                #expect(try made.look()?.state == .running)
                #expect(throws: EngineError.self) { try made.remove() }
                #expect(try made.look()?.state == .running)
                try made.remove(force: true)
                #expect(try reap(pid) == .signaled(SIGKILL))
                #expect(try names(in: "\(store.path)/sandboxes").isEmpty)
            }
        }
    }

    @Test func `a store that others may enter, or that is a link, is not used`() throws {
        let path = try makeStorePath()
        try makeDirectory(path, mode: 0o700)
        try changeMode(open(path, .directory), 0o750)
        let open = error { _ = try SandboxStore(path: path) }
        #expect(open?.code == .storeFailed)
        #expect(open?.hint == "its owner removes it, or: chmod go= \(path)")
        try makeSymlink("\(path).link", to: path)
        #expect(error { _ = try SandboxStore(path: "\(path).link") }?.code == .storeFailed)
        try remove("\(path).link")
        try remove(path, directory: true)
        #expect(error { _ = try SandboxStore(path: "\(path)/not/there") }?.hint == "make its parent directory first")
    }

    @Test(.enabled(if: isRoot, "only root can give a directory away: run the tests as root"))
    func `another user's store, and a sandbox of another's, are not used`() throws {
        try withStore { store in
            let made = try store.create(plainSpec("web"))
            try changeOwner(open(made.path, .directory), uid: 65534, gid: 65534)
            #expect(error { _ = try made.lock() }?.code == .storeFailed)
            // The others are listed all the same.
            let ended = try store.create(plainSpec("ended"))
            try ended.pretendToHaveRun(verdict: verdictBytes())
            try changeOwner(open(ended.path, .directory), uid: 65534, gid: 65534)
            let sound = try store.create(plainSpec("sound"))
            let entries = try store.list()
            #expect(entries.first { $0.sandbox.id == sound.id }?.state == .created)
            #expect(entries.first { $0.sandbox.id == ended.id }?.problem?.contains("belongs to somebody else") == true)
            #expect(error { _ = try made.spec() }?.code == .storeFailed)
            try changeOwner(open(store.path, .directory), uid: 65534, gid: 65534)
            #expect(error { _ = try SandboxStore(path: store.path) }?.code == .storeFailed)
        }
    }

    @Test func `the environment says where the store is, or the error says how`() throws {
        #expect(try SandboxStore.defaultPath(["MARTINET_STATE_DIR": "/x/y"]) == "/x/y")
        #expect(error { _ = try SandboxStore.defaultPath(["MARTINET_STATE_DIR": "x"]) }?.code == .unavailable)
        guard !isRoot else {
            #expect(try SandboxStore.defaultPath(["XDG_RUNTIME_DIR": "/run/user/0"]) == "/run/martinet")
            return
        }
        #expect(try SandboxStore.defaultPath(["XDG_RUNTIME_DIR": "/run/user/7"]) == "/run/user/7/martinet")
        #expect(error { _ = try SandboxStore.defaultPath([:]) }?.hint?.contains("XDG_RUNTIME_DIR=/run/user/") == true)
    }

    @Test func `of many who want one name at once, one gets it`() async throws {
        let path = try makeStorePath()
        let outcomes = await withTaskGroup(of: EngineError?.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    do { _ = try SandboxStore(path: path).create(plainSpec("web")) } catch {
                        return error as? EngineError
                    }
                    return nil
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == nil }.count == 1)
        #expect(outcomes.compactMap { $0 }.allSatisfy { $0.code == .nameTaken })
        #expect(try SandboxStore(path: path).list().count == 1)
        try TreeRemoval.remove(path)
    }

    @Test func `of many who remove one sandbox at once, one does`() async throws {
        let path = try makeStorePath()
        let made = try SandboxStore(path: path).create(plainSpec("web"))
        let outcomes = await withTaskGroup(of: EngineError?.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    do { try made.remove() } catch { return error as? EngineError }
                    return nil
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == nil }.count == 1)
        #expect(outcomes.compactMap { $0 }.allSatisfy { $0.code == .unknownSandbox })
        #expect(try names(in: "\(path)/sandboxes").isEmpty)
        try TreeRemoval.remove(path)
    }
}
