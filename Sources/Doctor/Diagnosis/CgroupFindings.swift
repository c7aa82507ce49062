// SPDX-License-Identifier: Apache-2.0
import Cgroups
import LinuxKernel

extension Diagnosis {
    /// What differs by cgroup version is left out where it makes no sense.
    var cgroups: [Finding] {
        guard let layout = facts.cgroups.layout else {
            return [
                Finding(
                    "cgroup-layout", .cgroups, "cgroups", .missing,
                    "/proc/self/mountinfo or cgroup.controllers told nothing",
                    effect: "no limit can be held")
            ]
        }
        var found = [self.layout(layout)]
        if layout.kind != .none {
            found += Self.controllers.map { controller($0, effect: $1, layout) }
            found.append(swap(layout))
        }
        if layout.kind == .v2 { found += newerFiles + [cloneIntoCgroup] }
        return found + [pressure]
    }

    private func layout(_ layout: CgroupLayout) -> Finding {
        let old = layout.hierarchies.filter { $0.version == .v1 }.map { hierarchy in
            hierarchy.controllers.map(\.nameInV1).joined(separator: ",")
        }
        let new = layout.unified.map { hierarchy in
            let names = hierarchy.controllers.map(\.rawValue).joined(separator: " ")
            return "v2 at \(hierarchy.mountPoint): \(names.isEmpty ? "no controllers" : names)"
        }
        let places = (old.isEmpty ? [] : ["v1: \(old.joined(separator: " "))"]) + (new.map { [$0] } ?? [])
        return Finding(
            "cgroup-layout", .cgroups, "cgroups",
            layout.kind == .v2 ? .ok : layout.kind == .none ? .missing : .degraded,
            layout.kind == .none
                ? "no cgroup file system is mounted" : places.joined(separator: "; "),
            effect: layout.kind == .none
                ? "no limit can be held but RLIMIT_NPROC"
                : "only root has limits, and out-of-memory ends one process before init ends the rest",
            cure: layout.kind == .none
                ? "mount -t cgroup2 cgroup2 /sys/fs/cgroup" : unifiedCure,
            kernelVersion: "4.5", source: "Documentation/admin-guide/cgroup-v2.rst")
    }

    private var unifiedCure: String {
        facts.caller.usesSystemd
            ? facts.distribution.bootCure("systemd.unified_cgroup_hierarchy=1")
            : facts.distribution.family == .alpine
                ? "set rc_cgroup_mode=\"unified\" in /etc/rc.conf; reboot"
                : "mount cgroup v2 alone at boot: mount -t cgroup2 cgroup2 /sys/fs/cgroup"
    }

    // MARK: Controllers

    private static let controllers: [(CgroupController, effect: String)] = [
        (.memory, "--memory, --memory-high and --swap are refused"),
        (.cpu, "--cpus and --cpu-weight are refused"),
        (.pids, "--pids is refused; the default of 512 processes falls back to RLIMIT_NPROC"),
        (.cpuset, "--cpuset and --cpuset-mems are refused"),
        (.io, "--io-weight and the rates of disks, as --io-read, are refused"),
        (.hugetlb, "--hugetlb is refused"),
        (.freezer, "a sandbox cannot be paused as a whole"),
        (.devices, "devices are kept out by an empty /dev and the missing CAP_MKNOD alone"),
    ]

    private func controller(_ controller: CgroupController, effect: String, _ layout: CgroupLayout) -> Finding {
        let carrier = layout.hierarchy(for: controller)
        let notes = facts.cgroups.notes[controller] ?? []
        var detail = "v\(carrier?.version.rawValue ?? 0) at \(carrier?.mountPoint ?? "")"
        if !notes.isEmpty { detail += "; " + notes.joined(separator: "; ") }
        guard let obstacle = facts.cgroups.obstacles[controller] else {
            return Finding(
                "cgroup-\(controller.rawValue)", .cgroups, "\(controller.rawValue) controller",
                carrier == nil ? .unknown : .ok, detail, source: "cgroups(7)")
        }
        detail = obstacle.reason ?? "not to be used"
        if let cause = obstacle.cause { detail = "\(cause.errno): \(obstacle.subject)" }
        // A user's sandbox has no need of it: what it can mount or make is no device.
        let isRootsAlone = controller == .devices && !facts.caller.isPrivileged
        return Finding(
            "cgroup-\(controller.rawValue)", .cgroups, "\(controller.rawValue) controller",
            isRootsAlone ? .degraded : .missing, detail, effect: effect,
            cure: cure(obstacle, controller, carrier?.version), source: "cgroups(7)")
    }

