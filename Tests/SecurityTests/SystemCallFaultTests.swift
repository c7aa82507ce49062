// SPDX-License-Identifier: Apache-2.0
import Foundation
import TestHost
import Testing

extension SecurityTests {
    /// Every system call of a launch fails once: of the launcher, of what it clones, of init and of the agent's process up
    /// to its exec. Whatever fails, the launch ends in time, nobody crashes, nothing is left, and an agent that runs is
    /// confined exactly as without the fault; otherwise a sentence says which step failed, and with which errno.
    ///
    /// By default those calls where something was found once; `MARTINET_FAULTS=sample` takes some twenty of each setting, `all`
    /// each with one errno, `every` with all that fit it, `all:plain` those of one setting, `plain:0.1:17:12` one call. Which
    /// calls a sample hits differs from machine to machine, so that it is no part of a run that has to come out the same.
    @Suite(
        .enabled(if: isRoot, "following all processes of a launch takes root"),
        .enabled(if: isX86, "written for x86_64"))
    struct SystemCallFaults {
        private static let choice = ProcessInfo.processInfo.environment["MARTINET_FAULTS"] ?? ""

        private static let settings =
            choice.isEmpty ? [.plain, .directory, .landlock, .audit] : FaultedSetting.allCases.filter { means($0) }

        @Test(
            "a launch in which any one system call fails",
            .enabled(
                if: !Sanitizer.hasRuntime, "a sanitizer's own calls would fail, and it cannot look for leaks traced"),
            arguments: settings)
        func everyCall(setting: FaultedSetting) throws {
            let check = try FaultCheck(setting)
            var tally: [String: Int] = [:]
            for (call, errno) in chosen(check.calls, setting) {
                let outcome = try check.fail(call, errno)
                tally[outcome, default: 0] += 1
                if errno == EINTR { #expect(outcome != "refused", "\(setting.rawValue) \(call) EINTR") }
            }
            let words = tally.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            print("system calls of \(setting.rawValue): \(check.calls.count); \(words.joined(separator: ", "))")
        }

        @Test(
            "a launch in which any one system call is interrupted by a signal",
            .enabled(
                if: !choice.isEmpty && choice.split(separator: ":").count < 3, "asked for by MARTINET_FAULTS=sample"),
            .enabled(if: !Sanitizer.hasRuntime, "a sanitizer's own calls would be interrupted"), arguments: settings)
        func everyInterruption(setting: FaultedSetting) throws {
            let check = try FaultCheck(setting)
            let calls = check.calls.filter(\.isInterruptible)
            let step = Self.choice.hasPrefix("sample") ? max(1, calls.count / 6) : 1
            for call in stride(from: 0, to: calls.count, by: step).map({ calls[$0] }) {
                let outcome = try check.fail(call, EINTR)
                #expect(outcome != "refused", "\(setting.rawValue) \(call) EINTR")
            }
        }

        private static func means(_ setting: FaultedSetting) -> Bool {
            let words = choice.split(separator: ":")
            return words.count < 2 || words[words.count == 2 ? 1 : 0] == setting.rawValue
        }

        /// Where something was found once: what the launcher asks of the machine first and takes for granted then, its way
        /// there and back to another uid, placeholders being made and removed, what may be mounted on the old root, and,
        /// without namespaces, whether the machine has the agent's id, and the cgroup that there is none of; what init sends.
        private static func onceWrong(_ calls: [LaunchCall], _ setting: FaultedSetting) -> [Int] {
            func first(_ role: String, _ name: String, count: Int) -> [Int] {
                guard let first = calls.firstIndex(where: { $0.role == role && $0.name == name }) else { return [] }
                return Array(first..<min(first + count, calls.count))
            }
            switch setting {
            case .plain:
                return calls.indices.filter {
                    calls[$0].role == "0" && calls[$0].number <= 36 && !calls[$0].isMemory
                }
            case .directory:
                return first("0", "mkdirat", count: 4) + first("0", "unlinkat", count: 4)
                    + calls.indices.filter { calls[$0].role == "0.1" && calls[$0].name == "umount2" }
            case .landlock:
                return calls.indices.filter {
                    calls[$0].role == "0" && (26...36).contains(calls[$0].number) && !calls[$0].isMemory
                } + first("0", "mkdirat", count: 1)
            // What init says, the filter's listener first.
            case .audit: return calls.indices.filter { calls[$0].role == "0.1" && calls[$0].name == "sendmsg" }
            default: return []
            }
        }

        /// What an interruption made fail once, though nothing has to.
        private static func onceInterrupted(_ calls: [LaunchCall], _ setting: FaultedSetting) -> [(LaunchCall, Int32)] {
            guard setting == .plain, let call = calls.first(where: { $0.name == "dup3" }) else { return [] }
            return [(call, EINTR)]
        }

        private func chosen(_ calls: [LaunchCall], _ setting: FaultedSetting) -> [(LaunchCall, Int32)] {
            switch Self.choice.replacing(":\(setting.rawValue)", with: "") {
            case "all": return calls.enumerated().map { ($1, $1.errnos[$0 % $1.errnos.count]) }
            case "every": return calls.flatMap { call in call.errnos.map { (call, $0) } }
            case "":
                return Self.onceWrong(calls, setting).map { (calls[$0], calls[$0].errnos[$0 % calls[$0].errnos.count]) }
                    + Self.onceInterrupted(calls, setting)
            case "sample":
                let step = max(1, calls.count / 20)
                let sample = Set(stride(from: setting.rawValue.utf8.count, to: calls.count, by: step))
                return sample.union(Self.onceWrong(calls, setting)).sorted().map {
                    (calls[$0], calls[$0].errnos[$0 % calls[$0].errnos.count])
                }
            default:
                let words = Self.choice.split(separator: ":")
                guard words.count == 4, let number = Int(words[2]), let errno = Int32(words[3]) else { return [] }
                return calls.filter { $0.role == words[1] && $0.number == number }.map { ($0, errno) }
            }
        }
    }
}

/// A launch without a fault, and what others are compared with.
private struct FaultCheck {
    private let ground: FaultedGround
    private let expected: String
    private let processLimit: String
    let calls: [LaunchCall]

