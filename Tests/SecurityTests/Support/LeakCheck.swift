// SPDX-License-Identifier: Apache-2.0
import CLinux
import Foundation
import TestHost
import Testing

/// What a sandbox could leave behind on the host: compared before and after, exactly.
///
/// Processes are those that descend from this one: it makes itself a subreaper, so that an orphan of a sandbox does not
/// get away to the machine's init. Other test suites of the same process must not run meanwhile.
struct LeakCheck: Equatable, CustomStringConvertible {
    /// Descendants of this process, as `name pid`.
    var processes: Set<String>
    /// Cgroups of sandboxes that this process started: by the name it gives them.
    var cgroups: Set<String>
    /// Lines of /proc/self/mountinfo.
    var mounts: Set<String>
    /// Open descriptors, as `number target`.
    var descriptors: Set<String>
    /// Network interfaces.
    var links: Set<String>

    /// The beginning of the name of every sandbox that is checked for.
    static let sandboxName = "attack-\(getpid())"

    static func snapshot() -> LeakCheck {
        _ = subreaper
        return LeakCheck(
            processes: descendants(), cgroups: cgroupDirectories(),
            mounts: Set(lines("/proc/self/mountinfo")), descriptors: openDescriptors(),
            links: Set(names("/sys/class/net")))
    }

    /// Records an issue for everything that has come or gone since `before`. What is only on its way out, as a
    /// process that has not been reaped, has two patient seconds.
    ///
    /// - Parameter adopting: the body killed somebody's parent, so that orphans are this process's to reap.
    static func expectNothingLeft(
        since before: LeakCheck, adopting: Bool = false, _ what: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var now = snapshot()
        for _ in 0..<100 * Patience.factor where now != before.withoutWhatTheRuntimeClosed(now) {
            if adopting { reap(now.processes.subtracting(before.processes)) }
            usleep(20_000)
            now = snapshot()
        }
        let before = before.withoutWhatTheRuntimeClosed(now)
        if now == before { return }
        Issue.record("left behind: \(now.difference(from: before)) \(what)", sourceLocation: sourceLocation)
    }

    /// The run time closes its event descriptor when it has had nothing to do for some seconds. One that is left may be a
    /// launch's.
    private func withoutWhatTheRuntimeClosed(_ now: LeakCheck) -> LeakCheck {
        var known = self
        known.descriptors = descriptors.filter { !$0.hasSuffix("[eventfd]") || now.descriptors.contains($0) }
        return known
    }

    /// Runs `body` and checks that it leaves nothing.
    static func around<Result>(
        adopting: Bool = false, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Result
    ) rethrows -> Result {
        let before = snapshot()
        defer { expectNothingLeft(since: before, adopting: adopting, sourceLocation: sourceLocation) }
        return try body()
    }

    /// Those of `processes` that have ended and are this process's children.
    private static func reap(_ processes: Set<String>) {
        for pid in processes.compactMap({ $0.split(separator: " ").last.flatMap { Int32($0) } }) {
            waitpid(pid, nil, WNOHANG)
        }
    }

    var description: String {
        difference(from: LeakCheck(processes: [], cgroups: [], mounts: [], descriptors: [], links: []))
    }

    private func difference(from before: LeakCheck) -> String {
        func changes(_ name: String, _ old: Set<String>, _ new: Set<String>) -> [String] {
            new.subtracting(old).sorted().map { "\(name) +\($0)" }
                + old.subtracting(new).sorted().map { "\(name) -\($0)" }
        }
        return
            (changes("process", before.processes, processes) + changes("cgroup", before.cgroups, cgroups)
            + changes("mount", before.mounts, mounts) + changes("descriptor", before.descriptors, descriptors)
            + changes("link", before.links, links)).joined(separator: "\n")
    }

    // MARK: Looking

    /// prctl(2), `PR_SET_CHILD_SUBREAPER`
    private static let subreaper = mt_syscall(Int(SYS_prctl), Int(PR_SET_CHILD_SUBREAPER), 1, 0, 0, 0, 0)

    private static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func lines(_ path: String) -> [String] {
        (text(path) ?? "").split(separator: "\n").map(String.init)
    }

    private static func names(_ directory: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }

    private static func descendants() -> Set<String> {
        var parents: [Int32: (parent: Int32, name: String)] = [:]
        for pid in names("/proc").compactMap(Int32.init) {
            guard let status = text("/proc/\(pid)/stat"), let close = status.lastIndex(of: ")"),
                let open = status.firstIndex(of: "("),
                let parent = status[close...].split(separator: " ").dropFirst(2).first.flatMap({ Int32($0) })
            else { continue }
            parents[pid] = (parent, String(status[open...close]))
        }
        var found: Set<String> = []
        for (pid, process) in parents {
            var ancestor = process.parent
            while ancestor > 1, ancestor != getpid() { ancestor = parents[ancestor]?.parent ?? 0 }
            if ancestor == getpid() { found.insert("\(process.name) \(pid)") }
        }
        return found
    }

    private static func cgroupDirectories() -> Set<String> {
        Set(SandboxCgroups.all().filter { $0.contains("/martinet/\(sandboxName)") })
    }

    private static func openDescriptors() -> Set<String> {
        var found: Set<String> = []
        for name in names("/proc/self/fd") {
            // The listing's own descriptor is closed by now.
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)"),
                !target.hasPrefix("/proc/"),
                // The run time's, which opens and closes them when it likes; a launch has none.
                target != "anon_inode:[timerfd]", target != "anon_inode:[eventpoll]"
            else { continue }
            found.insert("\(name) \(target)")
        }
        return found
    }
}
