// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Storage
import Testing

@testable import Cgroups
@testable import Doctor

/// Rules that one golden report does not show.
@Suite struct DiagnosisTests {
    private static func finding(_ id: String, _ facts: MachineFacts) throws -> Finding {
        try #require(Diagnosis.report(facts).findings.first { $0.id == id })
    }

    @Test func `AppArmor's rule holds only whom it fails`() throws {
        var facts = FakeMachine.user(FakeMachine.ubuntu2404)
        facts.settings[Diagnosis.appArmorRule] = "1"
        #expect(try Self.finding("apparmor-userns", facts).state == .ok)
        facts[.unshareMount] = .failed(.permissionDenied)
        let cure = try #require(try Self.finding("apparmor-userns", facts).cure)
        #expect(cure.contains("profile martinet /usr/local/bin/martinet flags=(unconfined) {\n  userns,\n"))
        #expect(cure.contains("apparmor_parser -r /etc/apparmor.d/martinet"))
        #expect(cure.contains("kernel.apparmor_restrict_unprivileged_userns = 0"))
        // It says nothing to root, and nothing while it is off.
        facts.caller.capabilities = ~0
        #expect(try Self.finding("apparmor-userns", facts).state == .ok)
        facts.caller.capabilities = 0
        facts.settings[Diagnosis.appArmorRule] = "0"
        #expect(try Self.finding("apparmor-userns", facts).state == .ok)
    }

    @Test(
        arguments: [
            (AttemptName.unshareMount, "mount-namespaces", "user.max_mnt_namespaces"),
            (.unshareNetwork, "network-namespaces", "user.max_net_namespaces"),
            (.pidNamespace, "pid-namespaces", "user.max_pid_namespaces"),
            (.unshareTime, "time-namespaces", "user.max_time_namespaces"),
        ])
    func `a namespace that is used up names its own setting`(
        _ attempt: AttemptName, _ id: String, _ setting: String
    ) throws {
        var facts = FakeMachine.user()
        facts[attempt] = .failed(.noSpace)
        facts.settings[setting] = "0"
        let found = try Self.finding(id, facts)
        #expect(found.detail == "no space left on device (ENOSPC): \(setting) = 0")
        #expect(found.cure?.contains("'\(setting) = 15000'") == true)
        #expect(found.requiredForRun == (attempt != .unshareTime))
    }

