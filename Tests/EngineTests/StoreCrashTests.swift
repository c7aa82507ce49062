// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import Storage
import Synchronization
import TestHost
import Testing

@testable import Engine

/// A process that is killed at any write to the store leaves what can be listed and removed.
///
/// Each step of each operation is the last of a process of its own.
@Suite(.serialized) struct StoreCrashTests {
    enum Operation: String, CaseIterable, Codable {
        case create, rename, settle, settleAndRemove, remove, eventsRotate

        /// What is there before.
        func prepare(_ store: SandboxStore) throws {
            guard self != .create else { return }
            let made = try store.create(plainSpec("web")) { $0.removesItself = self == .settleAndRemove }
            if self == .settle || self == .settleAndRemove {
                try made.pretendToHaveRun(verdict: verdictBytes(ended: realTimeNanoseconds()))
            }
            if self == .eventsRotate {
                try truncate(open("\(store.path)/events.jsonl", .readWrite), to: SandboxStore.eventCapacity)
            }
        }

        func run(_ store: SandboxStore) throws {
            switch self {
            case .create: _ = try store.create(plainSpec("web"))
            case .rename: try store.rename(store.find("web"), to: SandboxName("new"))
            case .settle, .settleAndRemove: _ = try store.list()
            case .remove: try store.find("web").remove()
            case .eventsRotate: try store.announce(SandboxEvent(.exec, #require(store.find("web").status)))
            }
        }
    }

    /// The steps that an operation takes, by their names.
    private func steps(of operation: Operation) throws -> [String] {
        let path = try makeStorePath()
        try operation.prepare(SandboxStore(path: path))
        let seen = Mutex<[String]>([])
        // The store's own directories are there by now.
        try operation.run(SandboxStore(path: path, hook: StoreHook { step in seen.withLock { $0.append(step) } }))
        try TreeRemoval.remove(path)
        return seen.withLock { $0 }
    }

    @Test(arguments: Operation.allCases)
    func `a process killed at any step leaves what can be listed and removed`(_ operation: Operation) async throws {
        let count = try steps(of: operation).count
        #expect(count >= 2, "\(operation)")
        for last in 0..<count {
            let path = try makeStorePath()
            try operation.prepare(SandboxStore(path: path))
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, operation = operation as Operation, last = last as Int] in
                let left = Mutex(last)
                let hook = StoreHook { _ in
                    let isLast = left.withLock { left in
                        left -= 1
                        return left < 0
                    }
                    if isLast { _ = kill(getpid(), SIGKILL) }
                }
                try operation.run(SandboxStore(path: path, hook: hook))
            }
            try expectSound(SandboxStore(path: path), "\(operation) killed at step \(last)")
            try TreeRemoval.remove(path)
        }
    }

    /// All that is there is listed under a name by which it is found and removed; then nothing is left, and every name free.
    private func expectSound(_ store: SandboxStore, _ what: String) throws {
        let inThere = try names(in: "\(store.path)/sandboxes")
        let listed = try store.list()
        // Looking may have removed one that removes itself.
        let left = try names(in: "\(store.path)/sandboxes")
        #expect(listed.map(\.sandbox.id.text).sorted() == left, "\(what)")
        #expect(left.count <= inThere.count)
        for entry in listed {
            let found = try store.find(entry.displayName)
            #expect(found.id == entry.sandbox.id, "\(what)")
            try found.remove()
        }
        #expect(try store.list().isEmpty, "\(what)")
        #expect(try names(in: "\(store.path)/sandboxes").isEmpty, "\(what)")
        for name in ["web", "new"] {
            let made = try store.create(plainSpec(name))
            #expect(try store.find(name).id == made.id, "\(what)")
            try made.remove()
        }
        try store.sweepNames()
        #expect(try names(in: "\(store.path)/names").isEmpty, "\(what)")
        // What was told is told on whole lines.
        for name in ["events.jsonl", "events.1.jsonl"] {
            for line in (try readText("\(store.path)/\(name)", limit: 16 << 20) ?? "").split(separator: "\n")
            where line.utf8.first == 0x7b {
                #expect(throws: Never.self) { try SandboxEvent(json: Array(line.utf8)) }
            }
        }
    }

    @Test func `an end is told once, whenever the process that tells it is killed`() async throws {
        let count = try steps(of: .settle).count
        for last in 0..<count {
            let path = try makeStorePath()
            try Operation.settle.prepare(SandboxStore(path: path))
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, last = last as Int] in
                let left = Mutex(last)
                let hook = StoreHook { _ in
                    let isLast = left.withLock { left in
                        left -= 1
                        return left < 0
                    }
                    if isLast { _ = kill(getpid(), SIGKILL) }
                }
                _ = try SandboxStore(path: path, hook: hook).list()
            }
            let store = try SandboxStore(path: path)
            let entry = try #require(try store.list().first)
            #expect(entry.state == .exited, "step \(last)")
            #expect(entry.status?.verdict?["exit-status"]?.jsonText == "3\n", "step \(last)")
            let text = try readText("\(path)/events.jsonl") ?? ""
            #expect(
                text.split(separator: "\n").filter { $0.contains("\"event\":\"exited\"") }.count == 1, "step \(last)")
            try TreeRemoval.remove(path)
        }
    }
}
