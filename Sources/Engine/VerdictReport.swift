// SPDX-License-Identifier: Apache-2.0
import Cgroups
import LinuxKernel
import SandboxSpec

/// What `--report json` writes: one JSON object for each run, also for one that could not be started.
///
/// Times are whole nanoseconds, sizes bytes. What was not counted is null, so that it is never taken for zero. Keys are only
/// ever added; `version` changes if one had to mean something else.
public struct VerdictReport: Sendable {
    public static let version = 1
    public let node: SpecNode

    public init(_ verdict: Verdict, name: String? = nil) {
        var entries: [SpecNode.Entry] = [
            entry("version", number(Self.version)), entry("name", text(name)),
            entry("exit-status", number(Int(verdict.exitStatus))),
        ]
        entries += Self.end(verdict.status)
        entries += [
            entry("limit", text(verdict.limit?.rawValue)), entry("reached", list(verdict.reached.map(\.rawValue))),
            entry("error", .init(.null)), entry("time", Self.times(verdict)), entry("used", Self.uses(verdict)),
            entry("confinement", Self.confinement(verdict.confinement)),
        ]
        if !verdict.appeared.isEmpty { entries.append(entry("appeared", list(verdict.appeared))) }
        if let failure = verdict.reviewFailure { entries.append(entry("review-error", text(failure))) }
        if let denials = verdict.denials { entries.append(entry("denied", Self.denials(denials))) }
        node = SpecNode(.map(entries))
    }

    /// A run that came to no verdict.
    public init(_ error: EngineError, name: String? = nil) {
        node = map([
            entry("version", number(Self.version)), entry("name", text(name)),
            entry("exit-status", number(Int(error.exitStatus))), entry("exit-code", .init(.null)),
            entry("signal", .init(.null)), entry("limit", .init(.null)), entry("reached", list([])),
            entry("error", map([entry("message", text(error.message)), entry("hint", text(error.hint))])),
        ])
    }

    /// How a process ended that was started in a running sandbox.
    init(_ verdict: ExecVerdict) {
        let time = map([
            entry("wall-ns", duration(verdict.wallTime)), entry("user-ns", duration(verdict.userTime)),
            entry("system-ns", duration(verdict.systemTime)),
        ])
        node = SpecNode(
            .map(
                [entry("version", number(Self.version)), entry("exit-status", number(Int(verdict.exitStatus)))]
                    + Self.end(verdict.status) + [
                        entry("time", time), entry("used", map([entry("resident-peak", count(verdict.peakResident))])),
                    ]))
    }

    private static func end(_ status: ExitStatus) -> [SpecNode.Entry] {
        switch status {
        case .exited(let code): [entry("exit-code", number(Int(code))), entry("signal", .init(.null))]
        case .signaled(let signal): [entry("exit-code", .init(.null)), entry("signal", text(signalName(signal)))]
        }
    }

    /// The object on one line, ended by a line feed.
    public var line: String { node.jsonLine + "\n" }

    private static func times(_ verdict: Verdict) -> SpecNode {
        map([
            entry("wall-ns", duration(verdict.wallTime)), entry("cpu-ns", duration(verdict.cpuTime)),
            entry("user-ns", duration(verdict.userTime)), entry("system-ns", duration(verdict.systemTime)),
            entry("cpu-from", text(verdict.timesAreOfCgroup ? "cgroup" : "processes")),
            entry("throttled-ns", duration(verdict.usage?.throttledTime)),
        ])
    }

    private static func uses(_ verdict: Verdict) -> SpecNode {
        let usage = verdict.usage
        var entries = [
            entry("memory-peak", count(verdict.peakMemory)), entry("resident-peak", count(verdict.peakResident)),
            entry("swap-peak", count(usage?.swapPeak)), entry("memory-kills", count(verdict.memoryKills)),
            entry("processes-peak", count(verdict.peakProcesses)),
            entry("processes-refused", count(verdict.processRefusals)),
            entry("output-bytes", count(verdict.outputBytes)), entry("disk-bytes", count(verdict.disk?.bytes)),
            entry("disk-inodes", count(verdict.disk?.inodes)),
            entry("io-read-bytes", count(usage?.io.map { $0.reduce(0) { $0 + ($1.readBytes ?? 0) } })),
            entry("io-write-bytes", count(usage?.io.map { $0.reduce(0) { $0 + ($1.writtenBytes ?? 0) } })),
        ]
        for (name, stall) in [
            ("cpu", usage?.cpuPressure), ("memory", usage?.memoryPressure), ("io", usage?.ioPressure),
        ] {
            guard let stall else { continue }
            entries.append(entry("\(name)-stall-ns", duration(stall.some.total)))
        }
        return map(entries)
    }

    private static func confinement(_ level: ConfinementLevel) -> SpecNode {
        map([
            entry("isolation", text(level.isolation.rawValue)), entry("namespaces", list(level.namespaces)),
            entry("identity", text(level.identity)), entry("capabilities", list(level.capabilities)),
            entry("seccomp", text(level.seccomp)), entry("landlock-abi", number(Int(level.landlock))),
            entry("cgroups", list(level.cgroups)), entry("missing", list(level.missing)),
        ])
    }

    private static func denials(_ report: DenialReport) -> SpecNode {
        map([
            entry(
                "attempts",
                SpecNode(
                    .list(
                        report.denials.map { denial in
                            map([
                                entry("attempt", text(denial.attempt)), entry("errno", text(denial.errno)),
                                entry("by", text(denial.by)), entry("capability", text(denial.capability)),
                                entry("count", count(denial.count)),
                            ])
                        }))), entry("uncounted", count(report.uncounted)),
        ])
    }
}

private func entry(_ key: String, _ value: SpecNode) -> SpecNode.Entry { SpecNode.Entry(key: key, value: value) }
private func map(_ entries: [SpecNode.Entry]) -> SpecNode { SpecNode(.map(entries)) }
private func number(_ value: Int) -> SpecNode { SpecNode(.number("\(value)")) }
private func count(_ value: UInt64?) -> SpecNode { SpecNode(value.map { .number("\($0)") } ?? .null) }
private func text(_ value: String?) -> SpecNode { SpecNode(value.map { .string($0) } ?? .null) }
private func list(_ values: [String]) -> SpecNode { SpecNode(.list(values.map { SpecNode(.string($0)) })) }

private func duration(_ value: Duration?) -> SpecNode {
    guard let (seconds, attoseconds) = value?.components else { return SpecNode(.null) }
    let fraction = attoseconds / 1_000_000_000
    // Beyond 292 years nanoseconds do not fit: such a number is not a time that was measured.
    guard seconds < 9_000_000_000, seconds >= 0 else { return SpecNode(.null) }
    return SpecNode(.number("\(seconds * 1_000_000_000 + fraction)"))
}
