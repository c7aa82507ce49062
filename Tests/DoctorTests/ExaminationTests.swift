// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxKernel
import TestHost
import Testing

@testable import Doctor

/// The real machine, whichever it is, examined in this process.
@Suite(.serialized) struct ExaminationTests {
    /// Built beside this test bundle.
    private static let martinet: String = {
        let tests = (try? readSymlink("/proc/self/exe")) ?? ""
        return tests.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/martinet"
    }()
    private static let environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp"]
    private static let facts = Doctor(program: martinet, environment: environment).measure()

    @Test func `every attempt is made, or says why not`() {
        for name in AttemptName.allCases where name != .mapSubordinateIDs || !Self.facts.caller.isPrivileged {
            #expect(Self.facts.attempts[name] != nil, "\(name)")
        }
    }

    @Test func `where run works nothing that it needs is missing, and where not something is`() {
        let report = Diagnosis.report(Self.facts)
        let lacking = report.findings.filter { $0.requiredForRun && $0.state == .missing && $0.id != "run" }
        #expect(report.runWorks == lacking.isEmpty, "\(lacking.map(\.id)) \(Self.facts.run)")
    }

    @Test func `what this kernel is new enough for is there`() {
        let facts = Self.facts
        guard !facts.caller.isFiltered else { return }
        let since: [(AttemptName, String)] = [
            (.clone3, "5.3"), (.openat2, "5.6"), (.closeRange, "5.9"), (.pidfdOpen, "5.3"), (.faccessat2, "5.8"),
            (.fsopen, "5.2"), (.mountSetattr, "5.12"), (.statxMountID, "5.8"), (.flagNewListener, "5.0"),
            (.flagWaitKillableReceive, "5.19"), (.actionUserNotification, "5.0"), (.actionLog, "4.14"),
        ]
        for (name, version) in since {
            #expect(facts[name].works == (facts.kernel >= KernelRelease(version)), "\(name): \(facts[name])")
        }
    }

    @Test(.enabled(if: facts[.landlockABI].works, "Landlock is not enabled here"))
    func `Landlock's version is at least that of the kernel's release`() throws {
        let abi = try #require(Self.facts[.landlockABI].value)
        for version in Diagnosis.landlockVersions where Self.facts.kernel >= KernelRelease(version.kernel) {
            #expect(abi >= version.abi, "Linux \(version.kernel)")
        }
        #expect(Self.facts[.landlockRestrict].works)
    }

    @Test func `nothing is left: no child, no descriptor, no mount, no filter`() throws {
        func state() throws -> [String] {
            let status = try readText("/proc/self/status") ?? ""
            return [
                try readText("/proc/self/mountinfo") ?? "", CallerProbe.field("Seccomp", status) ?? "",
                CallerProbe.field("NoNewPrivs", status) ?? "", try readSymlink("/proc/self/ns/user"),
                try readSymlink("/proc/self/ns/mnt"), try readText("/proc/self/uid_map") ?? "",
            ]
        }
        func descriptors() throws -> Int { try entries(of: open("/proc/self/fd", .directory)).count }
        let (before, count) = (try state(), try descriptors())
        _ = Doctor(program: Self.martinet, environment: Self.environment).examine()
        #expect(try state() == before)
        #expect(try descriptors() == count)
        var status: Int32 = 0
        #expect(waitpid(-1, &status, WNOHANG | 0x4000_0000 /* __WALL */) == -1 && errno == ECHILD)
    }

    @Test func `a child that is dropped while it waits ends`() throws {
        let pid: Int32
        do {
            let child = try ProbeChild(ProbeChild.Request(waits: true))
            pid = child.pid
            #expect(kill(pid, 0) == 0)
        }
        #expect(kill(pid, 0) == -1 && errno == ESRCH)
    }

    @Test func `a child without attempts ends by itself`() throws {
        var child = try ProbeChild(ProbeChild.Request())
        let outcome = try child.finish()
        #expect(outcome.end == .exited(0) && outcome.answers.isEmpty)
    }

    @Test func `nothing is mounted without a user namespace`() throws {
        var child = try ProbeChild(ProbeChild.Request(attempts: .unshareMount ... .pivotRoot))
        let outcome = try child.finish()
        let answers = Dictionary(outcome.answers.map { ($0.name, $0.attempt) }) { $1 }
        #expect(answers[.unshareMount] == .failed(.notSupported))
        for name in AttemptName.allCases where (AttemptName.makePrivate ... .pivotRoot).contains(name) {
            #expect(answers[name] == .failed(Errno(rawValue: ENOTCONN)), "\(name)")
        }
    }

    @Test func `a program that takes too long is ended`() throws {
        let start = monotonicNow()
        let run = try ProgramRun.run("/bin/sleep", ["60"], environment: [], patience: .milliseconds(300))
        #expect(run.status == nil)
        #expect(monotonicNow() - start < .seconds(10).patient)
    }

    @Test func `a program's end and errors are told`() throws {
        let run = try ProgramRun.run(
            "/bin/sh", ["-c", "echo no >&2; exit 3"], environment: [], patience: .seconds(10).patient)
        #expect(run.status == .exited(3) && run.errors == "no\n")
        #expect(throws: SystemError.self) {
            try ProgramRun.run("/nonexistent", [], environment: [], patience: .seconds(1).patient)
        }
    }

    @Test func `a martinet that is not there is a run that does not work`() {
        let outcome = RunProbe.run(program: "/nonexistent/martinet", environment: [:])
        #expect(outcome == .untried("spawn /nonexistent/martinet: no such file or directory (ENOENT)"))
        #expect(!Diagnosis.report(Doctor(program: "/bin/false", environment: [:]).measure()).runWorks)
    }
}
