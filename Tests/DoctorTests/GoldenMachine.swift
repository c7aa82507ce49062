// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Storage
import Testing

@testable import Cgroups
@testable import Doctor

/// A machine with something wrong, whose report is on file.
struct GoldenMachine: Sendable, CustomTestStringConvertible {
    let name: String
    let make: @Sendable () -> MachineFacts
    /// The findings that a user must be told of, besides `run`.
    let wrong: [String]

    var testDescription: String { name }

    static let all: [GoldenMachine] = [
        GoldenMachine(name: "root", make: { FakeMachine.root() }, wrong: []),
        GoldenMachine(name: "user", make: { FakeMachine.user() }, wrong: ["cgroup-devices"]),
        GoldenMachine(name: "core-socket", make: coreSocket, wrong: ["core-pattern"]),
        GoldenMachine(name: "no-user-namespaces", make: noUserNamespaces, wrong: ["user-namespaces"]),
        GoldenMachine(name: "debian-userns-clone", make: debianClone, wrong: ["user-namespaces"]),
        GoldenMachine(name: "ubuntu-apparmor", make: ubuntuAppArmor, wrong: ["apparmor-userns", "mount-namespaces"]),
        GoldenMachine(
            name: "no-subordinate-ids", make: noSubordinateIDs, wrong: ["subuid", "subgid", "newuidmap", "newgidmap"]),
        GoldenMachine(name: "single-id-cve-2024-42312", make: unmendedKernel, wrong: ["network-settings"]),
        GoldenMachine(
            name: "map-tool-without-privileges", make: weakMapTool, wrong: ["newuidmap", "subordinate-maps"]),
        GoldenMachine(name: "cgroup-v1-user", make: legacyUser, wrong: ["cgroup-layout", "cgroup-memory"]),
        GoldenMachine(name: "no-cgroups", make: noCgroups, wrong: ["cgroup-layout"]),
        GoldenMachine(name: "delegated-without-io", make: delegatedWithoutIO, wrong: ["cgroup-io", "cgroup-cpuset"]),
        GoldenMachine(
            name: "not-delegated-alpine", make: alpineUser, wrong: ["cgroup-memory", "subuid", "state-directory"]),
        GoldenMachine(name: "swap-not-accounted", make: swapNotAccounted, wrong: ["swap-accounting"]),
        GoldenMachine(name: "debian-11", make: debian11, wrong: ["kernel", "mount-setattr", "overlay", "landlock"]),
        GoldenMachine(name: "debian-12", make: debian12, wrong: ["overlay-opaque", "landlock", "id-mapped-mounts"]),
        GoldenMachine(
            name: "rhel-9", make: rhel9, wrong: ["memory-peak", "pids-peak", "landlock", "overlay-id-mapped"]),
        GoldenMachine(name: "landlock-not-enabled", make: landlockOff, wrong: ["landlock", "isolation-landlock"]),
        GoldenMachine(name: "docker", make: docker, wrong: ["container", "clone3", "user-namespaces", "privileges"]),
        GoldenMachine(name: "docker-masked-proc", make: maskedProc, wrong: ["mount-proc", "mount-sysfs"]),
        GoldenMachine(name: "killing-filter", make: killingFilter, wrong: ["openat2", "seccomp-filter"]),
        GoldenMachine(name: "initial-ramfs", make: initialRamfs, wrong: ["pivot-root"]),
        GoldenMachine(name: "nothing-installed", make: nothingInstalled, wrong: ["init", "nft", "debootstrap"]),
        GoldenMachine(name: "no-proc", make: noProc, wrong: ["cgroup-layout"]),
        GoldenMachine(name: "hung", make: hung, wrong: []),
    ]

    @Sendable private static func noUserNamespaces() -> MachineFacts {
        var facts = FakeMachine.user()
        facts.settings["user.max_user_namespaces"] = "0"
        facts[.userNamespace] = .failed(.noSpace)
        facts.leaveOutNamespaces()
        facts.fail("clone3 with a new user and PID namespace: no space left on device (ENOSPC)")
        return facts
    }

    @Sendable private static func debianClone() -> MachineFacts {
        var facts = FakeMachine.user()
        facts.settings["kernel.unprivileged_userns_clone"] = "0"
        facts[.userNamespace] = .failed(.notPermitted)
        facts.leaveOutNamespaces()
        facts.fail("clone3 with a new user and PID namespace: operation not permitted (EPERM)")
        return facts
    }

    /// The namespace is made, and whoever is in it has no capability.
    @Sendable private static func ubuntuAppArmor() -> MachineFacts {
        var facts = FakeMachine.user(FakeMachine.ubuntu2404, kernel: "6.8.0-49-generic")
        facts.settings[Diagnosis.appArmorRule] = "1"
        facts.settings["kernel.apparmor_restrict_unprivileged_unconfined"] = "0"
        for name in [AttemptName.unshareMount, .unshareNetwork, .unshareUTS, .unshareIPC, .unshareCgroup, .unshareTime]
        {
            facts[name] = .failed(.notPermitted)
        }
        facts.leaveOut(.makePrivate ... .pivotRoot, "there is no mount namespace to try it in")
        facts[.landlockABI] = .worked(4)
        facts.fail("unshare mount, network, UTS and IPC namespaces: operation not permitted (EPERM)", hint: "…")
        return facts
    }

