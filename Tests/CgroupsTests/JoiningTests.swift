// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Cgroups

/// How a process enters by itself, as init does on v1.
@Suite(.enabled(if: TestMachine.canTest, "needs root, or a delegated cgroup v2 with memory, cpu and pids"))
struct JoiningTests {
    /// Writes "0" to each descriptor in turn, in a process of one thread, and returns that process's /proc/PID/cgroup.
    private func join(_ descriptors: borrowing DescriptorTable) throws -> String {
        let out = try LinuxKernel.Pipe()
        var script = "cat /proc/self/cgroup"
        for raw in descriptors.rawValues.reversed() {
            script = "echo 0 > /proc/\(processID())/fd/\(raw) && \(script)"
        }
        let pid = try spawn(
            SpawnRequest(
                path: "/bin/sh", arguments: ["sh", "-c", script], environment: [],
                standardOutput: out.writer.rawValue, standardError: 2))
        let reader = out.intoReader()
        let text = String(decoding: try readAll(reader), as: UTF8.self)
        #expect(try reap(pid) == .exited(0))
        return text
    }

    @Test func `a process joins every cgroup through the open files`() throws {
        let layout = try #require(TestMachine.layout)
        let name = TestMachine.name("join")
        let cgroup = try SandboxCgroup.create(
            name: name, limits: CgroupLimits(memory: 64 << 20, pids: 16, accountsCPU: true, freezes: true),
            layout: layout)
        let files = try cgroup.joinDescriptors(startedInside: false)
        #expect(files.count == cgroup.paths.count)
        let memberships = try join(files).split(separator: "\n").filter { $0.hasSuffix("/martinet/\(name)") }
        #expect(memberships.count == cgroup.paths.count)
        try cgroup.remove()
    }

    @Test func `a process that was cloned into its v2 cgroup has v1 ones left to join`() throws {
        let layout = try #require(TestMachine.layout)
        let cgroup = try SandboxCgroup.create(
            name: TestMachine.name("cloned"), limits: TestMachine.all, layout: layout)
        let places = cgroup.places.filter { $0.version == .v1 }
        #expect(try cgroup.joinDescriptors(startedInside: true).count == places.count)
        try cgroup.remove()
    }

    @Test(.enabled(if: TestMachine.variants.count > 1, "needs a hybrid machine, and root"))
    func `on a hybrid machine a limit of v2 is joined too, beside those of v1`() throws {
        var layout = try #require(TestMachine.layout)
        layout.hierarchies.removeAll { $0.version == .v1 && $0.controllers.contains(.freezer) }
        let name = TestMachine.name("hybrid")
        let cgroup = try SandboxCgroup.create(
            name: name, limits: CgroupLimits(pids: 16, freezes: true), layout: layout)
        #expect(cgroup.places.map(\.version) == [.v1, .v2])
        let memberships = try join(try cgroup.joinDescriptors(startedInside: false))
        #expect(memberships.contains("0::/martinet/\(name)\n"))
        #expect(memberships.contains(":pids:/martinet/\(name)\n"))
        try cgroup.remove()
    }
}
