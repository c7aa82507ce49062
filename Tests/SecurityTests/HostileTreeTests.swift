// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

extension SecurityTests {
    /// Attack 3 at random: root file systems with traps at every path that the making of a sandbox touches.
    ///
    /// `MARTINET_HOSTILE_TREES` says how many, `MARTINET_HOSTILE_FIRST` the number of the first: one that failed is made
    /// again by its number alone.
    @Suite struct HostileTrees {
        private static func setting(_ name: String) -> Int? {
            ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
        }

        private static let first = setting("MARTINET_HOSTILE_FIRST") ?? 1
        /// Without a number: what can be done in a minute, on slow machines fewer.
        private static let count = setting("MARTINET_HOSTILE_TREES")

        @Test("attack 3: random hostile root file systems reach nothing of the host's, and hold up nobody")
        func randomTrees() throws {
            let ground = try HostileGround()
            #expect(ground.places.count > 60)
            var tally = Tally()
            let begin = Date()
            for number in Self.first..<Self.first + (Self.count ?? 300) {
                if Self.count == nil, tally.trees >= 20, Date().timeIntervalSince(begin) > 75 { break }
                let tree = HostileTree(
                    number: number, in: ground.trees, places: ground.places, canaries: ground.canaries)
                tally.trees += 1
                for caller in Caller.possible { try check(tree, caller, ground, &tally) }
                try tree.remove()
            }
            print("hostile trees: \(tally)")
            // Were all refused, nothing would have been tried.
            #expect(Self.count == 1 || tally.ran * 5 > tally.starts, "\(tally)")
        }

        private func check(_ tree: HostileTree, _ caller: Caller, _ ground: HostileGround, _ tally: inout Tally) throws
        {
            let run = HostileRun(tree: tree, caller: caller, ground: ground)
            let before = LeakCheck.snapshot()
            let watch = try HostWatch(run.command(token: HostCanaries.token), canaries: ground.canaries.unopened)
            let what = """
                tree \(tree.number), \(caller.testDescription): \(tree.traps.joined(separator: ", "))
                \(run.options.joined(separator: " "))
                status \(watch.status) \(watch.errors)
                """
            tally.count(watch)
            #expect(!watch.hung, "\(what)")
            let sights = watch.sights(except: run.writable)
            #expect(sights == [], "\(what)")
            #expect(ground.canaries.isUntouched, "\(what)")
            LeakCheck.expectNothingLeft(since: before)
            switch watch.status {
            case 0: expectOwnView(watch, run, what)
            case 125, 126, 127: expectOneSentence(watch.errors, what)
            default: Issue.record("an ending that nobody expected: \(what)")
            }
        }

        /// A failure is a line of ours that names a path, and perhaps a hint; nothing of the tree's comes out raw.
        private func expectOneSentence(_ errors: String, _ what: String) {
            let lines = errors.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.first?.hasPrefix("martinet: ") == true, "\(what)")
            // A path, or the option that is at fault.
            #expect(lines.first?.contains(/\/|user|group|device|execute/) == true, "no path is named: \(what)")
            #expect(lines.last == "", "\(what)")
            let rest = lines.dropFirst().dropLast()
            #expect(rest.count <= 1 && rest.allSatisfy { $0.hasPrefix("hint: ") }, "\(what)")
            #expect(!errors.unicodeScalars.contains { $0.value < 32 && $0 != "\n" || $0.value == 0xfffd }, "\(what)")
        }

        /// Whatever the tree was, an agent that runs has /proc and devices of its own, masks, and no mount of the host's
        /// that was not asked for.
        private func expectOwnView(_ watch: HostWatch, _ run: HostileRun, _ what: String) {
            let report = AttemptReport(watch.output, context: what + watch.output)
            report.expectSuccess("proc", result: 0x9fa0)
            report.expectSuccess("pts", result: 0x1cd1)
            report.expectSuccess("looked", result: 1)
            report.expectFailure(["timer-list", "kcore"], "EACCES", "ENOENT")
            report.expectFailure(["core-pattern"], "EROFS", "EACCES")
            #expect(!watch.output.contains("leaked"), "\(what)\(watch.output)")
            let hosts = Set(["/", "/tmp", "/run", "/home", "/var/tmp", TemporaryTree.shared("")].compactMap(device))
            for line in watch.output.split(whereSeparator: \.isNewline) where line.hasPrefix("mount ") {
                let words = line.split(separator: " ").map(String.init)
                guard words.count == 3, hosts.contains(words[1]) else { continue }
                #expect(run.shows(words[2]), "\(line): \(what)")
            }
        }

        /// As /proc/self/mountinfo writes it. proc_pid_mountinfo(5)
        private func device(_ path: String) -> String? {
            var found = stat()
            guard stat(path, &found) == 0 else { return nil }
            // As makedev(3) puts them together.
            let major = found.st_dev >> 8 & 0xfff | found.st_dev >> 32 & 0xffff_f000
            let minor = found.st_dev & 0xff | found.st_dev >> 12 & 0xffff_ff00
            return "\(major):\(minor)"
        }

        @Test(
            "attack 3: the watch reports whoever follows a hostile tree's links",
            .enabled(if: isRoot, "watching takes root"))
        func control() throws {
            let ground = try HostileGround()
            var reported = 0, touched = 0
            for number in 1...40 {
                let tree = HostileTree(
                    number: number, in: ground.trees, places: ground.places, canaries: ground.canaries)
                let watch = try HostWatch(
                    [AttackPrograms.path("follow"), tree.path, ground.paths, ground.canaries.directory],
                    canaries: ground.canaries.unopened)
                if watch.sights.contains(where: { $0.contains(ground.canaries.directory) }) { reported += 1 }
                if !ground.canaries.isUntouched { touched += 1 }
                try tree.remove()
            }
            print("hostile trees, followed by the control: \(reported) of 40 reported")
            #expect(reported >= 10)
            #expect(touched > 0)
        }

        @Test(
            "attack 3: the watch reports a process left behind, a hang, and what is only opened",
            .enabled(if: isRoot, "watching takes root"))
        func watchItself() throws {
            let canaries = HostCanaries()
            func watch(_ script: String) throws -> HostWatch {
                try HostWatch(["/bin/sh", "-c", script], canaries: canaries.unopened)
            }
            #expect(try watch("exit 3").status == 3)
            #expect(try watch("true").sights == [])
            #expect(try watch("cat \(canaries.file)").sights.contains { $0.contains("opened,read") })
            #expect(try watch("ls \(canaries.directory)").sights.contains { $0.contains("opened") })
            #expect(try watch("echo x > \(canaries.new)").sights.contains { $0.contains("created") })
            #expect(try watch("sleep 60 & true").sights.contains { $0.contains("left") && $0.contains("sleep") })
        }

        /// What came of all the starts.
        private struct Tally: CustomStringConvertible {
            var trees = 0, starts = 0, ran = 0
            /// By what could not be done: the first word of the message.
            private var refused: [String: Int] = [:]

            mutating func count(_ watch: HostWatch) {
                starts += 1
                if watch.status == 0 { ran += 1 }
                guard watch.status != 0 else { return }
                let words = watch.errors.split(whereSeparator: { $0 == " " || $0.isNewline })
                refused[words.dropFirst().first.map(String.init) ?? "?", default: 0] += 1
            }

            var description: String {
                let reasons = refused.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
                return "\(trees) trees, \(starts) starts, \(ran) ran; refused: \(reasons.joined(separator: ", "))"
            }
        }
    }
}