    @Sendable private static func noSubordinateIDs() -> MachineFacts {
        var facts = FakeMachine.user()
        facts.identity = IdentityFacts(firstFree: 231_072)
        facts[.mapSubordinateIDs] = .untried("no ranges, or not the tools to use them")
        return facts
    }

    @Sendable private static func coreSocket() -> MachineFacts {
        var facts = FakeMachine.root()
        facts.settings["kernel.core_pattern"] = "@/run/systemd/coredump"
        facts.cgroups.notes[.io] = ["io-weight: no disk is divided by weights"]
        return facts
    }

    /// Ubuntu 24.04 as it was released.
    @Sendable private static func unmendedKernel() -> MachineFacts {
        var facts = noSubordinateIDs()
        facts.kernel = KernelRelease("6.8.0-31-generic")
        facts[.openSetting] = .failed(.permissionDenied)
        facts.fail("write \"0\" to /proc/sys/net/ipv4/ip_unprivileged_port_start: permission denied (EACCES)")
        return facts
    }

    @Sendable private static func weakMapTool() -> MachineFacts {
        var facts = FakeMachine.user()
        facts.identity.newuidmap = .init(path: "/usr/bin/newuidmap", gainsPrivileges: false)
        facts.identity.complaint = "newuidmap: write to uid_map failed: Operation not permitted"
        facts[.mapSubordinateIDs] = .failed(.notPermitted)
        facts.fail("map ids with newuidmap: write to uid_map failed: Operation not permitted", hint: "…")
        return facts
    }

    @Sendable private static func legacyUser() -> MachineFacts {
        var facts = FakeMachine.user()
        facts.cgroups.layout = FakeMachine.legacy
        facts.cgroups.files = ["memory.memsw.limit_in_bytes": true]
        for controller in CgroupController.allCases {
            facts.cgroups.obstacles[controller] = CgroupV1().creationError(
                "/sys/fs/cgroup/\(controller.nameInV1)/martinet", SystemError("mkdir", .permissionDenied))
        }
        facts[.intoCgroup] = .untried("this process is in no cgroup v2 that it can see")
        return facts
    }

    @Sendable private static func noCgroups() -> MachineFacts {
        var facts = FakeMachine.root()
        facts.cgroups = CgroupFacts(layout: CgroupLayout(hierarchies: []))
        return facts
    }

    /// Before systemd 252 a user's manager passes memory and pids on.
    @Sendable private static func delegatedWithoutIO() -> MachineFacts {
        var facts = FakeMachine.user()
        for controller in [CgroupController.cpuset, .io, .hugetlb] {
            facts.cgroups.obstacles[controller] = CgroupError(
                .controllerUnavailable, controller.rawValue, reason: "it is not delegated to this user")
        }
        return facts
    }

    @Sendable private static func alpineUser() -> MachineFacts {
        var facts = FakeMachine.user(FakeMachine.alpine, kernel: "6.6.58-0-lts")
        facts.caller.usesSystemd = false
        facts.identity = IdentityFacts(firstFree: 100_000)
        facts.files.state = .unset(conventional: nil)
        for controller in CgroupController.allCases {
            facts.cgroups.obstacles[controller] = CgroupError(
                .delegationUnavailable, "/sys/fs/cgroup/", reason: "no cgroup around it is this user's")
        }
        facts[.intoCgroup] = .failed(.permissionDenied)
        facts[.overlay] = .failed(.noDevice)
        facts[.overlayOpaque] = .untried("there is no overlay to try it in")
        facts.tools = [:]
        return facts
    }

    @Sendable private static func swapNotAccounted() -> MachineFacts {
        var facts = FakeMachine.root()
        facts.cgroups.hasSwap = true
        facts.cgroups.files["memory.swap.max"] = false
        return facts
    }

    @Sendable private static func debian11() -> MachineFacts {
        var facts = FakeMachine.root("ID=debian\nVERSION_ID=\"11\"", kernel: "5.10.0-33-amd64")
        for name in [AttemptName.mountSetattr, .landlockABI, .landlockRestrict] { facts[name] = .failed(.noSystemCall) }
        facts[.makePrivate] = .failed(.noSystemCall)
        facts[.overlay] = .failed(.notPermitted)
        facts[.overlayOpaque] = .untried("there is no overlay to try it in")
        facts[.overlayMapped] = .untried("there is no overlay to try it in")
        facts[.flagWaitKillableReceive] = .failed(.invalid)
        facts.files.idMaps = [FileFacts.IDMap(path: "/", fileSystem: "ext4", attempt: .failed(.noSystemCall))]
        facts.files.projectQuota = .failed(.noSystemCall)
        for file in ["cgroup.kill", "memory.peak", "pids.peak"] { facts.cgroups.files[file] = false }
        facts.fail("start a sandbox on Linux 5.10: the kernel is too old", hint: "Linux 5.12 or later is needed")
        return facts
    }

