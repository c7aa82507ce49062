// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Doctor

@Suite struct ReportTests {
    private static func report(_ states: [Finding.State], runWorks: Bool) -> Report {
        Report(
            findings: states.enumerated().map { index, state in
                Finding("f\(index)", .tools, "thing \(index)", state, "seen", effect: "harm", cure: "do\nmore")
            }, runWorks: runWorks)
    }

    @Test(
        arguments: [
            ([Finding.State.ok], true, 0, 0), ([.missing], true, 0, 1), ([.degraded, .unknown], true, 0, 0),
            ([.ok], false, 1, 1), ([.missing], false, 1, 1), ([], true, 0, 0),
        ])
    func `the exit status says whether run works, and strictly whether nothing is missing`(
        _ states: [Finding.State], _ runWorks: Bool, _ plain: Int32, _ strict: Int32
    ) {
        let report = Self.report(states, runWorks: runWorks)
        #expect(report.exitStatus(strict: false) == plain)
        #expect(report.exitStatus(strict: true) == strict)
    }

    @Test func `a line has a mark, and only what is wrong has more lines`() {
        let text = Self.report([.ok, .missing, .unknown], runWorks: true).text()
        #expect(
            text == """
                Tools
                  ok thing 0  seen
                  -  thing 1  seen
                       effect  harm
                       cure    do
                               more
                  ?  thing 2  seen

                martinet run works here; 1 missing, 1 unknown

                """)
    }

    @Test func `a cure is told once`() {
        let text = Self.report([.missing, .degraded], runWorks: false).text()
        #expect(text.contains("cure    the cure of f0\n"))
        #expect(text.split(separator: "\n").count { $0.contains("cure    do") } == 1)
        // A program gets each in full.
        #expect(
            Self.report([.missing, .degraded], runWorks: false).json(exitStatus: 1).components(separatedBy: "do\\nmore")
                .count == 3)
    }

    @Test func `without colours there is no escape, with them the text is the same`() {
        let report = Diagnosis.report(FakeMachine.user())
        let plain = report.text()
        #expect(!plain.contains("\u{1b}"))
        let coloured = report.text(colours: true)
        #expect(coloured.contains("\u{1b}[32mok\u{1b}[0m"))
        #expect(coloured.replacing(/\u{1b}\[[0-9]*m/, with: "") == plain)
    }

    @Test("JSON says all that a report does", arguments: GoldenMachine.all)
    func encodesAsJSON(_ machine: GoldenMachine) throws {
        let report = Diagnosis.report(machine.make())
        let status = report.exitStatus(strict: false)
        let decoded = try #require(
            try JSONSerialization.jsonObject(with: Data(report.json(exitStatus: status).utf8)) as? [String: Any])
        #expect(Set(decoded.keys) == ["version", "runWorks", "exitStatus", "findings"])
        #expect(decoded["version"] as? Int == 1)
        #expect(decoded["runWorks"] as? Bool == report.runWorks)
        #expect(decoded["exitStatus"] as? Int == Int(status))
        let findings = try #require(decoded["findings"] as? [[String: Any]])
        #expect(findings.count == report.findings.count)
        for (entry, finding) in zip(findings, report.findings) {
            #expect(
                Set(entry.keys) == [
                    "id", "group", "title", "state", "detail", "effect", "cure", "requiredForRun", "kernelVersion",
                    "source",
                ])
            #expect(entry["id"] as? String == finding.id)
            #expect(entry["group"] as? String == finding.group.rawValue)
            #expect(entry["state"] as? String == finding.state.rawValue)
            #expect(entry["detail"] as? String == finding.detail)
            #expect(entry["effect"] as? String == finding.effect)
            #expect(entry["cure"] as? String == finding.cure)
            #expect(entry["requiredForRun"] as? Bool == finding.requiredForRun)
            #expect(entry["kernelVersion"] as? String == finding.kernelVersion)
        }
    }

    @Test func `control characters of what was found are escaped before a terminal sees them`() {
        var facts = FakeMachine.root()
        facts.settings["kernel.core_pattern"] = "|/tmp/\u{1b}[2J"
        let text = Diagnosis.report(facts).escaped { $0.replacing("\u{1b}", with: "?") }.text()
        #expect(!text.contains("\u{1b}") && text.contains("|/tmp/?[2J"))
    }
}