    @Test func `a call that an old kernel lacks wants a new one, one that a new kernel has is filtered`() throws {
        var facts = FakeMachine.root("ID=mine", kernel: "5.4.0")
        facts[.openat2] = .failed(.noSystemCall)
        #expect(try Self.finding("openat2", facts).cure == "install Linux 5.6 or later, and reboot")
        facts.kernel = KernelRelease("5.6.0")
        #expect(try Self.finding("openat2", facts).cure?.contains("SystemCallFilter=") == true)
        facts.caller.container = .podman
        #expect(
            try Self.finding("openat2", facts).cure?.hasPrefix("podman run --security-opt seccomp=unconfined") == true)
    }

    @Test func `a user namespace is refused in a chroot`() throws {
        var facts = FakeMachine.user()
        facts.caller.isInChroot = true
        facts[.userNamespace] = .failed(.notPermitted)
        #expect(try Self.finding("user-namespaces", facts).cure == "run it outside of the chroot: clone(2), EPERM")
    }

    @Test func `a kernel without user namespaces is told by errno and by proc`() throws {
        var facts = FakeMachine.user()
        facts[.userNamespace] = .failed(.invalid)
        facts.namespaceTypes.remove("user")
        #expect(try Self.finding("user-namespaces", facts).cure == "install a kernel with CONFIG_USER_NS=y")
    }

    @Test func `id maps that root of a namespace may not write take a capability`() throws {
        var facts = FakeMachine.root()
        facts.caller.isInInitialUserNamespace = false
        facts[.mapIDs] = .failed(.notPermitted)
        #expect(try Self.finding("id-maps", facts).cure?.contains("CAP_SETFCAP") == true)
        #expect(try Self.finding("privileges", facts).state == .degraded)
    }

    @Test func `root without a capability is told which`() throws {
        var facts = FakeMachine.root()
        facts.caller.capabilities = ~(1 << 21)
        #expect(try Self.finding("privileges", facts).detail == "root without CAP_SYS_ADMIN")
        facts.caller.container = .docker
        #expect(try Self.finding("privileges", facts).cure == "docker run --cap-add SYS_ADMIN …")
    }

    @Test func `too few subordinate ids are told apart from none`() throws {
        var facts = FakeMachine.user()
        facts.identity.uids = [SubordinateRange(start: 100_000, count: 1000)]
        let found = try Self.finding("subuid", facts)
        #expect(found.state == .degraded && found.effect == "only 1001 ids exist inside")
        #expect(found.cure == "usermod --add-subuids 165536-231071 dev")
    }

    @Test func `root is not told of subordinate ids`() {
        let ids = Diagnosis.report(FakeMachine.root()).findings.map(\.id)
        #expect(!ids.contains("subuid") && !ids.contains("newuidmap") && ids.contains("id-mapped-mounts"))
    }

    @Test func `a controller that is off by the command line is turned on there`() throws {
        var facts = FakeMachine.root()
        facts.cgroups.layout?.hierarchies[0].controllers.removeAll { $0 == .memory }
        facts.cgroups.obstacles[.memory] = CgroupError.missing(.memory, in: try #require(facts.cgroups.layout))
        #expect(
            try Self.finding("cgroup-memory", facts).cure?.contains("add cgroup_enable=memory to GRUB_CMDLINE_LINUX")
                == true)
        facts.disabledControllers = Doctor.disabledControllers("quiet cgroup_disable=memory,rdma splash\n")
        #expect(facts.disabledControllers == ["memory", "rdma"])
        #expect(
            try Self.finding("cgroup-memory", facts).cure
                == "take cgroup_disable=memory off the kernel's command line; reboot")
    }

    @Test(arguments: [(0, Finding.State.missing), (1, .degraded), (5, .degraded), (6, .ok), (9, .ok)])
    func `Landlock is whole from ABI 6 on`(_ abi: Int, _ state: Finding.State) throws {
        var facts = FakeMachine.user()
        facts[.landlockABI] = abi == 0 ? .failed(.notSupported) : .worked(abi)
        if abi == 0 { facts[.landlockRestrict] = .failed(.notSupported) }
        #expect(try Self.finding("landlock", facts).state == state)
        #expect(try Self.finding("isolation-landlock", facts).state == state)
        if abi == 5 {
            #expect(
                try Self.finding("landlock", facts).effect
                    == "it does not hold these: signals and abstract sockets")
        }
    }

    @Test func `a listener that is taken is no fault of the kernel's`() throws {
        var facts = FakeMachine.user()
        facts[.listener] = .failed(.busy)
        #expect(try Self.finding("seccomp-listener", facts).state == .degraded)
    }

    @Test func `the launcher's own hint is the cure where nothing measured explains a failure`() throws {
        var facts = FakeMachine.user()
        facts.fail("set limit: no", hint: "try this")
        #expect(try Self.finding("run", facts).cure == "try this")
        facts[.mountProc] = .failed(.notPermitted)
        #expect(try Self.finding("run", facts).cure == "the cure of mount-proc")
    }

    @Test func `attempts without an answer are unknown, never missing`() {
        var facts = FakeMachine.user()
        facts.attempts = [:]
        let report = Diagnosis.report(facts)
        for finding in report.findings where finding.detail.hasPrefix("not tried") {
            #expect(finding.state == .unknown, "\(finding.id)")
        }
        #expect(report.findings.contains { $0.id == "user-namespaces" && $0.state == .unknown })
        #expect(report.findings.contains { $0.id == "seccomp-actions" && $0.state == .unknown })
        #expect(report.findings.contains { $0.id == "isolation-landlock" && $0.state == .unknown })
    }
}