    init(_ setting: FaultedSetting) throws {
        ground = try FaultedGround(setting)
        _ = try FaultedLaunch(ground.command)  // fills caches
        let first = try FaultedLaunch(ground.command)
        let second = try FaultedLaunch(ground.command)
        #expect(first.watch.status == 0, "\(first.watch.errors)")
        // Or comparing would be in vain.
        let (output, other) = (Self.withoutChance(first.watch.output), Self.withoutChance(second.watch.output))
        #expect(output == other, "\(Self.difference(output, other))")
        #expect(first.watch.output.contains("Seccomp:\t2"), "\(first.watch.output)")
        #expect(first.left == [] && first.crashes == [])
        expected = output
        processLimit = expected.split(separator: "\n").first { $0.hasPrefix("limit 6 ") }.map(String.init) ?? ""
        calls = first.calls
        #expect(calls.count > 300)
    }

    /// Makes a call fail, judges what came of it, and says that in a word.
    func fail(_ call: LaunchCall, _ errno: Int32) throws -> String {
        let names = ground.names()
        let before = LeakCheck.snapshot()
        let launch = try FaultedLaunch(ground.command, fault: (call, errno))
        let failed = launch.failed
        let errnoName = String(cString: strerrorname_np(errno))
        let what = """
            MARTINET_FAULTS=\(ground.setting.rawValue):\(call.role):\(call.number):\(errno) (\(failed?.name ?? "not reached"), \(errnoName))
            status \(launch.watch.status) \(launch.watch.errors)
            """
        let hangs = launch.watch.hung
        #expect(!hangs, "hangs: \(what)")
        let crashes = failed?.isMemory == true ? [] : launch.crashes
        #expect(crashes == [], "crashes: \(what)")
        let left = launch.left
        #expect(left == [], "left: \(what)")
        let new = ground.names()
        #expect(new.symmetricDifference(names).sorted() == [], "names: \(what)")
        LeakCheck.expectNothingLeft(since: before, what)
        let output = asWithCgroup(Self.withoutChance(launch.watch.output))
        // Nothing more and nothing else than without the fault, also where not all of it came through.
        let isPart = expected.hasPrefix(output)
        #expect(isPart, "other confinement: \(what)\n\(Self.difference(expected, output))")
        guard failed != nil else {
            #expect(launch.watch.status == 0, "\(what)")
            return "not reached"
        }
        switch launch.watch.status {
        case 0:
            let isWhole = output == expected
            #expect(isWhole, "not all: \(what)\n\(Self.difference(expected, output))")
            return "passed over"
        case 125...255 where launch.crashes.isEmpty:
            // 128 and more: the agent ended otherwise, and why is said.
            let lines = launch.watch.errors.split(separator: "\n")
            let isClear = lines.contains { line in
                line.hasPrefix("martinet: ")
                    && (line.contains("(\(errnoName))") || Self.otherWords.contains { line.contains($0) })
            }
            #expect(isClear, "unclear: \(what)")
            return "refused"
        default:
            let isMemory = failed?.isMemory == true
            #expect(isMemory, "ended otherwise: \(what)")
            return "ended otherwise"
        }
    }

