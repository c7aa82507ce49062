// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import TestHost
import Testing

@testable import Cgroups

@Suite(.enabled(if: TestMachine.has(.freezer, .cpuacct), "needs root, or a delegated cgroup v2"))
struct FreezerTests {
    private func make(_ purpose: String, _ variant: LayoutVariant) throws -> SandboxCgroup {
        try SandboxCgroup.create(
            name: TestMachine.name(purpose), limits: CgroupLimits(accountsCPU: true, freezes: true),
            layout: variant.layout)
    }

    private func cpuTime(_ cgroup: borrowing SandboxCgroup) throws -> Duration {
        try #require(try cgroup.usage().cpuTime)
    }

    @Test(arguments: TestMachine.variants)
    func `what is frozen stands still, and goes on when it is thawed`(variant: LayoutVariant) throws {
        let cgroup = try make("freeze", variant)
        let child = try TestProcess(perl: "1 while 1")
        try cgroup.attach(child.pid)
        try child.release()
        blockThread(for: .milliseconds(100))
        #expect(try !cgroup.isFrozen)
        for _ in 0..<3 {
            let start = monotonicNow()
            try cgroup.freeze()
            print("measured: freezing a busy process (\(variant.name)): \(monotonicNow() - start)")
            #expect(try cgroup.isFrozen)
            try cgroup.freeze()
            let frozen = try cpuTime(cgroup)
            blockThread(for: .milliseconds(200))
            #expect(try cpuTime(cgroup) == frozen)
            try cgroup.thaw()
            #expect(try !cgroup.isFrozen)
            let deadline = monotonicNow() + .seconds(10).patient
            while try cpuTime(cgroup) == frozen, monotonicNow() < deadline { blockThread(for: .milliseconds(10)) }
            #expect(try cpuTime(cgroup) > frozen)
        }
        try cgroup.thaw()
        #expect(child.terminate() == .signaled(9))
        try cgroup.remove()
    }

    @Test(arguments: TestMachine.variants)
    func `a frozen process that was killed is gone when its cgroups are removed`(variant: LayoutVariant) throws {
        // With a second cgroup, where there is a second hierarchy: it is removed first, and busy until the freezer is thawed.
        let hasPids = variant.layout.hierarchy(for: .pids) != nil
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("frozen"), limits: CgroupLimits(pids: hasPids ? 8 : nil, freezes: true),
            layout: variant.layout)
        let paths = cgroup.paths
        let child = try TestProcess(perl: "sleep 60")
        try cgroup.attach(child.pid)
        try cgroup.freeze()
        try sendSignal(9, to: openProcess(child.pid))
        try cgroup.remove()
        #expect(child.wait() == .signaled(9))
        #expect(paths.filter(TestMachine.exists).isEmpty)
    }

    @Test(arguments: TestMachine.variants)
    func `a cgroup without processes can be frozen`(variant: LayoutVariant) throws {
        let cgroup = try make("empty", variant)
        try cgroup.freeze()
        #expect(try cgroup.isFrozen)
        try cgroup.thaw()
        #expect(try !cgroup.isFrozen)
        try cgroup.remove()
    }

    @Test(arguments: TestMachine.variants)
    func `without time to freeze it is either frozen or running, never in between`(variant: LayoutVariant) throws {
        let cgroup = try make("hasty", variant)
        let child = try TestProcess(perl: "fork(); fork(); 1 while 1")
        try cgroup.attach(child.pid)
        try child.release()
        var failures = 0
        for _ in 0..<20 {
            blockThread(for: .milliseconds(5))
            do throws(CgroupError) {
                try cgroup.freeze(timeout: .zero)
                #expect(try cgroup.isFrozen)
                try cgroup.thaw()
            } catch {
                failures += 1
                #expect(error.code == .freezeFailed)
                #expect(error.hint?.contains("try again later") == true)
                let before = try cpuTime(cgroup)
                let deadline = monotonicNow() + .seconds(10).patient
                while try cpuTime(cgroup) == before, monotonicNow() < deadline { blockThread(for: .milliseconds(1)) }
                #expect(try cpuTime(cgroup) > before)
            }
        }
        print("measured: \(failures) of 20 attempts without time failed (\(variant.name))")
        try cgroup.freeze()
        for pid in try readText("\(cgroup.paths[0])/cgroup.procs")?.split(separator: "\n").compactMap({ Int32($0) })
            ?? []
        {
            try sendSignal(9, to: openProcess(pid))
        }
        try cgroup.remove()
        #expect(child.wait() == .signaled(9))
    }

    @Test func `without a cgroup that can, freezing is an error`() throws {
        let layout = try #require(TestMachine.layout)
        guard layout.hierarchy(for: .freezer)?.version == .v1 else { return }
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("unfrozen"), limits: CgroupLimits(pids: 8), layout: layout)
        let canFreeze = cgroup.canFreeze
        #expect(!canFreeze)
        do {
            try cgroup.freeze()
            Issue.record("the pids cgroup was frozen")
        } catch {
            #expect(error.code == .controllerUnavailable)
        }
        try cgroup.remove()
    }
}
