// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Cgroups

/// Quotas, weights and cpusets, measured.
@Suite(.enabled(if: TestMachine.has(.cpu, .cpuset, .cpuacct), "needs root, or a user with cpu and cpuset delegated"))
struct CPULimitTests {
    let layout: CgroupLayout
    /// The highest CPU there is.
    let lastCPU: UInt32

    init() throws {
        layout = try #require(TestMachine.layout)
        let hierarchy = try #require(layout.hierarchy(for: .cpuset))
        let own = try #require(hierarchy.ownDirectory)
        let file = hierarchy.version == .v1 ? "cpuset.cpus" : "cpuset.cpus.effective"
        let list = try #require(try readText("\(hierarchy.mountPoint)/\(own)/\(file)").flatMap { NumberList($0) })
        lastCPU = try #require(list.ranges.last?.upperBound)
    }

    /// CPU time that a cgroup uses while `seconds` pass, and how long that really was.
    private func used(_ seconds: Double, by cgroup: borrowing SandboxCgroup) throws -> (cpu: Double, wall: Double) {
        let (start, before) = (monotonicNow(), try #require(try cgroup.usage().cpuTime))
        blockThread(for: .milliseconds(Int64(seconds * 1000)))
        let (end, after) = (monotonicNow(), try #require(try cgroup.usage().cpuTime))
        return ((after - before).inSeconds, (end - start).inSeconds)
    }

    @Test func `two busy processes get half a CPU between them`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("quota"),
            limits: CgroupLimits(millicpus: 500, cpuPeriodMicroseconds: 50_000, accountsCPU: true), layout: layout)
        let child = try TestProcess(perl: "fork(); 1 while 1")
        try cgroup.attach(child.pid)
        try child.release()
        blockThread(for: .milliseconds(300))
        try expectNear(0.5, within: 0.05, "CPUs under a quota of 0.5") {
            let (cpu, wall) = try used(2, by: cgroup)
            // Other work can take CPU time away, never give more than the quota; one period may begin in the window's end.
            #expect(cpu <= 0.5 * wall * 1.05 + 0.025)
            return cpu / wall
        }
        let usage = try cgroup.usage()
        // How much depends on what else wants the CPUs.
        #expect((usage.throttledPeriods ?? 0) > 0)
        #expect((usage.throttledTime ?? .zero) > .zero)
        #expect((usage.userTime ?? .zero) > .milliseconds(300))
        #expect(usage.systemTime != nil)
        try stop(child, in: cgroup)
        try cgroup.remove()
    }

    @Test func `of one CPU a weight of 200 gets twice what 100 gets`() throws {
        func make(_ weight: UInt64) throws -> SandboxCgroup {
            try SandboxCgroup.create(
                name: TestMachine.name("weight-\(weight)"),
                limits: CgroupLimits(cpuWeight: weight, cpuset: "\(lastCPU)", accountsCPU: true), layout: layout)
        }
        let light = try make(100)
        let heavy = try make(200)
        let (first, second) = (try TestProcess(perl: "1 while 1"), try TestProcess(perl: "1 while 1"))
        try light.attach(first.pid)
        try heavy.attach(second.pid)
        try first.release()
        try second.release()
        blockThread(for: .milliseconds(300))
        try expectNear(2, within: 0.1, "CPU time of weight 200 to weight 100") {
            let before = (try cpuTime(light), try cpuTime(heavy))
            blockThread(for: .seconds(2))
            let after = (try cpuTime(light), try cpuTime(heavy))
            return (after.1 - before.1).inSeconds / (after.0 - before.0).inSeconds
        }
        try stop(first, in: light)
        try stop(second, in: heavy)
        try light.remove()
        try heavy.remove()
    }

    private func cpuTime(_ cgroup: borrowing SandboxCgroup) throws -> Duration {
        try #require(try cgroup.usage().cpuTime)
    }

    @Test func `a process is kept on its CPUs, and cannot ask for others`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("cpuset"), limits: CgroupLimits(cpuset: "\(lastCPU)", memoryNodes: "0"),
            layout: layout)
        let child = try TestProcess(perl: #"exec("taskset", "-c", "0", "true") or exit 99"#)
        try cgroup.attach(child.pid)
        let status = try #require(try readText("/proc/\(child.pid)/status"))
        #expect(status.contains("Cpus_allowed_list:\t\(lastCPU)\n"))
        #expect(status.contains("Mems_allowed_list:\t0\n"))
        try child.release()
        #expect(child.wait() == (lastCPU == 0 ? .exited(0) : .exited(1)))
        try cgroup.remove()
    }

    @Test func `CPUs that are not there are refused, and nothing is left`() throws {
        let name = TestMachine.name("nocpu")
        for limits in [CgroupLimits(cpuset: "0-\(lastCPU + 1)"), CgroupLimits(memoryNodes: "1023")] {
            do {
                _ = try SandboxCgroup.create(name: name, limits: limits, layout: layout)
                Issue.record("a cpuset of what is not there was made")
            } catch {
                #expect(error.code == .invalidLimit)
                #expect(error.hint?.hasPrefix("give ") == true)
            }
        }
        #expect(TestMachine.leftovers { $0 == name } == [])
    }

    @Test func `the CPU time of a sandbox is read from one descriptor again and again`() throws {
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("source"), limits: CgroupLimits(accountsCPU: true), layout: layout)
        let source = try cgroup.cpuUsageSource()
        let isV1 = layout.hierarchy(for: .cpuacct)?.version == .v1
        #expect(source.format == (isV1 ? .nanoseconds : .usageMicroseconds))
        let file = source.intoDescriptor()
        func value() throws -> Double {
            let text = try readText("/proc/self/fd/\(file.rawValue)") ?? ""
            if isV1 { return try #require(Double(text.prefix { !$0.isNewline })) / 1e9 }
            #expect(text.hasPrefix("usage_usec "))
            return try #require(Double(text.dropFirst(11).prefix { !$0.isNewline })) / 1e6
        }
        let child = try TestProcess(
            perl: "sub used { my @t = times(); $t[0] + $t[1] } my $t = used(); 1 while used() < $t + 0.3; exit 0")
        try cgroup.attach(child.pid)
        let before = try value()
        try child.release()
        #expect(child.wait() == .exited(0))
        let after = try value()
        #expect(after - before >= 0.25 && after - before < 2)
        try cgroup.remove()
    }

    @Test func `without accounting asked for, v1 has no descriptor to read`() throws {
        guard layout.hierarchy(for: .cpuacct)?.version == .v1 else { return }
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("nosource"), limits: CgroupLimits(pids: 8), layout: layout)
        do {
            _ = try cgroup.cpuUsageSource()
            Issue.record("the pids cgroup counts CPU time")
        } catch {
            #expect(error.code == .controllerUnavailable)
        }
        #expect(try cgroup.usage().cpuTime == nil)
        try cgroup.remove()
    }

    /// Ends a child and whatever it started.
    private func stop(_ child: TestProcess, in cgroup: borrowing SandboxCgroup) throws {
        for pid in try readText("\(cgroup.paths[0])/cgroup.procs")?.split(separator: "\n").compactMap({ Int32($0) })
            ?? []
        where pid != child.pid {
            _ = try? sendSignal(9, to: openProcess(pid))
        }
        #expect(child.terminate() == .signaled(9))
    }
}
