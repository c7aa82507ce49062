// SPDX-License-Identifier: Apache-2.0

extension Report {
    /// The report for a person: a table a group, what is wrong with its effect and cure below it, and a conclusion.
    ///
    /// - Parameter colours: whether marks are coloured, by the terminal's own palette. ECMA-48, SGR
    public func text(colours: Bool = false) -> String {
        let width = findings.map(\.title.count).max() ?? 0
        var lines: [String] = []
        var first: [String: String] = [:]
        for group in Finding.Group.allCases {
            let members = findings.filter { $0.group == group }
            if members.isEmpty { continue }
            lines.append(colours ? "\u{1b}[1m\(group.title)\u{1b}[0m" : group.title)
            for var finding in members {
                // A cure that has been told is not told again.
                if let cure = finding.cure, !cure.hasPrefix("the cure of ") {
                    if let told = first[cure] { finding.cure = "the cure of \(told)" } else { first[cure] = finding.id }
                }
                lines += Self.lines(finding, width: width, colours: colours)
            }
            lines.append("")
        }
        lines.append(conclusion)
        return lines.joined(separator: "\n") + "\n"
    }

    private var conclusion: String {
        let counted = [Finding.State.missing, .degraded, .unknown].filter { count($0) > 0 }
            .map { "\(count($0)) \($0.rawValue)" }
        let rest = counted.isEmpty ? "nothing is missing" : counted.joined(separator: ", ")
        return "martinet run \(runWorks ? "works" : "does not work") here; \(rest)"
    }

    private static func lines(_ finding: Finding, width: Int, colours: Bool) -> [String] {
        let (mark, colour) =
            switch finding.state {
            case .ok: ("ok", 32)
            case .degraded: ("! ", 33)
            case .missing: ("- ", 31)
            case .unknown: ("? ", 36)
            }
        let padding = String(repeating: " ", count: width - finding.title.count)
        let shown = colours ? "\u{1b}[\(colour)m\(mark)\u{1b}[0m" : mark
        var lines = ["  \(shown) \(finding.title)\(padding)  \(finding.detail)"]
        if let effect = finding.effect { lines.append("       effect  \(effect)") }
        if let cure = finding.cure {
            for (index, line) in cure.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                lines.append(line.isEmpty ? "" : "       \(index == 0 ? "cure  " : "      ")  \(line)")
            }
        }
        return lines
    }
}
