// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Removes sandboxes' cgroups by their paths: also by a process that did not make them, from what is kept on disk.
public enum CgroupRemoval {
    /// Removes cgroups with all below them, and a `martinet` directory that becomes empty. What is gone already is fine.
    ///
    /// Processes in v2 cgroups are killed; in v1 ones they must have been.
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
        for target in targets {
            do throws(CgroupError) { try remove(target, until: deadline) } catch { failure = failure ?? error }
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

    private static func remove(_ target: Target, until deadline: Duration) throws(CgroupError) {
        do throws(SystemError) {
            let base = try open(
                target.base, [.pathOnly, .directory], at: .workingDirectory, resolving: [.noSymlinks, .noMagicLinks])
            let type = try fileSystemType(base)
            let versions: [CgroupVersion] = [.v1, .v2]
            guard let version = versions.first(where: { $0.driver.fileSystemType == type }) else {
                throw SystemError("statfs", .notSupported, target.base)
            }
            try removeCgroup(target, version, at: base, until: deadline)
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
        _ target: Target, _ version: CgroupVersion, at base: borrowing Descriptor, until deadline: Duration
    ) throws(SystemError) {
        var delay = Duration.microseconds(50)
        var hasKilled = false
        while true {
            do throws(SystemError) {
                return try LinuxKernel.remove(target.below, directory: true, at: .descriptor(base.rawValue))
            } catch where error.errno == .noEntry {
                return
            } catch where error.errno == .busy || error.errno == .notEmpty {
                if hasKilled, monotonicNow() >= deadline { throw error }
            } catch {
                throw error
            }
            try emptyOut(target, version, at: base, killing: !hasKilled)
            // A killed process leaves its cgroup a moment after the signal.
            if hasKilled { blockThread(for: delay) }
            hasKilled = true
            delay = min(delay * 2, .milliseconds(20))
        }
    }

    /// Kills what is in a busy cgroup, where the version can, and removes the cgroups below it.
    private static func emptyOut(
        _ target: Target, _ version: CgroupVersion, at base: borrowing Descriptor, killing: Bool
    ) throws(SystemError) {
        do throws(SystemError) {
            let directory = try open(target.below, [.directory, .noFollow], at: .descriptor(base.rawValue))
            if killing {
                version.driver.killAll(in: ControlFiles(descriptor: directory.rawValue, path: target.path))
            }
            try removeChildren(of: directory, depth: 0)
        } catch where error.errno == .noEntry || error.errno == .noDevice {
        } catch {
            throw error
        }
    }

    /// Removes the cgroups below one, innermost first, leaving those that are busy still.
    private static func removeChildren(of directory: borrowing Descriptor, depth: Int) throws(SystemError) {
        if depth > 64 { return }  // deeper than any nesting made in earnest; the rmdir above then reports it
        for entry in try entries(of: directory) where entry.kind == .directory {
            do throws(SystemError) {
                let child = try open(entry.name, [.directory, .noFollow], at: .descriptor(directory.rawValue))
                try removeChildren(of: child, depth: depth + 1)
            } catch where error.errno == .noEntry || error.errno == .noDevice {
            } catch {
                throw error
            }
            removeIfEmpty(entry.name, at: directory)
        }
    }
}

/// Removes a cgroup that nobody uses; true where that was done. The kernel refuses for one that holds anything.
@discardableResult
func removeIfEmpty(_ name: String, at base: borrowing Descriptor) -> Bool {
    do throws(SystemError) {
        try LinuxKernel.remove(name, directory: true, at: .descriptor(base.rawValue))
        return true
    } catch {
        return false
    }
}
