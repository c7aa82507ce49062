// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Storage

@testable import Cgroups
@testable import Doctor

/// Machines that are not here. Each begins as one on which everything works.
enum FakeMachine {
    static let debian12 = """
        PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
        VERSION_ID="12"
        ID=debian
        """
    static let ubuntu2404 = """
        VERSION_ID="24.04"
        ID=ubuntu
        ID_LIKE=debian
        """
    static let rocky9 = """
        ID="rocky"
        ID_LIKE="rhel centos fedora"
        VERSION_ID="9.4"
        """
    static let alpine = """
        ID=alpine
        VERSION_ID=3.20.3
        """

    /// Root of a Debian 12 with a new kernel and cgroup v2.
    static func root(_ osRelease: String = debian12, kernel: String = "6.15.0") -> MachineFacts {
        let caller = Caller(
            uid: 0, gid: 0, name: "root", capabilities: ~0, isInInitialUserNamespace: true, hasNoNewPrivileges: false,
            isFiltered: false, container: nil, isInChroot: false, usesSystemd: true,
            program: "/usr/local/bin/martinet")
        var facts = MachineFacts(
            kernel: KernelRelease(kernel), architecture: "x86_64", distribution: Distribution(osRelease: osRelease),
            caller: caller)
        facts.settings = [
            "user.max_user_namespaces": "63451", "kernel.yama.ptrace_scope": "1", "kernel.core_pattern": "core",
            "vm.nr_hugepages": "0",
        ]
        facts.namespaceTypes = ["user", "pid", "mnt", "net", "uts", "ipc", "cgroup", "time"]
        for name in AttemptName.allCases { facts[name] = .worked() }
        facts[.landlockABI] = .worked(7)
        facts.cgroups.layout = unified
        facts.cgroups.countsPressure = true
        for file in ["cgroup.kill", "memory.peak", "memory.swap.max", "pids.peak"] { facts.cgroups.files[file] = true }
        facts.securityModules = ["lockdown", "capability", "landlock", "yama", "apparmor"]
        facts.files = FileFacts(
            initPath: "/usr/local/bin/../libexec/martinet/martinet-init", initSearched: [], initStarts: .worked(),
            state: .usable("/run/martinet"),
            idMaps: [FileFacts.IDMap(path: "/", fileSystem: "ext4", attempt: .worked())], projectQuota: .worked(),
            quotaPath: "/var/lib", quotaFileSystem: "ext4", hasLoopControl: true)
        for name in ["nft", "debootstrap", "systemd-run"] { facts.tools[name] = "/usr/sbin/\(name)" }
        facts.run = .worked(milliseconds: 5)
        return facts
    }

    /// An ordinary user with subordinate ids and every controller.
    static func user(_ osRelease: String = debian12, kernel: String = "6.15.0") -> MachineFacts {
        var facts = root(osRelease, kernel: kernel)
        facts.caller.uid = 1000
        facts.caller.gid = 1000
        facts.caller.name = "dev"
        facts.caller.capabilities = 0
        let ranges = [SubordinateRange(start: 100_000, count: 65_536)]
        facts.identity = IdentityFacts(
            uids: ranges, gids: ranges, newuidmap: .init(path: "/usr/bin/newuidmap", gainsPrivileges: true),
            newgidmap: .init(path: "/usr/bin/newgidmap", gainsPrivileges: true), firstFree: 165_536)
        facts.cgroups.obstacles[.devices] = CgroupError(
            .controllerUnavailable, "devices", cause: SystemError("bpf", .notPermitted), hint: "…")
        facts.files.state = .usable("/run/user/1000")
        facts.files.idMaps = []
        return facts
    }

    static let unified = CgroupLayout(hierarchies: [
        CgroupHierarchy(
            version: .v2, controllers: [.cpuset, .cpu, .io, .memory, .hugetlb, .pids], mountPoint: "/sys/fs/cgroup",
            mountRoot: "/", ownPath: "/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope")
    ])

    static let legacy = CgroupLayout(
        hierarchies: [CgroupController.memory, .cpu, .pids, .cpuset, .io, .hugetlb, .freezer, .devices].map {
            CgroupHierarchy(
                version: .v1, controllers: [$0], mountPoint: "/sys/fs/cgroup/\($0.nameInV1)", mountRoot: "/",
                ownPath: "/")
        })
}

extension MachineFacts {
    /// The run fails as it does on such a machine.
    mutating func fail(_ message: String, hint: String? = nil) {
        run = .failed(status: 125, message: message, hint: hint)
    }

    /// What follows a user namespace cannot be tried.
    mutating func leaveOut(_ names: ClosedRange<AttemptName>, _ reason: String) {
        for name in AttemptName.allCases where names.contains(name) { self[name] = .untried(reason) }
    }

    mutating func leaveOutNamespaces() {
        for name in [AttemptName.pidNamespace, .mapIDs, .mapSubordinateIDs] {
            self[name] = .untried("there is no user namespace to try it in")
        }
        leaveOut(AttemptName.namespaces, "there is no user namespace to try it in")
    }
}
