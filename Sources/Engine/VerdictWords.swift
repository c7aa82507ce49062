// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec

extension Verdict {
    /// One line for people: how it ended, what it used, what held it.
    public var words: String {
        var parts = [ending]
        if let wallTime { parts.append("\(Self.seconds(wallTime)) wall") }
        if let cpuTime { parts.append("\(Self.seconds(cpuTime)) CPU") }
        if let peakMemory {
            parts.append("memory at most \(Self.size(peakMemory))")
        } else if let peakResident {
            parts.append("largest process \(Self.size(peakResident))")
        }
        if let peakProcesses { parts.append("at most \(peakProcesses) processes") }
        if let outputBytes { parts.append("output \(Self.size(outputBytes))") }
        parts.append(holding)
        return parts.joined(separator: " · ")
    }

    /// `exit 0`, `killed by SIGKILL (memory limit)`
    private var ending: String {
        let limit = limit.map { " (\($0.rawValue) limit)" } ?? ""
        return switch status {
        case .exited(let code): "exit \(code)\(limit)"
        case .signaled(let signal): "killed by \(signalName(signal))\(limit)"
        }
    }

    private var holding: String {
        var parts = [
            confinement.isolation == .namespaces ? "\(confinement.namespaces.count) namespaces" : "no namespaces",
            "seccomp \(confinement.seccomp)",
            confinement.landlock > 0 ? "Landlock ABI \(confinement.landlock)" : "no Landlock",
        ]
        let cgroup = confinement.cgroups.first.map { $0.hasPrefix("v1") ? "cgroup v1" : "cgroup v2" }
        parts.append(cgroup ?? "no cgroup")
        return parts.joined(separator: ", ")
    }

    private static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let thousandths = String(attoseconds / 1_000_000_000_000_000 + 1000).dropFirst()
        return "\(seconds).\(thousandths) s"
    }

    /// Three digits at most, rounded down: `12.3 MiB`.
    private static func size(_ bytes: UInt64) -> String {
        var scale: UInt64 = 1
        for unit in ["bytes", "KiB", "MiB", "GiB", "TiB"] {
            guard bytes / scale >= 1024, unit != "TiB" else {
                let whole = bytes / scale
                let tenth = (bytes % scale) * 10 / scale
                return whole >= 100 || tenth == 0 ? "\(whole) \(unit)" : "\(whole).\(tenth) \(unit)"
            }
            scale *= 1024
        }
        return "\(bytes) bytes"
    }
}
