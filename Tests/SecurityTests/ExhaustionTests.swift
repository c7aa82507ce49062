// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Storage
import TestHost
import Testing

extension SecurityTests {
    /// What a sandbox may fill and use up: its own.
    @Suite struct Exhaustion {
        // MARK: Disk

        private static let mebibyte: UInt64 = 1 << 20

        private func disk(
            _ kind: String, _ most: Int, in directory: String = "/tmp", user: AgentUser, exit: Int = 0,
            change: (inout SandboxSpec) throws -> Void = { _ in }
        ) throws -> SandboxOutcome {
            var spec = try Sandbox.spec("disk", kind, directory, "\(most)", "\(exit)", user: user)
            try change(&spec)
            return try Sandbox.run(spec)
        }

        private func expect(_ report: AttemptReport, _ name: String, near limit: Int) {
            guard case .succeeded(let value) = report[name] else { Issue.record("no \(name)"); return }
            #expect(value > limit * 9 / 10 && value < limit * 21 / 20, "\(name): \(value), not about \(limit)")
        }

        @Test("attack 32: the writable layer is filled up to its limit", arguments: AgentUser.allCases)
        func fill(user: AgentUser) throws {
            try LeakCheck.around {
                let outcome = try disk("fill", 64, user: user, exit: 3) { spec in
                    spec.limits.disk = ByteCount(bytes: 16 * Self.mebibyte)
                }
                outcome.report.expectFailure(["last", "one-byte-more"], "ENOSPC")
                expect(outcome.report, "filled-kib", near: 16 << 10)
                #expect(outcome.verdict?.limit == .disk, "\(outcome.summary)")
                // With the limit further away the same is had.
                let control = try disk("fill", 64, user: user) { spec in
                    spec.limits.disk = ByteCount(bytes: 80 * Self.mebibyte)
                }
                control.report.expectSuccess("last", "one-byte-more")
                #expect(control.verdict?.reached == [], "\(control.summary)")
            }
        }

        @Test("attack 32: a sparse file of 1 EiB takes no room that there is not", arguments: AgentUser.allCases)
        func sparse(user: AgentUser) throws {
            try LeakCheck.around {
                let outcome = try disk("sparse", 0, user: user) { spec in
                    spec.limits.disk = ByteCount(bytes: 16 * Self.mebibyte)
                }
                outcome.report.expectFailure(["allocate"], "ENOSPC", "EFBIG")
                guard case .succeeded(let taken) = outcome.report["taken-kib"] else {
                    Issue.record("no report"); return
                }
                #expect(taken < 16 << 10)
                #expect((outcome.verdict?.disk?.bytes ?? .max) < 17 * Self.mebibyte, "\(outcome.summary)")
            }
        }

        @Test("attack 32: a million empty files end at the limit of inodes", arguments: AgentUser.allCases)
        func files(user: AgentUser) throws {
            try LeakCheck.around {
                let outcome = try disk("files", 1_000_000, user: user, exit: 3) { $0.limits.inodes = 20_000 }
                outcome.report.expectFailure(["last"], "ENOSPC")
                expect(outcome.report, "made", near: 20_000)
                #expect(outcome.verdict?.limit == .disk, "\(outcome.summary)")
                #expect((outcome.verdict?.disk?.inodes ?? 0) >= 20_000)
                let control = try disk("files", 25_000, user: user)
                control.report.expectSuccess("last")
                control.report.expectSuccess("made", result: 25_000)
            }
        }

        @Test(
            "attack 32: a path 4,000 directories deep is made, and gone with the sandbox", arguments: AgentUser.allCases
        )
        func deep(user: AgentUser) throws {
            try LeakCheck.around {
                let outcome = try disk("deep", 4000, user: user)
                outcome.report.expectSuccess("depth", result: 4000)
                #expect(outcome.status == 0, "\(outcome.summary)")
            }
        }

        /// An overlay that is kept is on the host's own disk.
        @Test("attack 32: what was left behind in a kept overlay can all be removed")
        func kept() throws {
            let rootfs = TemporaryTree.makeDirectory("rootfs")
            try makePlaces(rootfs)
            let state = TemporaryTree.makeDirectory("overlay") + "/state"
            try LeakCheck.around {
                for (kind, most) in [("deep", 4000), ("files", 5000), ("fill", 8)] {
                    let outcome = try disk(kind, most, in: "/place", user: .agent) { spec in
                        spec.rootfs = .directory(rootfs)
                        spec.overlay = state
                    }
                    outcome.report.expectSuccess("enter", "last")
                }
                #expect(access("\(state)/upper/place/file-4999", F_OK) == 0)
                try TreeRemoval.remove(state)
                #expect(access(state, F_OK) != 0)
            }
        }

