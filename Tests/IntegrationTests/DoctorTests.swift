// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

/// `martinet doctor` as its users run it.
@Suite(.serialized) struct DoctorTests {
    /// What the JSON says, as far as these tests look.
    private struct Report: Decodable {
        struct Finding: Decodable {
            var id: String
            var state: String
            var detail: String
            var cure: String?
        }
        var runWorks: Bool
        var exitStatus: Int32
        var findings: [Finding]

        init(_ outcome: HostProgram.Outcome) throws {
            self = try JSONDecoder().decode(Report.self, from: Data(outcome.bytes))
        }

        func state(_ id: String) -> String? { findings.first { $0.id == id }?.state }
        func cure(_ id: String) -> String? { findings.first { $0.id == id }?.cure }
        func count(_ state: String) -> Int { findings.count { $0.state == state } }
    }

    private static let nobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    private static func isInstalled(_ path: String) -> Bool {
        ((try? status(of: path, followingSymlinks: true)) ?? nil) != nil
    }

    private static func doctor(_ prefix: [String] = [], _ options: [String] = ["--json"]) throws -> HostProgram.Outcome
    {
        try HostProgram(prefix + [Martinet.path, "doctor"] + options).wait()
    }

    @Test func `whoever may run sandboxes is told so`() throws {
        let outcome = try Self.doctor()
        let report = try Report(outcome)
        #expect(outcome.status == 0 && outcome.errors.isEmpty)
        #expect(report.runWorks && report.exitStatus == 0)
        #expect(report.state("run") == "ok" && report.state("user-namespaces") == "ok")
    }

    @Test(.enabled(if: isRoot && isInstalled(nobody[0]), "only root becomes another user, with setpriv"))
    func `an ordinary user is told of the own ids and limits`() throws {
        let outcome = try Self.doctor(Self.nobody)
        let report = try Report(outcome)
        #expect(outcome.status == 0 && report.runWorks)
        #expect(report.state("subuid") == "missing")
        #expect(report.cure("subuid")?.hasPrefix("usermod --add-subuids ") == true)
        #expect(report.state("state-directory") == "degraded")
        // Nobody was delegated a cgroup.
        #expect(report.state("cgroup-memory") == "missing" && report.cure("cgroup-memory") != nil)
        #expect(report.state("id-mapped-mounts") == nil)
    }

    /// `user.max_user_namespaces` counts below each user namespace: nothing of the host's is set.
    @Test(
        .enabled(if: isInstalled("/usr/bin/unshare"), "needs unshare(1)"),
        arguments: [[], nobody].filter { $0.isEmpty || isRoot && isInstalled(nobody[0]) })
    func `where user namespaces are forbidden, run does not work, and the cure is named`(_ user: [String]) throws {
        let forbid = ["/bin/sh", "-c", #"echo 0 > /proc/sys/user/max_user_namespaces && exec "$@""#, "sh"]
        let outcome = try Self.doctor(user + ["/usr/bin/unshare", "--user", "--map-root-user"] + forbid)
        let report = try Report(outcome)
        #expect(outcome.status == 1 && report.exitStatus == 1 && !report.runWorks)
        #expect(report.state("user-namespaces") == "missing" && report.state("pid-namespaces") == "unknown")
        #expect(
            report.findings.first { $0.id == "user-namespaces" }?.detail
                == "no space left on device (ENOSPC): user.max_user_namespaces = 0")
        #expect(report.cure("user-namespaces")?.contains("user.max_user_namespaces = 15000") == true)
        #expect(report.cure("run") == "the cure of user-namespaces")
    }

    /// Inside a sandbox clone3 is ENOSYS and a new user namespace EPERM, as in Docker.
    @Test func `under a filter it says what the filter takes`() throws {
        let libraries = try #require(Self.swiftLibraries)
        let build = Martinet.path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        let outcome = try Martinet.run(
            ["--bind", "\(build):/opt/build:ro", "--bind", "\(libraries):\(libraries):ro"],
            ["/opt/build/martinet", "doctor", "--json"])
        let report = try Report(outcome)
        #expect(outcome.status == 1 && !report.runWorks)
        #expect(report.state("container") == "degraded" && report.state("no-new-privs") == "degraded")
        #expect(report.state("clone3") == "missing" && report.state("user-namespaces") == "missing")
        #expect(report.state("mount-setattr") == "ok", "answered EPERM, and so is there")
        #expect(report.cure("clone3")?.contains("system-call filter") == true)
        #expect(report.cure("run") == "the cure of clone3")
        // The agent's own wall within the wall.
        #expect(report.state("seccomp-filter") == "ok")
    }

    /// The directory of the Swift library that this process runs with: a debug build is not static.
    private static var swiftLibraries: String? {
        let line = ((try? readText("/proc/self/maps")) ?? nil)?.split(separator: "\n").first {
            $0.hasSuffix("/libswiftCore.so")
        }
        guard let line, let start = line.firstIndex(of: "/"), let end = line.lastIndex(of: "/") else { return nil }
        return String(line[start..<end])
    }

    @Test func `strict exits with 1 exactly where something is missing`() throws {
        let report = try Report(Self.doctor())
        let strict = try Self.doctor([], ["--strict", "--json"])
        #expect(strict.status == (report.runWorks && report.count("missing") == 0 ? 0 : 1))
        #expect(try Report(strict).exitStatus == strict.status)
    }

    @Test func `the table is plain text away from a terminal, and ends with the verdict`() throws {
        let outcome = try Self.doctor([], [])
        #expect(outcome.lines.first == "Kernel")
        #expect(outcome.lines.last?.hasPrefix("martinet run works here; ") == true)
        #expect(!outcome.output.contains("\u{1b}"))
        #expect(outcome.output.contains("\n  ok user namespaces "))
    }

    @Test func `it says how in its help, and 125 to nonsense`() throws {
        let help = try Self.doctor([], ["--help"])
        #expect(help.status == 0)
        for word in ["--json", "--strict", "exit status"] { #expect(help.output.contains(word)) }
        #expect(try Self.doctor([], ["--jsno"]).status == 125)
    }
}
