// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Deeper than any nesting made in earnest. What is below stays, and shows as a cgroup that cannot be removed.
private let greatestDepth = 64

/// Removes the cgroups below one, innermost first, leaving those that are busy.
func removeCgroups(below directory: borrowing Descriptor, depth: Int = 0) throws(SystemError) {
    if depth > greatestDepth { return }
    for entry in try entries(of: directory) where entry.kind == .directory {
        let raw = directory.rawValue
        try ignoringAbsence { () throws(SystemError) in
            let child = try open(entry.name, [.directory, .noFollow], at: .descriptor(raw))
            try removeCgroups(below: child, depth: depth + 1)
        }
        removeIfEmpty(entry.name, at: directory)
    }
}

/// Whether a cgroup, or one below it, holds a process.
func holdsProcesses(_ directory: borrowing Descriptor, depth: Int = 0) throws(SystemError) -> Bool {
    if depth > greatestDepth { return true }
    let raw = directory.rawValue
    if let pids = try readText("cgroup.procs", at: .descriptor(raw)), !pids.isEmpty { return true }
    for entry in try entries(of: directory) where entry.kind == .directory {
        var holds = false
        try ignoringAbsence { () throws(SystemError) in
            let child = try open(entry.name, [.directory, .noFollow], at: .descriptor(raw))
            holds = try holdsProcesses(child, depth: depth + 1)
        }
        if holds { return true }
    }
    return false
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

/// Does something with a cgroup that may be removed by another at any moment: then there is nothing left to do.
func ignoringAbsence(_ body: () throws(SystemError) -> Void) throws(SystemError) {
    do throws(SystemError) { try body() } catch where error.errno == .noEntry || error.errno == .noDevice {} catch {
        throw error
    }
}
