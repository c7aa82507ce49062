// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension Diagnosis {
    /// The oldest kernel whose calls `run` relies on; `HostProbe.oldestKernel`.
    static let oldestKernel = "5.12"

    var kernel: [Finding] {
        [version, container] + systemCalls + [ptraceScope, corePattern, hugePages]
    }

    private var version: Finding {
        let isOld = facts.kernel < KernelRelease(Self.oldestKernel)
        return Finding(
            "kernel", .kernel, "Linux \(Self.oldestKernel) or later", isOld ? .missing : .ok,
            "\(facts.kernel.text), \(facts.architecture)",
            effect: "run refuses to start anything: it would lack mount_setattr(2)",
            cure: facts.distribution.kernelCure(Self.oldestKernel), requiredForRun: true,
            kernelVersion: Self.oldestKernel, source: "docs/compatibility.md")
    }

    private var container: Finding {
        let caller = facts.caller
        let around = [
            caller.container?.name, caller.isFiltered ? "a system-call filter" : nil,
            caller.isInChroot ? "a chroot" : nil,
        ].compactMap { $0 }
        let hinders = !around.isEmpty && !facts.run.works
        return Finding(
            "container", .kernel, "surroundings", hinders ? .degraded : .ok,
            around.isEmpty ? "no container, filter or chroot" : "inside " + around.joined(separator: ", "),
            effect: "what is around it may forbid namespaces, mounts and calls that the kernel itself would allow",
            cure: caller.container?.cure ?? (caller.isInChroot ? "run it outside of the chroot" : unfilteredCure))
    }

    private var systemCalls: [Finding] {
        [
            finding(
                "clone3", .kernel, "clone3", .clone3, since: "5.3", requiredForRun: true,
                effect: "run starts nothing: no process can be made in new namespaces", source: "clone3(2)"),
            finding(
                "mount-api", .kernel, "fsopen, open_tree, move_mount", mountCall, since: "5.2", requiredForRun: true,
                effect: "run starts nothing: no file system can be mounted by descriptor", source: "fsopen(2)"),
            finding(
                "mount-setattr", .kernel, "mount_setattr", .mountSetattr, since: "5.12", requiredForRun: true,
                effect: "run starts nothing: no tree can be made read-only as a whole", source: "mount_setattr(2)"),
            finding(
                "openat2", .kernel, "openat2", .openat2, since: "5.6", requiredForRun: true,
                effect: "run starts nothing: no path can be opened without following links out of it",
                source: "openat2(2)"),
            finding(
                "close-range", .kernel, "close_range", .closeRange, since: "5.9", requiredForRun: true,
                effect: "run starts nothing: the launcher's descriptors could reach the agent",
                source: "close_range(2)"),
            finding(
                "pidfd", .kernel, "pidfd_open, pidfd_send_signal", processCall, since: "5.3", requiredForRun: true,
                effect: "run starts nothing: a process could be mistaken for a later one of its number",
                source: "pidfd_open(2)"),
            finding(
                "faccessat2", .kernel, "faccessat2", .faccessat2, since: "5.8",
                effect: "newuidmap and delegated cgroups are not found", source: "faccessat2(2)"),
            finding(
                "statx-mount-id", .kernel, "statx with mount ids", .statxMountID, since: "5.8",
                effect: "none in this version of martinet", source: "statx(2), STATX_MNT_ID"),
        ]
    }

    private var mountCall: AttemptName {
        [.fsopen, .openTree, .moveMount].first { !facts[$0].works } ?? .fsopen
    }

    private var processCall: AttemptName { facts[.pidfdOpen].works ? .pidfdSendSignal : .pidfdOpen }

    private var ptraceScope: Finding {
        let setting = facts.settings["kernel.yama.ptrace_scope"]
        let meanings = [
            "0": "any process of the same user", "1": "descendants", "2": "only with CAP_SYS_PTRACE", "3": "never",
        ]
        let isClosed = setting == "2" || setting == "3"
        return Finding(
            "ptrace-scope", .kernel, "debugging inside", isClosed ? .degraded : .ok,
            setting.map { "kernel.yama.ptrace_scope = \($0): \(meanings[$0] ?? "unknown")" } ?? "Yama is not there",
            effect: "gdb and strace do not work in a sandbox",
            cure: setting == "3"
                ? "echo 'kernel.yama.ptrace_scope = 1' >> /etc/sysctl.d/60-martinet.conf; reboot    (3 stays until then)"
                : Self.sysctlCure("kernel.yama.ptrace_scope", "1"),
            source: "Documentation/admin-guide/LSM/Yama.rst")
    }

    /// The agent's core limit of 1 keeps files and programs away, as the launcher sets it; a socket is asked in any case.
    private var corePattern: Finding {
        guard let pattern = facts.settings["kernel.core_pattern"] else {
            return Finding("core-pattern", .kernel, "core dumps", .unknown, "/proc/sys told nothing", source: "core(5)")
        }
        let isSocket = pattern.hasPrefix("@")
        return Finding(
            "core-pattern", .kernel, "core dumps", isSocket ? .degraded : .ok,
            "kernel.core_pattern = \(pattern)" + (isSocket ? "" : "; not for agents: their core limit is 1"),
            effect: "an agent that crashes is handed to the host's crash handler, whatever its core limit is",
            cure: Self.sysctlCure("kernel.core_pattern", "core"), source: "core(5)")
    }

    private var hugePages: Finding {
        let count = facts.settings["vm.nr_hugepages"]
        return Finding(
            "huge-pages", .kernel, "huge pages", .ok,
            count.map { $0 == "0" ? "none reserved: sysctl vm.nr_hugepages" : "\($0) reserved" }
                ?? "not in this kernel",
            source: "Documentation/admin-guide/mm/hugetlbpage.rst")
    }
}
