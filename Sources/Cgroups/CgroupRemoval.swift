// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Removes sandboxes' cgroups by their paths: also by a process that did not make them, from what is kept on disk.
public enum CgroupRemoval {
    /// Removes cgroups with all below them, and a `martinet` directory that becomes empty. What is gone already is fine.
    ///
    /// Processes in v2 cgroups are killed; in v1 ones they must have been. What is frozen is thawed where it is in the way.
    ///
    /// - Parameters:
    ///   - paths: absolute, as `SandboxCgroup.paths` gave them; nothing but a child of `martinet` is accepted.
    ///   - patience: how long dying processes may keep them busy, all together.
    /// - Throws: `.invalidPath` before anything is removed; `.removalFailed` for the first that stays, after all others
    ///   have been tried.
    public static func remove(paths: [String], patience: Duration = .seconds(2)) throws(CgroupError) {
        var targets: [Target] = []
        for path in paths { targets.append(try Target(path)) }
        let deadline = monotonicNow() + patience
        var failure: CgroupError?
        var isReleased = false
        for target in targets {
            // More than once, for memory may be short for a moment, and nobody comes after this to remove it.
            for attempt in 1...3 {
                do throws(CgroupError) {
                    try remove(target, until: deadline) {
                        // All at once: what is frozen by one of them keeps the others busy.
                        if !isReleased { for target in targets { release(target) } }
                        isReleased = true
                    }
                    break
                } catch {
                    guard attempt == 3 || monotonicNow() >= deadline else { continue }
                    failure = failure ?? error
                    break
                }
            }
        }
        if let failure { throw failure }
    }

    /// A path taken apart: `BASE/martinet/NAME`.
    struct Target: Equatable {
        var base: String
        var name: String
        var path: String { "\(base)/\(below)" }
        var below: String { "\(parentName)/\(name)" }

        init(_ path: String) throws(CgroupError) {
            let parts = path.utf8.split(separator: 0x2f, omittingEmptySubsequences: false).map { Substring($0) }
            let plain = parts.dropFirst().allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }
            guard parts.count >= 4, parts[0].isEmpty, plain, parts[parts.count - 2] == parentName else {
                throw CgroupError(
                    .invalidPath, CgroupName.printable(path), reason: "it is not of the form /…/\(parentName)/NAME")
            }
            name = try CgroupName(String(parts[parts.count - 1])).description
            base = parts.dropLast(2).joined(separator: "/")
        }
    }

    private static func remove(
        _ target: Target, until deadline: Duration, releasingAll: () -> Void
    ) throws(CgroupError) {
        do throws(SystemError) {
            let base = try open(
                target.base, [.pathOnly, .directory], at: .workingDirectory, resolving: [.noSymlinks, .noMagicLinks])
            if try driver(of: base) == nil { throw SystemError("statfs", .notSupported, target.base) }
            try removeCgroup(target, at: base, until: deadline, releasingAll)
            removeIfEmpty(parentName, at: base)
        } catch where error.errno == .noEntry {
            // A removed base, such as a user's session, took everything below along.
        } catch {
            let pids = (try? readText("\(target.path)/cgroup.procs")) ?? ""
            let list = pids.split(separator: "\n").prefix(8).joined(separator: " ")
            throw CgroupError(
                .removalFailed, target.path, cause: error,
                hint: list.isEmpty ? nil : "processes are still in it: \(list)")
        }
    }

    private static func removeCgroup(
        _ target: Target, at base: borrowing Descriptor, until deadline: Duration, _ releasingAll: () -> Void
    ) throws(SystemError) {
        var delay = Duration.microseconds(50)
        var isReleased = false
        while true {
            do throws(SystemError) {
                return try LinuxKernel.remove(target.below, directory: true, at: .descriptor(base.rawValue))
            } catch where error.errno == .noEntry {
                return
            } catch where error.errno == .busy || error.errno == .notEmpty {
                if isReleased, monotonicNow() >= deadline { throw error }
            } catch {
                throw error
            }
            if !isReleased { releasingAll() }
            try ignoringAbsence { () throws(SystemError) in
                let directory = try open(target.below, [.directory, .noFollow], at: .descriptor(base.rawValue))
                try removeCgroups(below: directory)
            }
            // A killed process leaves its cgroup a moment after the signal.
            if isReleased { blockThread(for: delay) }
            isReleased = true
            delay = min(delay * 2, .milliseconds(20))
        }
    }

    /// Has one cgroup lose its processes, as far as the version can. A failure shows when the directory cannot be removed.
    private static func release(_ target: Target) {
        do throws(SystemError) {
            let directory = try open(
                target.path, [.directory], at: .workingDirectory, resolving: [.noSymlinks, .noMagicLinks])
            try driver(of: directory)?.release(ControlFiles(descriptor: directory.rawValue, path: target.path))
        } catch {}
    }

    /// What drives the hierarchy that a directory is in; `nil` outside of cgroup file systems.
    private static func driver(of directory: borrowing Descriptor) throws(SystemError) -> (any CgroupDriver)? {
        let type = try fileSystemType(directory)
        return [CgroupVersion.v1, .v2].map(\.driver).first { $0.fileSystemType == type }
    }
}
