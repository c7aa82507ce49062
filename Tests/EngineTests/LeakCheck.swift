// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import TestHost
import Testing

/// What this process has on the machine: compared before and after, it says what a launch left behind.
///
/// Only for a process that does nothing else meanwhile: an exit test's.
struct LeakCheck: Equatable {
    /// Direct children, and orphans below them: `adoptOrphans` makes those this process's own.
    var children: [String]
    var descriptors: [String]
    /// Of the host's mount namespace.
    var mounts: [String]
    /// Cgroups that this process made, and `martinet` directories without anything in them.
    var cgroups: [String]
    /// Loop devices on files of this test's.
    var loops: [String]
    /// What is in the state directory besides the locks of id ranges and compiled filters.
    var state: [String]
    /// What is in the directory that the sandbox shows as its workspace.
    var workspace: [String]
    /// Signals that this thread has blocked.
    var signalMask: UInt64

    init(_ ground: TestGround) throws {
        children = try Self.children()
        descriptors = try Self.descriptors()
        mounts = try (readText("/proc/self/mountinfo") ?? "").split(separator: "\n").map(String.init)
        cgroups = try Self.cgroups()
        loops = try Self.loops(ground.root)
        state = try Self.names(ground.state).filter { $0 != "ids" && $0 != "filters" && $0 != "projects" }
        workspace = try Self.names(ground.workspace)
        let mask = setSignalMask(.all)
        setSignalMask(mask)
        signalMask = mask.rawValue
    }

    /// The state now. Directories of others may go while they are read: then once more.
    static func taken(_ ground: TestGround) -> LeakCheck? {
        for _ in 0..<20 {
            if let check = try? LeakCheck(ground) { return check }
        }
        return nil
    }

    /// From here on, what a launch forks and forgets becomes a child of this process. prctl(2)
    static func adoptOrphans() {
        _ = mt_syscall(Int(SYS_prctl), Int(PR_SET_CHILD_SUBREAPER), 1, 0, 0, 0, 0)
    }

    private static func children() throws -> [String] {
        var found: [String] = []
        for task in try names("/proc/self/task") {
            let list = try readText("/proc/self/task/\(task)/children") ?? ""
            for pid in list.split(separator: " ") {
                found.append("\(pid) \((try? readText("/proc/\(pid)/comm")) ?? "?")")
            }
        }
        return found
    }

    /// By what they are open on, the numbers left out: "pipe:[17]", "/dev/null".
    private static func descriptors() throws -> [String] {
        try names("/proc/self/fd").compactMap { number in
            // The directory that is being read is in the list, and closed by now.
            guard let raw = Int32(number), (try? statusIfOpen(raw)) != nil else { return nil }
            let target = try readSymlink("/proc/self/fd/\(number)")
            // The run time's, which opens and closes them when it likes; a launch has none.
            if target == "anon_inode:[timerfd]" || target == "anon_inode:[eventpoll]" { return nil }
            return "\(number) \(target)"
        }.sorted()
    }

    private static func cgroups() throws -> [String] {
        var found = SandboxCgroups.all().filter { $0.contains("-\(processID())-") }
        // Another process's sandbox may be just coming or going: then it is not empty, or gone, a moment later.
        for parent in SandboxCgroups.parents() where try isEmptyGroup(parent) {
            blockThread(for: .milliseconds(50).patient)
            if try isEmptyGroup(parent) { found.append(parent) }
        }
        return found
    }

    /// The kernel may take a moment to take one apart that nobody uses any more.
    private static func loops(_ directory: String) throws -> [String] {
        for _ in 0..<200 * Patience.factor {
            let found = try names("/sys/block").filter { name in
                let file = name.hasPrefix("loop") ? try readText("/sys/block/\(name)/loop/backing_file") : nil
                return file?.hasPrefix(directory) == true
            }
            if found.isEmpty { return [] }
            blockThread(for: .milliseconds(10))
        }
        return ["still there after two patient seconds"]
    }

    private static func isEmptyGroup(_ path: String) throws -> Bool {
        try status(of: path) != nil && names(path, ofKind: .directory).isEmpty
    }

    private static func names(_ path: String, ofKind kind: FileKind? = nil) throws -> [String] {
        guard let found = try status(of: path), found.kind == .directory else { return [] }
        // Another process's cgroup may be gone since.
        guard let listed = try? entries(of: open(path, .directory)) else {
            guard try status(of: path) == nil else { throw SystemError("list", .inputOutput, path) }
            return []
        }
        return listed.filter { kind == nil || $0.kind == kind }.map(\.name).sorted()
    }

    /// Says what is there now and was not before, and the reverse; nothing when all is as it was.
    func differences(from before: LeakCheck) -> [String] {
        func compare(_ name: String, _ old: [String], _ new: [String]) -> [String] {
            let old = Set(old)
            let new = Set(new)
            return new.subtracting(old).map { "\(name) left: \($0)" }
                + old.subtracting(new).map { "\(name) gone: \($0)" }
        }
        // A `martinet` directory that was empty may be another process's, and gone by now.
        let cgroups = Set(cgroups).subtracting(before.cgroups).map { "cgroup left: \($0)" }
        // So does the run time with its event descriptors; one that is left may be a launch's.
        let descriptors = compare("descriptor", before.descriptors, descriptors).filter {
            !($0.hasPrefix("descriptor gone") && $0.hasSuffix("[eventfd]"))
        }
        return cgroups + descriptors + compare("child", before.children, children)
            + compare("mount", before.mounts, mounts) + compare("loop device", before.loops, loops)
            + compare("state", before.state, state) + compare("workspace", before.workspace, workspace)
            + (signalMask == before.signalMask ? [] : ["signal mask changed"])
    }
}

/// Runs `body` and expects it to leave nothing, exactly.
func expectNoLeak(
    _ ground: TestGround, _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) rethrows {
    guard let before = LeakCheck.taken(ground) else {
        Issue.record("\(what): cannot be checked", sourceLocation: sourceLocation)
        return
    }
    try body()
    guard let after = LeakCheck.taken(ground) else {
        Issue.record("\(what): cannot be checked", sourceLocation: sourceLocation)
        return
    }
    for difference in after.differences(from: before) {
        Issue.record("\(what): \(difference)", sourceLocation: sourceLocation)
    }
}
