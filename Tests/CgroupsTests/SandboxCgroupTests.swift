// SPDX-License-Identifier: Apache-2.0
import Glibc
import LinuxKernel
import TestHost
import Testing

@testable import Cgroups

@Suite(.enabled(if: TestMachine.canTest, "needs root, or a delegated cgroup v2 with memory, cpu and pids"))
struct SandboxCgroupTests {
    let layout: CgroupLayout

    init() throws { layout = try #require(TestMachine.layout) }

    private func read(_ file: String, of cgroup: borrowing SandboxCgroup) -> String? {
        for path in cgroup.paths {
            if let text = try? readText("\(path)/\(file)") { return String(text.dropLast()) }
        }
        return nil
    }

    private func isV1(_ controller: CgroupController) -> Bool { layout.hierarchy(for: controller)?.version == .v1 }

    @Test func `limits are what the kernel reads back, and removal leaves nothing`() throws {
        let name = TestMachine.name("readback")
        let cgroup = try SandboxCgroup.create(name: name, limits: TestMachine.all, layout: layout)
        let paths = cgroup.paths
        #expect(paths.allSatisfy { $0.hasSuffix("/martinet/\(name)") && TestMachine.exists($0) })
        #expect(read(isV1(.memory) ? "memory.limit_in_bytes" : "memory.max", of: cgroup) == "\(64 << 20)")
        if isV1(.cpu) {
            #expect(read("cpu.cfs_quota_us", of: cgroup) == "50000")
            #expect(read("cpu.cfs_period_us", of: cgroup) == "100000")
        } else {
            #expect(read("cpu.max", of: cgroup) == "50000 100000")
        }
        if !isV1(.memory) {
            #expect(read("memory.oom.group", of: cgroup) == "1")
        }
        #expect(read("pids.max", of: cgroup) == "16")
        try cgroup.remove()
        #expect(paths.filter(TestMachine.exists).isEmpty)
    }

    @Test func `an attached process is in every cgroup, and leaves them when it ends`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("attach"), limits: TestMachine.all, layout: layout)
        let child = try TestProcess(perl: "sleep 60")
        try cgroup.attach(child.pid)
        for path in cgroup.paths { #expect(try readText("\(path)/cgroup.procs") == "\(child.pid)\n") }
        #expect(child.terminate() == .signaled(9))
        try cgroup.remove()
    }