    /// Without a cgroup it is RLIMIT_NPROC that holds the default number of processes, of which init is one in a namespace of
    /// its own; so it is meant. Where there is no cgroup namespace the agent sees that it is in none of ours.
    /// docs/decisions/0004, 0019
    private func asWithCgroup(_ output: String) -> String {
        let isLandlock = ground.setting == .landlock
        let limit = isLandlock ? "limit 6 512 512" : "limit 6 511 511"
        guard output.contains(limit + "\n") else { return output }
        let output = output.replacingOccurrences(of: limit, with: processLimit)
        guard isLandlock, !output.contains(Self.ownCgroup) else { return output }
        let own = expected.split(separator: "\n").filter { $0.contains(Self.ownCgroup) }
        return output.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            own.first { Self.hierarchy($0) == Self.hierarchy(line) } ?? line
        }.joined(separator: "\n")
    }

    private static let ownCgroup = ":/martinet/martinet-N"

    /// What a line of /proc/self/cgroup begins with: file, number and controllers. cgroups(7)
    private static func hierarchy(_ line: Substring) -> [Substring] {
        line.hasPrefix("/proc/self/cgroup ") ? Array(line.split(separator: ":").prefix(2)) : []
    }

    /// Without namespaces there are numbers and names that are others in every run.
    private static func withoutChance(_ output: String) -> String {
        // What could not be id-mapped is nobody's: less than was asked for.
        output.replacing(",idmapped", with: "").replacing(/\b[12][0-9]{9}\b/, with: "ID").replacing(
            /NSpid:\t[0-9]{2,}/, with: "NSpid:"
        )
        .replacing(/(martinet|attack)-[0-9]+(-[0-9]+)?-[0-9a-z]+/, with: "martinet-N")
    }

    /// Where an errno does not come through: init has said nothing, or fcntl(2) was asked for yes or no.
    private static let otherWords = [
        "init ended before the agent started", "init ended (exited(0))", "is not open for",
    ]

    private static func difference(_ expected: String, _ output: String) -> String {
        let lines = Set(output.split(separator: "\n")), expected = Set(expected.split(separator: "\n"))
        return (expected.subtracting(lines).map { "- \($0)" } + lines.subtracting(expected).map { "+ \($0)" })
            .joined(separator: "\n")
    }
}

private let isX86: Bool = {
    #if arch(x86_64)
    true
    #else
    false
    #endif
}()
