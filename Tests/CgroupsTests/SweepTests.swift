// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

@testable import Cgroups

@Suite(.enabled(if: TestMachine.canTest, "needs root, or a delegated cgroup v2 with memory, cpu and pids"))
struct SweepTests {
    let layout: CgroupLayout

    init() throws { layout = try #require(TestMachine.layout) }

    /// Makes cgroups and lets go of them, as a launcher does that is killed; returns their paths.
    private func makeAbandoned(_ purpose: String) throws -> [String] {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name(purpose), limits: TestMachine.all, layout: layout)
        return cgroup.paths
    }

    /// Makes directories look an hour old.
    private func age(_ paths: [String]) throws {
        for path in paths {
            let hourAgo = Date(timeIntervalSinceNow: -3600)
            try FileManager.default.setAttributes([.modificationDate: hourAgo], ofItemAtPath: path)
        }
    }

    private func sweep() -> [String] { CgroupSweep.run(layout: layout).filter { $0.hasSuffix("-\(processID())") } }

    @Test func `what belongs to nobody is removed, with what is below it`() throws {
        let abandoned = try makeAbandoned("abandoned")
        try makeDirectory("\(abandoned[0])/inner")
        try makeDirectory("\(abandoned[0])/inner/innermost")
        try age(abandoned)
        #expect(sweep().sorted() == abandoned.sorted())
        #expect(abandoned.filter(TestMachine.exists).isEmpty)
        #expect(sweep() == [])
    }

    @Test func `what a launcher holds stays, however old and empty`() throws {
        let held = try SandboxCgroup.create(name: TestMachine.name("held"), limits: TestMachine.all, layout: layout)
        let paths = held.paths
        try makeDirectory("\(paths[0])/inner")
        try age(paths)
        #expect(sweep() == [])
        #expect((paths + ["\(paths[0])/inner"]).allSatisfy(TestMachine.exists))
        try held.remove()
    }

    @Test func `what holds a process stays, also where only a cgroup inside does`() throws {
        let used = try makeAbandoned("used")
        let child = try TestProcess(perl: "sleep 60")
        for path in used {
            try makeDirectory("\(path)/inner")
            try writeText("\(child.pid)", to: "\(path)/inner/cgroup.procs")
        }
        try age(used)
        #expect(sweep() == [])
        #expect(used.allSatisfy { TestMachine.exists("\($0)/inner") })
        #expect(child.terminate() == .signaled(9))
        try age(used)
        #expect(sweep().sorted() == used.sorted())
    }

    @Test func `what is young stays: its launcher may be about to lock it`() throws {
        let young = try makeAbandoned("young")
        #expect(sweep() == [])
        #expect(young.allSatisfy(TestMachine.exists))
        try CgroupRemoval.remove(paths: young)
    }

    @Test func `the lock goes with the value that made the cgroup`() throws {
        let held = try SandboxCgroup.create(name: TestMachine.name("lock"), limits: TestMachine.all, layout: layout)
        let directory = try open(held.paths[0], [.directory])
        #expect(try !tryLock(directory))
        try held.remove()
        let abandoned = try makeAbandoned("unlocked")
        let free = try open(abandoned[0], [.directory])
        #expect(try tryLock(free))
        try CgroupRemoval.remove(paths: abandoned)
    }
}
