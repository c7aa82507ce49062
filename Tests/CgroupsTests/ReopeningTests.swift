// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Cgroups

@Suite(.enabled(if: TestMachine.canTest, "needs root, or a delegated cgroup v2 with memory, cpu and pids"))
struct ReopeningTests {
    let layout: CgroupLayout

    init() throws { layout = try #require(TestMachine.layout) }

    @Test func `another process reads, freezes and thaws by the paths alone`() throws {
        var limits = TestMachine.all
        limits.accountsCPU = true
        limits.freezes = true
        let cgroup = try SandboxCgroup.create(name: TestMachine.name("reopen"), limits: limits, layout: layout)
        let child = try TestProcess(perl: "sleep 60")
        try cgroup.attach(child.pid)
        let again = try SandboxCgroup.reopen(paths: cgroup.paths, layout: layout)
        #expect(again.paths == cgroup.paths)
        let usage = try again.usage()
        #expect(usage.pidsCurrent == 1)
        #expect(usage.memoryCurrent != nil)
        #expect(usage.cpuTime != nil)
        try again.freeze()
        #expect(try cgroup.isFrozen)
        try again.thaw()
        #expect(try !cgroup.isFrozen)
        #expect(child.terminate() == .signaled(9))
        try cgroup.remove()
        do {
            _ = try again.usage()
            Issue.record("a removed cgroup was read")
        } catch {
            #expect(error.code == .readFailed)
        }
    }

    @Test func `cgroups that are gone, and paths of others, are errors`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("gone-by"), limits: CgroupLimits(pids: 8), layout: layout)
        let paths = cgroup.paths
        try cgroup.remove()
        func code(_ paths: [String]) -> (CgroupError.Code, Errno?)? {
            do throws(CgroupError) { _ = try SandboxCgroup.reopen(paths: paths, layout: layout) } catch {
                return (error.code, error.cause?.errno)
            }
            return nil
        }
        #expect(code(paths)?.0 == .readFailed)
        #expect(code(paths)?.1 == .noEntry)
        #expect(code(["/sys/fs/cgroup"])?.0 == .invalidPath)
        #expect(code(["/tmp/martinet/a"])?.0 == .readFailed)
    }
}
