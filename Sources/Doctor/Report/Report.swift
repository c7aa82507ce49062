// SPDX-License-Identifier: Apache-2.0

/// What `martinet doctor` has to say about a machine.
public struct Report: Sendable, Equatable {
    public var findings: [Finding]
    /// Whether a sandbox with default settings was started, and ended as it should.
    public var runWorks: Bool

    public init(findings: [Finding], runWorks: Bool) {
        self.findings = findings
        self.runWorks = runWorks
    }

    /// How many findings are in a state.
    public func count(_ state: Finding.State) -> Int { findings.count { $0.state == state } }

    /// 0 if `run` works; with `strict`, only if nothing is missing besides. What is degraded or unknown never counts.
    public func exitStatus(strict: Bool) -> Int32 {
        runWorks && !(strict && count(.missing) > 0) ? 0 : 1
    }

    /// The same with every text passed through a function: details quote paths, settings and messages, which may be anybody's.
    public func escaped(_ escape: (String) -> String) -> Report {
        var report = self
        for index in findings.indices {
            report.findings[index].detail = escape(findings[index].detail)
            report.findings[index].effect = findings[index].effect.map(escape)
            report.findings[index].cure = findings[index].cure.map(escape)
        }
        return report
    }
}