    private func cure(_ obstacle: CgroupError, _ controller: CgroupController, _ version: CgroupVersion?) -> String? {
        switch obstacle.code {
        case .controllerUnavailable where controller == .devices && version == .v2:
            return facts.caller.isPrivileged ? obstacle.hint : "start martinet as root"
        case .controllerUnavailable:
            if facts.disabledControllers.contains(controller.rawValue) {
                return "take cgroup_disable=\(controller.rawValue) off the kernel's command line; reboot"
            }
            // systemd.resource-control(5), `Delegate=`, has no name for it.
            if controller == .hugetlb, version == .v2, facts.caller.usesSystemd { return "start martinet as root" }
            guard version == .v2 else {
                return controller == .memory && facts.cgroups.layout?.kind == .v2
                    ? facts.distribution.bootCure("cgroup_enable=memory") : obstacle.hint
            }
            return facts.caller.usesSystemd
                ? Self.delegateCure(uid: facts.caller.uid) : handMadeCure(controller)
        case .delegationUnavailable:
            if version == .v1 { return "run as root, or the cure of cgroup-layout" }
            return facts.caller.usesSystemd
                ? "systemd-run --user --scope -p Delegate=yes martinet run …    (as \(facts.caller.account))"
                : handMadeCure(controller)
        default: return obstacle.hint
        }
    }

    /// A drop-in that has the service manager pass all of them on; by default it passes memory and pids, since systemd 252
    /// cpu as well. systemd.resource-control(5), `Delegate=`
    static func delegateCure(uid: UInt32) -> String {
        """
        mkdir -p /etc/systemd/system/user@.service.d
        printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' > /etc/systemd/system/user@.service.d/delegate.conf
        systemctl daemon-reload; systemctl restart user@\(uid).service    (ends its sessions' services; or log in anew)
        """
    }

    /// The same without a service manager: a subtree that is the user's, with the caller's shell in it.
    private func handMadeCure(_ controller: CgroupController) -> String {
        let mount = facts.cgroups.layout?.unified?.mountPoint ?? "/sys/fs/cgroup"
        let top = "\(mount)/\(facts.caller.account)"
        return """
            for c in cpu cpuset io memory pids; do echo +$c > \(mount)/cgroup.subtree_control; done
            mkdir -p \(top)/shell; chown \(facts.caller.account) \(top) \(top)/shell/cgroup.procs
            for f in procs threads subtree_control; do chown \(facts.caller.account) \(top)/cgroup.$f; done
            echo PID > \(top)/shell/cgroup.procs    (of the shell that starts martinet)
            """
    }

    // MARK: Files that came later

    private func swap(_ layout: CgroupLayout) -> Finding {
        let file = layout.hierarchy(for: .memory)?.version == .v1 ? "memory.memsw.limit_in_bytes" : "memory.swap.max"
        let has = facts.cgroups.files[file]
        let isUncontrolled = facts.cgroups.hasSwap && has == false
        return Finding(
            "swap-accounting", .cgroups, "swap", isUncontrolled ? .missing : .ok,
            (facts.cgroups.hasSwap ? "on" : "no swap device is on") + (has == false ? ", not accounted" : ""),
            effect: "--memory is refused without --swap max",
            cure: facts.distribution.bootCure("swapaccount=1") + "    (or: swapoff -a)",
            source: "Documentation/admin-guide/kernel-parameters.txt, swapaccount=")
    }

    private var newerFiles: [Finding] {
        [
            file(
                "cgroup-kill", "cgroup.kill", "5.14",
                effect: "what is left of a sandbox is ended with its PID namespace, not with its cgroup"),
            file("memory-peak", "memory.peak", "5.19", effect: "the most memory used is not known"),
            file("pids-peak", "pids.peak", "6.1", effect: "the most processes alive at once is not known"),
        ]
    }

    private func file(_ id: String, _ name: String, _ version: String, effect: String) -> Finding {
        let has = facts.cgroups.files[name]
        return Finding(
            id, .cgroups, name, has.map { $0 ? .ok : .missing } ?? .unknown,
            has.map { $0 ? "there" : "not in this kernel" } ?? "no cgroup at hand that would have it", effect: effect,
            cure: facts.distribution.kernelCure(version), kernelVersion: version,
            source: "Documentation/admin-guide/cgroup-v2.rst")
    }

    private var cloneIntoCgroup: Finding {
        let attempt = facts[.intoCgroup]
        // Refused for the cgroup's sake, the flag itself is known.
        let refused = attempt.errno.map { isRefusal($0) || $0 == .busy || $0 == .notSupported } ?? false
        return Finding(
            "clone-into-cgroup", .cgroups, "CLONE_INTO_CGROUP", refused ? .ok : state(attempt),
            refused ? "known; this process's own cgroup is not its to fill" : attempt.words,
            effect: "--memory, --cpus and --pids fail", cure: cure(for: attempt, since: "5.7"), kernelVersion: "5.7",
            source: "clone3(2)")
    }

    private var pressure: Finding {
        Finding(
            "pressure", .cgroups, "pressure stall information", facts.cgroups.countsPressure ? .ok : .degraded,
            facts.cgroups.countsPressure ? "counted" : "not counted",
            effect: "how long programs waited for CPU, memory and disk is not known",
            cure: facts.distribution.bootCure("psi=1"), kernelVersion: "4.20",
            source: "Documentation/accounting/psi.rst")
    }
}
