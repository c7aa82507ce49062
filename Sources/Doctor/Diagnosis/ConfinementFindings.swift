// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension Diagnosis {
    var confinement: [Finding] {
        [filter, actions, listener, waitKillable, landlock, securityModules]
    }

    private var filter: Finding {
        finding(
            "seccomp-filter", .confinement, "system-call filters", .filter, since: "3.17", requiredForRun: true,
            effect: "run needs --seccomp unconfined", source: "seccomp(2)"
        ) { errno in errno == .invalid ? "install a kernel with CONFIG_SECCOMP_FILTER=y" : nil }
    }

    private static let actionNames: [(AttemptName, String)] = [
        (.actionKillProcess, "kill_process"), (.actionKillThread, "kill_thread"), (.actionTrap, "trap"),
        (.actionErrno, "errno"), (.actionUserNotification, "user_notif"), (.actionTrace, "trace"),
        (.actionLog, "log"), (.actionAllow, "allow"),
    ]

    private var actions: Finding {
        let missing = Self.actionNames.filter { !facts[$0.0].works }.map(\.1)
        let first = Self.actionNames.lazy.map { facts[$0.0] }.first { !$0.works }
        if let first, state(first) == .unknown {
            return Finding("seccomp-actions", .confinement, "filter actions", .unknown, first.words)
        }
        return Finding(
            "seccomp-actions", .confinement, "filter actions",
            missing.isEmpty ? .ok : missing.count == Self.actionNames.count ? .missing : .degraded,
            missing.isEmpty
                ? Self.actionNames.map(\.1).joined(separator: " ") : "missing: \(missing.joined(separator: " "))",
            effect: "profiles that use them are refused", cure: first.flatMap { cure(for: $0, since: "5.0") },
            kernelVersion: "5.0", source: "seccomp(2), SECCOMP_GET_ACTION_AVAIL")
    }

    private var listener: Finding {
        let attempt =
            [AttemptName.flagNewListener, .notificationSizes, .listener].lazy.map { facts[$0] }
            .first { !$0.works } ?? facts[.listener]
        // One listener a process: whoever started this one listens already.
        let isTaken = attempt.errno == .busy
        return Finding(
            "seccomp-listener", .confinement, "filter listeners", isTaken ? .degraded : state(attempt),
            isTaken ? "another one listens to this process" : attempt.words,
            effect: "refused calls cannot be seen, or answered, from outside as they are made",
            cure: isTaken ? unfilteredCure : cure(for: attempt, since: "5.0"), kernelVersion: "5.0",
            source: "seccomp_unotify(2)")
    }

    private var waitKillable: Finding {
        finding(
            "seccomp-wait-killable", .confinement, "killable listeners", .flagWaitKillableReceive,
            since: "5.19", effect: "a call that is being answered from outside begins again with every signal",
            source: "seccomp(2), SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"
        ) { errno in errno == .invalid ? facts.distribution.kernelCure("5.19") : nil }
    }

    // MARK: Landlock

    /// What each version of the interface brought. landlock(7), "VERSIONS"
    static let landlockVersions: [(abi: Int, kernel: String, holds: String)] = [
        (1, "5.13", "files"), (2, "5.19", "links and renames between directories"), (3, "6.2", "truncation"),
        (4, "6.7", "TCP ports"), (5, "6.10", "ioctl on devices"), (6, "6.12", "signals and abstract sockets"),
    ]

    /// What this kernel's Landlock does not hold.
    var landlockGaps: [(abi: Int, kernel: String, holds: String)] {
        let abi = facts[.landlockABI].value ?? 0
        return Self.landlockVersions.filter { $0.abi > abi }
    }

    private var landlock: Finding {
        let attempt = facts[.landlockABI]
        let abi = attempt.value ?? 0
        let gaps = landlockGaps
        let effect =
            abi == 0
            ? "no second wall stands behind the namespaces, and --isolation landlock is refused"
            : "it does not hold these: " + gaps.map(\.holds).joined(separator: ", ")
        return Finding(
            "landlock", .confinement, "Landlock", abi == 0 ? state(attempt) : gaps.isEmpty ? .ok : .degraded,
            abi > 0 ? "ABI \(abi)" : landlockAbsence(attempt), effect: effect,
            cure: abi > 0
                ? gaps.last.map { facts.distribution.kernelCure($0.kernel) } : landlockCure(attempt),
            kernelVersion: "5.13", source: "landlock(7)")
    }

    private func landlockAbsence(_ attempt: Attempt) -> String {
        attempt.errno == .notSupported ? "built in, but not enabled at boot" : attempt.words
    }

    private func landlockCure(_ attempt: Attempt) -> String? {
        switch attempt.errno {
        case .notSupported:
            let present = facts.securityModules ?? ["capability", "yama"]
            // `capability` is always first, ima and evm are last: they are not to be named.
            let names = ["landlock"] + present.filter { !["capability", "landlock", "ima", "evm"].contains($0) }
            return facts.distribution.bootCure("lsm=" + names.joined(separator: ","))
        case .noSystemCall where facts.kernel >= KernelRelease("5.13") && !facts.caller.isFiltered:
            return "install a kernel with CONFIG_SECURITY_LANDLOCK=y"
        default: return cure(for: attempt, since: "5.13")
        }
    }

    private var securityModules: Finding {
        Finding(
            "security-modules", .confinement, "security modules", facts.securityModules == nil ? .unknown : .ok,
            facts.securityModules?.joined(separator: ",") ?? "/sys/kernel/security is not mounted",
            source: "Documentation/admin-guide/LSM/index.rst")
    }
}