    @Sendable private static func debian12() -> MachineFacts {
        var facts = FakeMachine.root(kernel: "6.1.0-32-amd64")
        facts[.overlayOpaque] = .failed(.inputOutput)
        facts[.tmpfsXattr] = .failed(.notSupported)
        facts[.landlockABI] = .worked(2)
        facts.files.idMaps.append(FileFacts.IDMap(path: "/dev/shm", fileSystem: "tmpfs", attempt: .failed(.invalid)))
        return facts
    }

    @Sendable private static func rhel9() -> MachineFacts {
        var facts = FakeMachine.root(FakeMachine.rocky9, kernel: "5.14.0-427.el9.x86_64")
        facts[.landlockABI] = .failed(.noSystemCall)
        facts[.landlockRestrict] = .failed(.noSystemCall)
        facts.securityModules = ["lockdown", "capability", "yama", "selinux", "bpf"]
        facts.cgroups.files["memory.peak"] = false
        facts.cgroups.files["pids.peak"] = false
        facts.cgroups.countsPressure = false
        facts.files.quotaFileSystem = "xfs"
        facts.files.projectQuota = .failed(.noProcess)
        facts.tools["debootstrap"] = nil
        facts[.overlayMapped] = .failed(.invalid)
        facts[.overlayOpaque] = .failed(.inputOutput)
        facts[.tmpfsXattr] = .failed(.notSupported)
        return facts
    }

    @Sendable private static func landlockOff() -> MachineFacts {
        var facts = FakeMachine.user()
        facts.securityModules = ["lockdown", "capability", "yama", "apparmor"]
        facts[.landlockABI] = .failed(.notSupported)
        facts[.landlockRestrict] = .failed(.notSupported)
        return facts
    }

    /// Root as Docker has it: no CAP_SYS_ADMIN, and a filter that knows nothing of namespaces.
    @Sendable private static func docker() -> MachineFacts {
        var facts = FakeMachine.root()
        facts.caller.container = .docker
        facts.caller.isFiltered = true
        facts.caller.usesSystemd = false
        facts.caller.capabilities = 0xa804_25fb
        facts[.clone3] = .failed(.noSystemCall)
        facts[.userNamespace] = .failed(.notPermitted)
        facts.leaveOutNamespaces()
        facts.identity = IdentityFacts()
        facts.cgroups.obstacles = [:]
        facts.fail("clone3 with a new user and PID namespace: function not implemented (ENOSYS)")
        return facts
    }

    @Sendable private static func maskedProc() -> MachineFacts {
        var facts = FakeMachine.user()
        facts.caller.container = .docker
        facts[.mountProc] = .failed(.notPermitted)
        facts[.mountSysfs] = .failed(.notPermitted)
        facts.fail("mount proc as #18: operation not permitted (EPERM)", hint: "…")
        return facts
    }

    @Sendable private static func killingFilter() -> MachineFacts {
        var facts = FakeMachine.user()
        facts.caller.isFiltered = true
        facts[.openat2] = .killed(signal: 31)
        facts[.filter] = .killed(signal: 31)
        facts.fail("", hint: nil)
        facts.run = .failed(status: 159, message: "", hint: nil)
        return facts
    }

    @Sendable private static func initialRamfs() -> MachineFacts {
        var facts = FakeMachine.root()
        facts[.pivotRoot] = .failed(.invalid)
        facts.fail("pivot root: invalid argument (EINVAL)")
        return facts
    }

    @Sendable private static func nothingInstalled() -> MachineFacts {
        var facts = FakeMachine.root()
        facts.tools = [:]
        facts.files.initPath = nil
        facts.files.initSearched = [
            "/usr/local/bin/martinet-init", "/usr/local/bin/../libexec/martinet/martinet-init",
        ]
        facts.files.initStarts = .untried("it was not found")
        facts.files.hasLoopControl = false
        facts.files.projectQuota = .failed(.noProcess)
        facts.fail("find martinet-init: not at …", hint: "make install puts it in PREFIX/libexec/martinet")
        return facts
    }

    @Sendable private static func noProc() -> MachineFacts {
        var facts = FakeMachine.root()
        facts.settings = [:]
        facts.namespaceTypes = []
        facts.cgroups = CgroupFacts()
        facts.securityModules = nil
        facts.fail("readlink /proc/self/exe: no such file or directory (ENOENT)")
        return facts
    }

    @Sendable private static func hung() -> MachineFacts {
        var facts = FakeMachine.root()
        facts.settings["kernel.core_pattern"] = "|/usr/lib/systemd/systemd-coredump %P"
        facts.run = .hung(seconds: 30)
        return facts
    }
}