        /// Mount points and a directory that the agent may write to: without an id range of its own, nothing below what
        /// belongs to somebody else can be made.
        private func makePlaces(_ rootfs: String) throws {
            for name in ["etc", "place"] {
                try FileManager.default.createDirectory(
                    atPath: "\(rootfs)/\(name)", withIntermediateDirectories: false)
            }
            chmod("\(rootfs)/place", 0o777)
            for name in ["hosts", "hostname", "resolv.conf"] { TemporaryTree.write("", to: "\(rootfs)/etc/\(name)") }
        }

        private static let hasLoops = isRoot && access("/dev/loop-control", W_OK) == 0

        @Test(
            "attack 32: a kept overlay with a limit is filled up to it, and takes no more of the host's disk",
            .enabled(if: hasLoops, "only root limits a kept overlay, and loop devices are needed here"),
            arguments: AgentUser.allCases)
        func limited(user: AgentUser) throws {
            let rootfs = TemporaryTree.makeDirectory("rootfs")
            try makePlaces(rootfs)
            let state = TemporaryTree.makeDirectory("overlay") + "/state"
            try LeakCheck.around {
                func attempt(_ kind: String, _ most: Int, exit: Int = 0) throws -> SandboxOutcome {
                    try disk(kind, most, in: "/place", user: user, exit: exit) { spec in
                        spec.rootfs = .directory(rootfs)
                        spec.overlay = state
                        spec.limits.disk = ByteCount(bytes: 32 * Self.mebibyte)
                    }
                }
                try attempt("deep", 4000).report.expectSuccess("depth", result: 4000)
                try attempt("sparse", 0).report.expectFailure(["allocate"], "ENOSPC", "EFBIG", "EOPNOTSUPP")
                let filled = try attempt("fill", 64, exit: 3)
                filled.report.expectFailure(["last"], "ENOSPC")
                #expect(filled.verdict?.limit == .disk, "\(filled.summary)")
                try attempt("files", 1_000_000, exit: 3).report.expectFailure(["last"], "ENOSPC")
                // However full: the next sandbox starts.
                let next = try attempt("files", 1)
                next.report.expectSuccess("enter")
                next.report.expectFailure(["last"], "EEXIST", "ENOSPC")
                var facts = stat()
                #expect(stat("\(state)/disk.img", &facts) == 0)
                // What files take, and the maps, tables and journal of the file system itself.
                #expect(facts.st_blocks * 512 < 40 << 20, "\(facts.st_blocks * 512)")
                try TreeRemoval.remove(state)
                #expect(access(state, F_OK) != 0)
            }
        }

        // MARK: What is counted

        private func exhaust(_ kind: String, _ user: AgentUser) throws -> StartedSandbox {
            try Sandbox.start(Sandbox.spec("exhaust", kind, "3000000", user: user))
        }

        /// How many of ten the host gets.
        private func onHost(_ kind: String) throws -> AttemptReport {
            AttemptReport(try HostProcess.run(AttackPrograms.path("exhaust"), [kind, "10"]).output)
        }

        @Test(
            "attack 33: descriptors end at the process's limit, and the host opens files", arguments: AgentUser.allCases
        )
        func descriptors(user: AgentUser) throws {
            try LeakCheck.around {
                let sandbox = try exhaust("descriptors", user)
                let report = try sandbox.untilReady()
                report.expectFailure(["last"], "EMFILE")
                try onHost("descriptors").expectSuccess("made", result: 10)
                #expect(sandbox.wait().status == 0)
            }
        }

        /// Counted by the user, and for one in a user namespace also by the user that the namespace belongs to.
        static let counted = [("inotify", "EMFILE"), ("queues", "EMFILE"), ("signals", "EAGAIN")]

        @Test(
            "attack 33: what the kernel counts by user is used up for that sandbox alone",
            .enabled(if: isRoot, "an ordinary user's sandboxes are that user to the kernel's counts"),
            arguments: counted, AgentUser.allCases)
        func perUser(kind: (name: String, errno: String), user: AgentUser) throws {
            try LeakCheck.around {
                let sandbox = try exhaust(kind.name, user)
                let report = try sandbox.untilReady()
                report.expectFailure(["last"], kind.errno)
                let host = try onHost(kind.name)
                // Of queues ten are more than a user may have.
                if kind.name == "queues" {
                    guard case .succeeded(let made) = host["made"] else { Issue.record("no report"); return }
                    #expect(made > 0)
                } else {
                    host.expectSuccess("made", result: 10)
                }
                // Nor does another sandbox notice.
                let neighbour = try exhaust(kind.name, user)
                let its = try neighbour.untilReady()
                #expect(its["made"] == report["made"])
                #expect(neighbour.wait().status == 0)
                #expect(sandbox.wait().status == 0)
            }
        }

        @Test("attack 33: on the host one process uses up what another of the same user would have")
        func perUserControl() throws {
            let first = try HostProcess(AttackPrograms.path("exhaust"), ["inotify", "3000000"])
            defer { first.end() }
            for _ in 0..<500 * Patience.factor where !first.output.text.contains("ready") { usleep(10_000) }
            try onHost("inotify").expectFailure(["last"], "EMFILE")
            try onHost("inotify").expectSuccess("made", result: 0)
        }
    }
}
