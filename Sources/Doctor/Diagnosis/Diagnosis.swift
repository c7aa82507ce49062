// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Turns what was measured into findings. Pure: the same facts give the same report. One extension a group.
struct Diagnosis {
    let facts: MachineFacts

    static func report(_ facts: MachineFacts) -> Report {
        let diagnosis = Diagnosis(facts: facts)
        let before =
            diagnosis.kernel + diagnosis.namespaces + diagnosis.identity + diagnosis.cgroups + diagnosis.confinement
            + diagnosis.files + diagnosis.tools
        return Report(findings: before + diagnosis.run(before), runWorks: facts.run.works)
    }

    /// A finding that stands or falls with one attempt.
    ///
    /// - Parameters:
    ///   - good: the detail where it worked.
    ///   - bad: what more there is to say of a failure.
    ///   - cure: for a failure that the general cures do not know; by default those.
    func finding(
        _ id: String, _ group: Finding.Group, _ title: String, _ name: AttemptName, since version: String? = nil,
        requiredForRun: Bool = false, good: String = "works", bad: (Errno) -> String? = { _ in nil },
        effect: String, source: String,
        cure: (Errno) -> String? = { _ in nil }
    ) -> Finding {
        let attempt = facts[name]
        let reason = attempt.errno.flatMap(bad).map { ": \($0)" } ?? ""
        return Finding(
            id, group, title, state(attempt), attempt.works ? good : attempt.words + reason, effect: effect,
            cure: attempt.errno.flatMap(cure) ?? self.cure(for: attempt, since: version),
            requiredForRun: requiredForRun, kernelVersion: version, source: source)
    }

    func state(_ attempt: Attempt) -> Finding.State {
        switch attempt {
        case .worked: .ok
        case .failed, .killed: .missing
        case .untried: .unknown
        }
    }

    // MARK: Cures that many findings share

    /// What helps against a kernel that says no: a newer one, or less of a wall around this process.
    func cure(for attempt: Attempt, since version: String?) -> String? {
        let isOld = version.map { facts.kernel < KernelRelease($0) } ?? false
        switch attempt {
        case .worked, .untried: return nil
        case .killed: return unfilteredCure
        case .failed(let errno):
            if isOld, let version { return facts.distribution.kernelCure(version) }
            if errno == .noSystemCall { return unfilteredCure }
            return isRefusal(errno) ? refusalCure : nil
        }
    }

    func isRefusal(_ errno: Errno) -> Bool { errno == .notPermitted || errno == .permissionDenied }

    /// For a call that this kernel has and that a filter answers for it.
    var unfilteredCure: String {
        facts.caller.container?.cure
            ?? "start martinet without the system-call filter around it (systemd: SystemCallFilter= in its unit)"
    }

    /// For EPERM and EACCES: who says so is written in the kernel's log at best.
    private var refusalCure: String {
        if isHeldByAppArmor { return Self.appArmorCure(program: facts.caller.program) }
        return facts.caller.container?.cure
            ?? "journalctl -k | grep -iE 'apparmor|avc|denied'    (names the security module that refused it)"
    }

    /// Sets a sysctl now and at boot.
    static func sysctlCure(_ name: String, _ value: String) -> String {
        "echo '\(name) = \(value)' >> /etc/sysctl.d/60-martinet.conf; sysctl -p /etc/sysctl.d/60-martinet.conf"
    }

    /// Whether Ubuntu's rule is what takes capabilities in user namespaces away: it is on, and what it forbids failed.
    var isHeldByAppArmor: Bool {
        guard facts.settings[Self.appArmorRule] == "1", facts.caller.capabilities & 1 << 21 == 0 else { return false }
        return [AttemptName.userNamespace, .pidNamespace, .mapIDs, .unshareMount].contains { name in
            facts[name].errno.map(isRefusal) ?? false
        }
    }

    static let appArmorRule = "kernel.apparmor_restrict_unprivileged_userns"
}
