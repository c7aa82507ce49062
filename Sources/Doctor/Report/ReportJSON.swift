// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

extension Report {
    /// The report for a program. Keys are never taken away or given another meaning while `version` is the same; new keys,
    /// and findings with new ids, may come. docs/cli.md, "doctor"
    ///
    /// - Parameter exitStatus: what the command ends with.
    public func json(exitStatus: Int32) -> String {
        func text(_ value: String?) -> SpecNode { SpecNode(value.map { .string($0) } ?? .null) }
        func entry(_ key: String, _ value: SpecNode) -> SpecNode.Entry { SpecNode.Entry(key: key, value: value) }
        let list = findings.map { finding in
            SpecNode(
                .map([
                    entry("id", text(finding.id)),
                    entry("group", text(finding.group.rawValue)),
                    entry("title", text(finding.title)),
                    entry("state", text(finding.state.rawValue)),
                    entry("detail", text(finding.detail)),
                    entry("effect", text(finding.effect)),
                    entry("cure", text(finding.cure)),
                    entry("requiredForRun", SpecNode(.boolean(finding.requiredForRun))),
                    entry("kernelVersion", text(finding.kernelVersion)),
                    entry("source", text(finding.source)),
                ]))
        }
        return SpecNode(
            .map([
                entry("version", SpecNode(.number("1"))),
                entry("runWorks", SpecNode(.boolean(runWorks))),
                entry("exitStatus", SpecNode(.number("\(exitStatus)"))),
                entry("findings", SpecNode(.list(list))),
            ])
        ).jsonText
    }
}
