// SPDX-License-Identifier: Apache-2.0

extension Diagnosis {
    /// The real run, and the way without user namespaces.
    func run(_ before: [Finding]) -> [Finding] { [realRun(before), isolationLandlock] }

    private func realRun(_ before: [Finding]) -> Finding {
        // One of those with the same cure is enough.
        var cures: Set<String?> = []
        let causes = before.filter { $0.requiredForRun && $0.state == .missing && cures.insert($0.cure).inserted }
            .map(\.id)
        let detail: String
        var hint: String?
        switch facts.run {
        case .worked(let milliseconds): detail = "martinet run -- /bin/true took \(milliseconds) ms"
        case .failed(let status, let message, let said):
            detail = message.isEmpty ? "martinet run -- /bin/true exits with \(status)" : message
            hint = said
        case .hung(let seconds): detail = "martinet run -- /bin/true did not end within \(seconds) s"
        case .untried(let reason): detail = "not tried: \(reason)"
        }
        return Finding(
            "run", .run, "martinet run", facts.run.works ? .ok : .missing, detail,
            effect: "no sandbox can be started with default settings",
            // What was measured knows more than the launcher's hint.
            cure: causes.isEmpty ? hint : "the cure of " + causes.joined(separator: ", "),
            requiredForRun: true, source: "docs/cli.md")
    }

    /// Without user namespaces: Landlock, a system-call filter, resource limits and, where there are any, cgroups.
    private var isolationLandlock: Finding {
        let abi = facts[.landlockABI].value ?? 0
        let holdsFiles = abi > 0 && facts[.landlockRestrict].works
        let filters = facts[.filter].works
        let gaps = landlockGaps
        let parts = [
            abi > 0 ? "Landlock ABI \(abi)" : "no Landlock", filters ? "system-call filter" : "no system-call filter",
            "resource limits",
            facts.cgroups.obstacles[.memory] == nil && (facts.cgroups.layout.map { $0.kind != .none } ?? false)
                ? "cgroups" : "no cgroup limits",
        ]
        let works = holdsFiles && filters
        if [AttemptName.landlockABI, .filter].contains(where: { state(facts[$0]) == .unknown }) {
            return Finding("isolation-landlock", .run, "--isolation landlock", .unknown, facts[.landlockABI].words)
        }
        return Finding(
            "isolation-landlock", .run, "--isolation landlock",
            works ? (gaps.isEmpty ? .ok : .degraded) : .missing, parts.joined(separator: ", "),
            effect: works
                ? "--isolation landlock would not hold: " + gaps.map(\.holds).joined(separator: ", ")
                : "--isolation landlock is refused",
            cure: works || !holdsFiles ? "the cure of landlock" : "the cure of seccomp-filter",
            kernelVersion: "5.13", source: "landlock(7)")
    }
}
