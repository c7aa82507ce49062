// SPDX-License-Identifier: Apache-2.0
import Foundation
import LinuxKernel
import Testing

/// Nice value, OOM score and core limit: what is worse than the caller's anybody may ask for, what is better takes
/// capabilities over the host.
@Suite struct StandingTests {
    private static func holds(_ capability: UInt64) -> Bool {
        ((try? effectiveCapabilities()) ?? 0) >> capability & 1 == 1
    }
    private static let mayLowerNice = holds(23)
    private static let mayLowerScore = holds(24)
    private static let ownScore = Int((HostView.text("/proc/self/oom_score_adj") ?? "").filter { $0 != "\n" }) ?? 0

    private func refusal(_ options: [String]) throws -> String {
        let outcome = try Martinet.run(options, ["/bin/true"])
        #expect(outcome.status == 125)
        return outcome.errors
    }

    @Test func `A higher nice value is the agent's and its children's`() throws {
        let own = Int(try niceValue())
        #expect(try Martinet.shell(["--nice", "\(own + 7)"], "nice; nice").output == "\(own + 7)\n\(own + 7)\n")
        #expect(try Martinet.shell([], "nice").output == "\(own)\n")
    }

    @Test(.enabled(if: mayLowerNice, "a lower nice value takes CAP_SYS_NICE"))
    func `A lower nice value is the agent's where the caller may give it`() throws {
        #expect(try Martinet.shell(["--nice=-3"], "nice").output == "-3\n")
    }

    @Test(.enabled(if: !mayLowerNice, "this user may lower the nice value"))
    func `A lower nice value is an error where the caller may not give it`() throws {
        let errors = try refusal(["--nice=-3"])
        #expect(errors.contains("set nice -3: permission denied (EACCES)"), "\(errors)")
        #expect(errors.contains("hint: a value below the caller's own takes CAP_SYS_NICE"), "\(errors)")
    }

    @Test func `The agent is killed before init by default, and has the score it is given`() throws {
        let read = "cat /proc/self/oom_score_adj"
        #expect(try Martinet.shell([], read).output == "\(max(500, Self.ownScore))\n")
        #expect(try Martinet.shell(["--oom-score-adj", "1000"], read).output == "1000\n")
        #expect(try Martinet.shell(["--oom-score-adj", "\(Self.ownScore)"], read).output == "\(Self.ownScore)\n")
    }

    @Test(.enabled(if: mayLowerScore, "a lower score takes CAP_SYS_RESOURCE"))
    func `A lower score is the agent's where the caller may give it`() throws {
        let outcome = try Martinet.shell(["--oom-score-adj=-100"], "cat /proc/self/oom_score_adj")
        #expect(outcome.output == "-100\n", "\(outcome.errors)")
    }

    @Test(.enabled(if: !mayLowerScore, "this user may lower the score"))
    func `A lower score is an error where the caller may not give it`() throws {
        let errors = try refusal(["--oom-score-adj=\(Self.ownScore - 100)"])
        #expect(errors.contains("set oom_score_adj \(Self.ownScore - 100)"), "\(errors)")
        #expect(errors.contains("hint: a value below the caller's own takes CAP_SYS_RESOURCE"), "\(errors)")
    }

    @Test func `The core limit is 1, or what is asked for, and no more than the caller's`() throws {
        #expect(try Martinet.shell(["--rlimit", "core=0"], "ulimit -Hc").output == "0\n")
        #expect(
            try Martinet.shell([], "grep core /proc/self/limits").lines.first?.split(separator: " ") == [
                "Max", "core", "file", "size", "1", "1", "bytes",
            ])
        // A caller without dumps of its own cannot give 1; where it could, as root, it does.
        let outcome = try Martinet.hostShell("ulimit -c 0; exec \"$M\" run -- grep core /proc/self/limits")
        let limit = Self.mayLowerScore ? "1" : "0"
        #expect(
            outcome.lines.first?.split(separator: " ").dropFirst(4) == [Substring(limit), Substring(limit), "bytes"])
    }
}
