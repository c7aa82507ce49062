// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import Testing

@testable import Doctor

/// Reports on machines that are not here, compared with the files beside this one. `MARTINET_UPDATE_GOLDEN=1` writes them;
/// read the diff.
@Suite struct GoldenTests {
    private static let directory = "\(#filePath)".split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/Golden"
    private static let updates = getenv("MARTINET_UPDATE_GOLDEN").map { String(cString: $0) } == "1"

    @Test("a machine's report is the one on file", arguments: GoldenMachine.all)
    func reportsAsOnFile(_ machine: GoldenMachine) throws {
        let text = Diagnosis.report(machine.make()).text()
        let path = "\(Self.directory)/\(machine.name).txt"
        if Self.updates {
            try writeAll(try open(path, [.writeOnly, .create, .truncate], mode: 0o644), Array(text.utf8))
        }
        let expected = try #require(try readText(path), "no golden file: MARTINET_UPDATE_GOLDEN=1 writes it")
        let lines = zip(expected.split(separator: "\n"), text.split(separator: "\n"))
        if let (old, new) = lines.first(where: { $0 != $1 }) { Issue.record("\(old)\n\(new)") }
        #expect(text == expected)
    }

    @Test func `there is one file a machine, and no other`() throws {
        let found = try entries(of: open(Self.directory, .directory)).map(\.name).sorted()
        #expect(found == GoldenMachine.all.map { "\($0.name).txt" }.sorted())
    }

    @Test("what is wrong is found, with its effect", arguments: GoldenMachine.all)
    func findsWhatIsWrong(_ machine: GoldenMachine) {
        let report = Diagnosis.report(machine.make())
        let wrong = report.findings.filter { $0.state == .missing || $0.state == .degraded }
        for id in machine.wrong { #expect(wrong.contains { $0.id == id }, "\(id) is not found") }
        for finding in wrong { #expect(finding.effect != nil, "\(finding.id) has no effect") }
    }

    @Test("what run needs and lacks has a cure", arguments: GoldenMachine.all)
    func knowsTheCure(_ machine: GoldenMachine) {
        let report = Diagnosis.report(machine.make())
        let lacking = report.findings.filter { $0.requiredForRun && $0.state == .missing && $0.id != "run" }
        for finding in lacking { #expect(finding.cure != nil, "\(finding.id) has no cure") }
        // The run that failed points there.
        guard !report.runWorks, let run = report.findings.first(where: { $0.id == "run" }) else { return }
        for finding in lacking {
            let sharing = lacking.filter { $0.cure == finding.cure }.map(\.id)
            #expect(sharing.contains { run.cure?.contains($0) == true }, "nothing points to \(finding.id)")
        }
    }

    @Test("ids are unique, and what is in order has neither effect nor cure", arguments: GoldenMachine.all)
    func isWellFormed(_ machine: GoldenMachine) {
        let report = Diagnosis.report(machine.make())
        #expect(Set(report.findings.map(\.id)).count == report.findings.count)
        for finding in report.findings where finding.state == .ok || finding.state == .unknown {
            #expect(finding.effect == nil && finding.cure == nil)
        }
        for finding in report.findings {
            #expect(!finding.detail.isEmpty && !finding.title.isEmpty)
            #expect(finding.id.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" })
        }
        // Groups come in their order, each in one piece.
        let order = Finding.Group.allCases
        let places = report.findings.compactMap { order.firstIndex(of: $0.group) }
        #expect(places == places.sorted())
    }
}