    @Test func `forks stop exactly at the pids limit`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("pids"), limits: CgroupLimits(pids: 8), layout: layout)
        #expect(cgroup.paths.count == 1)
        let child = try TestProcess(
            perl: """
                my @k; for (1..20) { my $p = fork(); last unless defined $p; if (!$p) { sleep 60; exit 0 } push @k, $p }
                kill 9, @k; waitpid($_, 0) for @k; exit scalar(@k);
                """)
        try cgroup.attach(child.pid)
        try child.release()
        #expect(child.wait() == .exited(7))
        let usage = try cgroup.usage()
        if let peak = usage.pidsPeak { #expect(peak == 8) }
        #expect((usage.pidsRefusals ?? 1) >= 1)
        try cgroup.remove()
    }

    @Test func `the kernel kills beyond the memory limit, and says so`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("memory"), limits: CgroupLimits(memory: 32 << 20), layout: layout)
        let event = try cgroup.memoryEventDescriptor()
        #expect(try cgroup.oomKills() == 0)
        let child = try TestProcess(perl: #"my $n = 256 << 20; my $x = "a" x $n; exit 0"#)
        try cgroup.attach(child.pid)
        try child.release()
        #expect(child.wait() == .signaled(9))
        #expect((try cgroup.oomKills() ?? 0) >= 1)
        if let event {
            #expect(isV1(.memory))
            #expect(try poll([(event.rawValue, .readable)], milliseconds: 2000) == [.readable])
        } else {
            #expect(!isV1(.memory))
        }
        if let peak = try cgroup.usage().memoryPeak { #expect(peak > 16 << 20 && peak <= 33 << 20) }
        try cgroup.remove()
    }

    @Test(
        .enabled(
            if: TestMachine.layout?.hierarchy(for: .memory)?.version == .v2,
            "cgroup v1 kills one process: the engine kills the rest"))
    func `the kernel kills all processes of a sandbox together`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("group"), limits: CgroupLimits(memory: 32 << 20), layout: layout)
        let child = try TestProcess(
            perl: #"if (!fork()) { sleep 60; exit 0 } if (!fork()) { my $n = 256 << 20; my $x = "a" x $n } sleep 60"#)
        try cgroup.attach(child.pid)
        try child.release()
        #expect(child.wait() == .signaled(9))
        let deadline = monotonicNow() + .seconds(10).patient  // all of them sleep for a minute, if left alive
        while read("cgroup.procs", of: cgroup) != "", monotonicNow() < deadline { blockThread(for: .milliseconds(5)) }
        #expect(read("cgroup.procs", of: cgroup) == "")
        #expect((try cgroup.oomKills() ?? 0) >= 1)
        try cgroup.remove()
    }

    @Test func `a cgroup can be passed through by others, whatever the umask is`() throws {
        let before = umask(0o077)
        defer { umask(before) }
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("umask"), limits: CgroupLimits(memory: 64 << 20, pids: 8), layout: layout)
        for path in cgroup.paths { #expect(try status(of: path)?.permissions == 0o755, "\(path)") }
        try cgroup.remove()
    }

    @Test func `a process inside its memory limit is left alone`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("fits"), limits: CgroupLimits(memory: 64 << 20), layout: layout)
        let child = try TestProcess(perl: #"my $n = 8 << 20; my $x = "a" x $n; exit 0"#)
        try cgroup.attach(child.pid)
        try child.release()
        #expect(child.wait() == .exited(0))
        #expect(try cgroup.oomKills() == 0)
        try cgroup.remove()
    }

    @Test func `a second sandbox of the same name is refused, and the first one stays`() throws {
        let name = TestMachine.name("twice")
        let first = try SandboxCgroup.create(name: name, limits: CgroupLimits(pids: 8), layout: layout)
        do {
            _ = try SandboxCgroup.create(name: name, limits: CgroupLimits(pids: 9), layout: layout)
            Issue.record("the second one was made")
        } catch {
            #expect(error.code == .exists)
        }
        #expect(read("pids.max", of: first) == "8")
        try first.remove()
    }

    @Test func `a failure half-way removes what was made`() throws {
        let name = try CgroupName(TestMachine.name("half"))
        #expect(TestMachine.leftovers { $0 == name.description } == [])
        var plan = try CgroupPlan(limits: TestMachine.all, layout: layout)
        let last = plan.parts.count - 1
        plan.parts[last].settings.append(ControlSetting(file: "pids.max", value: "nonsense"))
        do {
            _ = try SandboxCgroup.create(name: name, plan: plan)
            Issue.record("the kernel accepted nonsense")
        } catch {
            #expect(error.code == .limitRefused)
            #expect(error.cause?.errno == .invalid)
        }
        #expect(TestMachine.leftovers { $0 == name.description } == [])
    }

    @Test func `sandboxes that come and go at once do not disturb each other`() async throws {
        let layout = layout
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for round in 0..<40 {
                        let name = TestMachine.name("race-\(task)-\(round)")
                        let cgroup = try SandboxCgroup.create(name: name, limits: TestMachine.all, layout: layout)
                        if round == 20 { #expect(TestMachine.leftovers { $0 == name }.count == cgroup.paths.count) }
                        try cgroup.remove()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(TestMachine.leftovers { $0.hasPrefix("test-race-") && $0.hasSuffix("-\(processID())") } == [])
    }

    @Test func `removal takes cgroups made inside along, and a second removal is no error`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("nested"), limits: CgroupLimits(pids: 8), layout: layout)
        let paths = cgroup.paths
        try makeDirectory("\(paths[0])/inner")
        try makeDirectory("\(paths[0])/inner/innermost")
        try cgroup.remove()
        #expect(!TestMachine.exists(paths[0]))
        try CgroupRemoval.remove(paths: paths)
    }

    @Test func `on v1 a cgroup with a live process stays, with an error that names it`() throws {
        guard isV1(.pids) else { return try removalKills() }
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("busy"), limits: CgroupLimits(pids: 8), layout: layout)
        let paths = cgroup.paths
        let child = try TestProcess(perl: "sleep 60")
        try cgroup.attach(child.pid)
        do {
            try cgroup.remove(patience: .milliseconds(20))
            Issue.record("a cgroup with a process was removed")
        } catch {
            #expect(error.code == .removalFailed)
            #expect(error.hint == "processes are still in it: \(child.pid)")
        }
        #expect(child.terminate() == .signaled(9))
        try CgroupRemoval.remove(paths: paths)
        #expect(!TestMachine.exists(paths[0]))
    }

    /// v2: removal kills what is inside.
    private func removalKills() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("kill"), limits: CgroupLimits(pids: 8), layout: layout)
        let path = cgroup.paths[0]
        let child = try TestProcess(perl: "sleep 60")
        try cgroup.attach(child.pid)
        #expect(cgroup.cloneDescriptor != nil)
        try cgroup.remove()
        #expect(child.wait() == .signaled(9))
        #expect(!TestMachine.exists(path))
    }

    @Test func `attaching a process that is gone is an error`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("gone"), limits: CgroupLimits(pids: 8), layout: layout)
        do {
            try cgroup.attach(4_194_304)  // above every pid the kernel gives
            Issue.record("a process that does not exist was attached")
        } catch {
            #expect(error.code == .attachFailed)
            #expect(error.cause?.errno == .noProcess)
        }
        try cgroup.remove()
    }
}
