// SPDX-License-Identifier: Apache-2.0
import CLinux
import Engine
import LinuxKernel

/// Looks at what a run needs on disk.
enum FileProbe {
    static func facts(_ caller: Caller, environment: [String: String]) -> FileFacts {
        var facts = FileFacts()
        facts.initSearched = InitBinary.places(beside: caller.program)
        if let path = facts.initSearched.first(where: { mayAccess($0, []) }) {
            facts.initPath = path
            facts.initStarts = starts(path)
        }
        facts.state = state(caller, environment)
        facts.hasLoopControl = mayAccess("/dev/loop-control", [])
        let durable = caller.uid == 0 ? "/var/lib/martinet" : dataHome(environment) + "/martinet"
        facts.quotaPath = nearest(durable)
        do throws(SystemError) {
            let directory = try open(facts.quotaPath, .directory)
            facts.quotaFileSystem = FileSystemName.of(directory)
            let result = mt_probe_project_quota(directory.rawValue)
            facts.projectQuota = result < 0 ? .failed(Errno(rawValue: Int32(-result))) : .worked()
        } catch { facts.projectQuota = .untried(error.description) }
        return facts
    }

    /// By hand init refuses, and says so with 125. docs/init-protocol.md
    private static func starts(_ path: String) -> Attempt {
        do throws(SystemError) {
            let run = try ProgramRun.run(path, [], environment: [], patience: ProbeChild.patience)
            switch run.status {
            case .exited(125): return .worked()
            case .exited(let status): return .untried("by hand it exits with \(status), not 125")
            case .signaled(let signal): return .killed(signal: signal)
            case nil: return .untried("it does not end")
            }
        } catch { return .failed(error.errno) }
    }

    private static func state(_ caller: Caller, _ environment: [String: String]) -> FileFacts.Directory {
        guard caller.uid != 0 else { return directory("/run/martinet", caller, isMade: true) }
        guard let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/") else {
            let conventional = "/run/user/\(caller.uid)"
            return .unset(conventional: mayAccess(conventional, [.write, .execute]) ? conventional : nil)
        }
        return directory(runtime, caller, isMade: false)
    }

    /// Whether a directory is one that only this user can enter, as the launcher wants it.
    private static func directory(_ path: String, _ caller: Caller, isMade: Bool) -> FileFacts.Directory {
        guard let found = (try? status(of: path)) ?? nil else {
            let parent = nearest(path)
            let canMake = isMade && path.hasPrefix(parent + "/") && mayAccess(parent, [.write, .execute])
            return canMake ? .absent(path) : .unusable(path, reason: "it is not there")
        }
        if found.kind != .directory { return .unusable(path, reason: "it is not a directory") }
        if found.uid != caller.uid { return .unusable(path, reason: "it belongs to uid \(found.uid)") }
        if found.permissions & 0o077 != 0 {
            return .unusable(path, reason: "its mode \(String(found.permissions, radix: 8)) lets other users in")
        }
        return mayAccess(path, [.write, .execute]) ? .usable(path) : .unusable(path, reason: "it cannot be written to")
    }

    /// The directory itself, or the nearest above that is there.
    static func nearest(_ path: String) -> String {
        var path = path
        while path != "/", !mayAccess(path, []) {
            path = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
            if path.isEmpty { path = "/" }
        }
        return path
    }

    private static func dataHome(_ environment: [String: String]) -> String {
        if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return data }
        if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.local/share" }
        return "/var/lib"
    }
}
