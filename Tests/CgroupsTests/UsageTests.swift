// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import TestHost
import Testing

@testable import Cgroups

/// What is read back of a living cgroup.
@Suite(.enabled(if: TestMachine.canTest, "needs root, or a delegated cgroup v2 with memory, cpu and pids"))
struct UsageTests {
    let layout: CgroupLayout

    init() throws { layout = try #require(TestMachine.layout) }

    private func version(_ controller: CgroupController) -> CgroupVersion? {
        layout.hierarchy(for: controller)?.version
    }

    @Test func `a process shows in every count`() throws {
        var limits = TestMachine.all
        limits.accountsCPU = true
        let cgroup = try SandboxCgroup.create(name: TestMachine.name("usage"), limits: limits, layout: layout)
        let child = try TestProcess(
            perl:
                #"my $n = 16 << 20; my $x = "a" x $n; my $t = (times())[0]; 1 while (times())[0] < $t + 0.2; syswrite(STDOUT, "."); sleep 60"#
        )
        try cgroup.attach(child.pid)
        try child.release()
        try child.waitForByte()
        let usage = try cgroup.usage()
        #expect((usage.cpuTime ?? .zero) >= .milliseconds(150))
        let (user, system) = (usage.userTime ?? .zero, usage.systemTime ?? .zero)
        // v1 counts the parts by the ticks that met them, and the whole exactly.
        #expect(user > .zero && user + system <= (usage.cpuTime ?? .zero) * 1.5 + .milliseconds(50))
        #expect((usage.memoryCurrent ?? 0) > 12 << 20 && (usage.memoryCurrent ?? 0) <= 64 << 20)
        #expect((usage.memoryPeak ?? .max) >= usage.memoryCurrent ?? 0)
        #expect(usage.pidsCurrent == 1)
        #expect((usage.pidsPeak ?? 1) == 1)
        #expect(usage.pidsRefusals == 0)
        #expect(usage.memoryEvents.oomKills == 0)
        if version(.io) == .v1 { #expect(usage.io == nil) }  // not asked for
        #expect(child.terminate() == .signaled(9))
        let after = try cgroup.usage()
        #expect(after.pidsCurrent == 0)
        #expect((after.cpuTime ?? .zero) >= (usage.cpuTime ?? .zero))
        try cgroup.remove()
    }

    @Test func `what is not counted is absent, never zero`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("absent"), limits: CgroupLimits(pids: 8), layout: layout)
        let usage = try cgroup.usage()
        #expect(usage.pidsCurrent == 0)
        #expect(usage.pidsRefusals == 0)
        if version(.pids) == .v1 {
            #expect(usage.memoryCurrent == nil && usage.memoryPeak == nil && usage.oomKills == nil)
            #expect(usage.memoryEvents == MemoryEvents())
            #expect(usage.throttledTime == nil && usage.throttledPeriods == nil)
            #expect(usage.io == nil)
            #expect(usage.cpuTime == nil)
            #expect(usage.cpuPressure == nil && usage.memoryPressure == nil && usage.ioPressure == nil)
        } else {
            #expect(usage.cpuTime != nil)
        }
        try cgroup.remove()
    }

    @Test(.enabled(if: TestMachine.layout?.unified != nil, "needs a v2 hierarchy"))
    func `what files of v2 there are is counted, and v1's counts stay beside them`() throws {
        let limits = CgroupLimits(pids: 8, freezes: true)
        var both = layout
        // On a hybrid machine: pids of v1, and a v2 cgroup for the freezer.
        both.hierarchies.removeAll { $0.version == .v1 && $0.controllers.contains(.freezer) }
        let cgroup = try SandboxCgroup.create(name: TestMachine.name("both"), limits: limits, layout: both)
        #expect(cgroup.places.last?.version == .v2)
        let child = try TestProcess(perl: "sleep 60")
        try cgroup.attach(child.pid)
        let usage = try cgroup.usage()
        #expect(usage.pidsCurrent == 1)
        #expect(usage.cpuTime != nil && usage.userTime != nil && usage.systemTime != nil)
        #expect(child.terminate() == .signaled(9))
        try cgroup.remove()
    }

    @Test func `memory-high slows down and counts, and kills nothing`() throws {
        guard version(.memory) == .v2 else {
            let error = #expect(throws: CgroupError.self) {
                try CgroupPlan(limits: CgroupLimits(memoryHigh: 16 << 20), layout: layout)
            }
            #expect(error?.code == .invalidLimit)
            return
        }
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("high"), limits: CgroupLimits(memory: 256 << 20, memoryHigh: 16 << 20),
            layout: layout)
        let child = try TestProcess(perl: #"my $n = 24 << 20; my $x = "a" x $n; exit 0"#)
        try cgroup.attach(child.pid)
        try child.release()
        // Throttled processes go on, later: each allocation beyond waits for up to two seconds.
        let deadline = monotonicNow() + .seconds(20).patient
        while try cgroup.usage().memoryEvents.high ?? 0 == 0, monotonicNow() < deadline {
            blockThread(for: .milliseconds(20))
        }
        let events = try cgroup.usage().memoryEvents
        #expect((events.high ?? 0) > 0)
        #expect(events.oomKills == 0)
        _ = child.terminate()
        try cgroup.remove()
    }

    @Test func `a limit that is hit is counted, and so is the kill`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("events"), limits: CgroupLimits(memory: 32 << 20), layout: layout)
        let child = try TestProcess(perl: #"my $n = 256 << 20; my $x = "a" x $n; exit 0"#)
        try cgroup.attach(child.pid)
        try child.release()
        #expect(child.wait() == .signaled(9))
        let events = try cgroup.usage().memoryEvents
        #expect((events.oomKills ?? 0) >= 1)
        if version(.memory) == .v2 {
            #expect((events.max ?? 0) > 0)
            #expect((events.oom ?? 0) >= 1)
            #expect(events.low == 0)
            if let kills = events.groupKills { #expect(kills >= 1) }
        } else {
            var kills = MemoryEvents()
            kills.oomKills = events.oomKills
            #expect(events == kills)
        }
        try cgroup.remove()
    }

    @Test(
        .enabled(
            if: TestMachine.variants.contains { $0.layout.kind == .v2 } && (try? readText("/proc/pressure/cpu")) != nil,
            "needs a v2 hierarchy and a kernel that measures stalls (psi=1)"))
    func `stalls are read back on v2`() throws {
        let variant = try #require(TestMachine.variants.last)
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("pressure"), limits: CgroupLimits(accountsCPU: true), layout: variant.layout)
        // More busy processes than CPUs: some always wait.
        let child = try TestProcess(perl: "fork() for 1..2; 1 while (times())[0] < 0.3; exit 0")
        try cgroup.attach(child.pid)
        try child.release()
        let deadline = monotonicNow() + .seconds(60).patient
        while (try cgroup.usage().cpuPressure?.some.total ?? .zero) == .zero, monotonicNow() < deadline {
            blockThread(for: .milliseconds(20))
        }
        let usage = try cgroup.usage()
        #expect((usage.cpuPressure?.some.total ?? .zero) > .zero)
        #expect(usage.memoryPressure != nil)
        #expect(usage.ioPressure != nil)
        _ = child.wait()
        try cgroup.remove()
    }
}
