// SPDX-License-Identifier: Apache-2.0
import CLinux
import Engine
import LinuxKernel
import Storage

/// What an ordinary user may map, and whether the tools do it.
enum IdentityProbe {
    /// - Parameter tries: whether a child is to be mapped: there are user namespaces.
    static func facts(_ caller: Caller, tries: Bool) -> (facts: IdentityFacts, maps: Attempt) {
        var facts = IdentityFacts()
        if let ranges = try? SubordinateIDs.load(uid: caller.uid) {
            facts.uids = ranges.uids
            facts.gids = ranges.gids
        }
        facts.firstFree = firstFree(
            (CallerProbe.text("/etc/subuid") ?? "") + "\n" + (CallerProbe.text("/etc/subgid") ?? ""))
        facts.newuidmap = tool("newuidmap")
        facts.newgidmap = tool("newgidmap")
        guard let uids = facts.uids.max(by: { $0.count < $1.count }),
            let gids = facts.gids.max(by: { $0.count < $1.count }),
            let newuidmap = facts.newuidmap, let newgidmap = facts.newgidmap
        else { return (facts, .untried("no ranges, or not the tools to use them")) }
        guard tries else { return (facts, .untried("there is no user namespace to try it in")) }
        do throws(SystemError) {
            let child = try ProbeChild(ProbeChild.Request(cloneFlags: UInt64(CLONE_NEWUSER), waits: true))
            for (tool, own, range) in [(newuidmap, caller.uid, uids), (newgidmap, caller.gid, gids)] {
                let count = min(range.count, 65535)
                let arguments = ["\(child.pid)", "0", "\(own)", "1", "1", "\(range.start)", "\(count)"]
                let run = try ProgramRun.run(tool.path, arguments, environment: [], patience: ProbeChild.patience)
                guard run.status == .exited(0) else {
                    facts.complaint = run.errors.split(separator: "\n").first.map(String.init)
                    return (facts, .failed(.notPermitted))
                }
            }
            return (facts, .worked())
        } catch { return (facts, .failed(error.errno)) }
    }

    private static func tool(_ name: String) -> IdentityFacts.Tool? {
        guard let path = MapTools.path(of: name) else { return nil }
        let found = (try? status(of: path, followingSymlinks: true)) ?? nil
        let isSetUID = found.map { $0.permissions & 0o4000 != 0 && $0.uid == 0 } ?? false
        return IdentityFacts.Tool(path: path, gainsPrivileges: isSetUID || hasCapabilities(path))
    }

    /// capabilities(7), "File capabilities"; xattr(7)
    private static func hasCapabilities(_ path: String) -> Bool {
        path.withCString { path in
            "security.capability".withCString { name in
                mt_syscall(Int(SYS_getxattr), Int(bitPattern: path), Int(bitPattern: name), 0, 0, 0, 0) > 0
            }
        }
    }

    /// The first id above every range that is given to anybody, and at least useradd(8)'s first, `SUB_UID_MIN`.
    static func firstFree(_ text: String) -> UInt32 {
        let ends = text.split(separator: "\n").compactMap { line -> UInt32? in
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, let start = UInt32(fields[1]), let count = UInt32(fields[2]) else { return nil }
            let (end, overflow) = start.addingReportingOverflow(count)
            // Above useradd's last there is no room to be had in a row.
            return overflow || end > 600_000_000 ? nil : end
        }
        return max(100_000, ends.max() ?? 0)
    }
}
