// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import TestHost
import Testing

/// Whether this user may limit processes and memory here. Root always may: if not, that is a failure and no reason to
/// skip.
private let holdsLimits: Bool = {
    if isRoot { return true }
    guard var spec = try? Sandbox.spec("descriptors") else { return true }
    spec.limits.memory = .value(ByteCount(bytes: 64 << 20))
    spec.limits.pids = .value(32)
    return (try? Sandbox.run(spec))?.error?.code != .unavailable
}()
private let needsCgroups: Comment = "this user has no cgroup of its own to limit processes and memory in"

extension SecurityTests {
    @Suite struct Resources {
        private func bomb(_ kind: String, most: Int, pids: LimitValue<UInt64>?, user: AgentUser = .agent) throws
            -> SandboxSpec
        {
            var spec = try Sandbox.spec("bombs", kind, "\(most)", user: user)
            spec.limits.pids = pids
            return spec
        }

        /// Another sandbox starts, works and ends while the first is at its limit.
        private func expectNeighbourWorks() throws {
            let clock = ContinuousClock()
            let time = try clock.measure {
                let outcome = try Sandbox.run(Sandbox.spec("descriptors"))
                #expect(outcome.status == 0, "\(outcome.summary)")
            }
            #expect(time < .seconds(5).patient)
        }

        @Test(
            "attack 29: processes and threads are held at the limit", .enabled(if: holdsLimits, needsCgroups),
            arguments: ["processes", "threads"], AgentUser.allCases)
        func held(kind: String, user: AgentUser) throws {
            try LeakCheck.around {
                let sandbox = try Sandbox.start(bomb(kind, most: 200, pids: .value(32), user: user))
                let report = try sandbox.untilReady()
                // Init and the agent are two of the 32.
                report.expectSuccess("made", result: 30)
                report.expectFailure(["last"], "EAGAIN")
                #expect(sandbox.tasks() == 32)
                try expectNeighbourWorks()
                #expect(sandbox.wait().status == 0)
            }
        }

        @Test(
            "attack 29: without a limit the same bomb goes on to its own end", .enabled(if: holdsLimits, needsCgroups))
        func unlimitedProcesses() throws {
            try LeakCheck.around {
                for kind in ["processes", "threads"] {
                    let sandbox = try Sandbox.start(bomb(kind, most: 60, pids: .max))
                    try sandbox.untilReady().expectSuccess("made", result: 60)
                    #expect(sandbox.tasks() == 62)
                    #expect(sandbox.wait().status == 0)
                }
            }
        }

        @Test(
            "attacks 29 and 30: limits that this user cannot be given are an error, and nothing runs without them",
            .enabled(if: !holdsLimits, "this user can be given every limit"))
        func refusedLimits() throws {
            try LeakCheck.around {
                for spec in [try bomb("processes", most: 40, pids: .value(32)), try hog("heap", mebibytes: 96)] {
                    let outcome = try Sandbox.run(spec)
                    #expect(outcome.error?.code == .unavailable, "\(outcome.summary)")
                    #expect(outcome.summary.contains("hint:"), "\(outcome.summary)")
                    #expect(outcome.output.isEmpty)
                }
            }
        }

        @Test("attack 29: there is a limit also where none is asked for", arguments: AgentUser.allCases)
        func defaultLimit(user: AgentUser) throws {
            try LeakCheck.around {
                let sandbox = try Sandbox.start(bomb("processes", most: 2000, pids: nil, user: user))
                let report = try sandbox.untilReady()
                report.expectFailure(["last"], "EAGAIN")
                #expect((100...512).contains(sandbox.tasks()))
                #expect(sandbox.wait().status == 0)
            }
        }

        @Test(
            "attack 29: a bomb whose every process forks is held, and gone at the deadline",
            .enabled(if: holdsLimits, needsCgroups))
        func recursive() throws {
            try LeakCheck.around {
                var spec = try bomb("recursive", most: 0, pids: .value(64))
                spec.limits.cpus = .value(CPUCount(milli: 500))
                spec.limits.timeout = .seconds(2 * Patience.factor)
                let sandbox = try Sandbox.start(spec)
                _ = try sandbox.untilReady()
                var most = 0
                for _ in 0..<10 {
                    usleep(UInt32(50_000 * Patience.factor))
                    most = max(most, sandbox.tasks())
                }
                #expect((60...64).contains(most))
                try expectNeighbourWorks()
                let outcome = sandbox.wait()
                #expect(outcome.verdict?.limit == .time, "\(outcome.summary)")
                #expect(sandbox.tasks() == 0)
            }
        }

        static let forms = ["heap", "tmpfs", "memfd", "sysv", "shared", "pipes"]

        private func hog(_ form: String, mebibytes: Int, user: AgentUser = .agent) throws -> SandboxSpec {
            var spec = try Sandbox.spec("memory", form, "\(mebibytes)", user: user)
            spec.limits.memory = .value(ByteCount(bytes: 64 << 20))
            // The kernel gives one user 64 MiB of large pipes, and then two pages each.
            spec.limits.rlimits = [ResourceLimit(resource: .nofile, soft: .value(4096), hard: .value(4096))]
            return spec
        }

        @Test(
            "attack 30: memory in every form counts, and going beyond the limit ends the whole sandbox",
            .enabled(if: holdsLimits, needsCgroups), arguments: forms, AgentUser.allCases)
        func beyond(form: String, user: AgentUser) throws {
            try LeakCheck.around {
                let sandbox = try Sandbox.start(hog(form, mebibytes: form == "pipes" ? 72 : 96, user: user))
                let outcome = sandbox.wait()
                #expect(outcome.verdict?.limit == .memory, "\(outcome.summary)")
                #expect(outcome.status == 137, "\(outcome.summary)")
                #expect(outcome.report["filled"] == nil, "\(outcome.summary)")
                // The bystander as well.
                #expect(sandbox.tasks() == 0)
            }
        }

        @Test(
            "attack 30: less than the limit is had, in every form", .enabled(if: holdsLimits, needsCgroups),
            arguments: forms)
        func within(form: String) throws {
            try LeakCheck.around {
                let outcome = try Sandbox.run(hog(form, mebibytes: 32))
                outcome.report.expectSuccess("filled", result: 32)
                #expect(outcome.status == 0 && outcome.verdict?.limit == nil, "\(outcome.summary)")
            }
        }

        @Test("attack 30: without the limit the same amount is had, in every form", arguments: forms)
        func unlimitedMemory(form: String) throws {
            try LeakCheck.around {
                var spec = try hog(form, mebibytes: form == "pipes" ? 66 : 96)
                spec.limits.memory = nil
                let outcome = try Sandbox.run(spec)
                outcome.report.expectSuccess("filled")
                #expect(outcome.status == 0, "\(outcome.summary)")
            }
        }
    }
}
