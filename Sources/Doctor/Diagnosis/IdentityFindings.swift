// SPDX-License-Identifier: Apache-2.0
import Storage

extension Diagnosis {
    /// What decides whose ids a sandbox has. Subordinate ids are an ordinary user's affair: for root they are left out.
    var identity: [Finding] {
        if facts.caller.isPrivileged { return [privileges] }
        return [
            privileges, noNewPrivileges, ranges("subuid", facts.identity.uids), ranges("subgid", facts.identity.gids),
            tool("newuidmap", facts.identity.newuidmap), tool("newgidmap", facts.identity.newgidmap),
        ] + (usesSubordinateIDs ? [subordinateMaps] : [])
    }

    private static let singleID =
        "the agent has this user's own id on the host, nobody else exists inside, and --group is refused"

    private var privileges: Finding {
        let caller = facts.caller
        let detail: String
        var cure: String?
        if caller.isPrivileged {
            detail = "root: every sandbox gets 65,536 ids of its own"
        } else if caller.uid != 0 {
            detail = "an ordinary user: \(caller.account), uid \(caller.uid)"
        } else if !caller.isInInitialUserNamespace {
            detail = "root of a user namespace, not of the machine"
            cure = caller.container?.cure ?? "start martinet as the machine's root"
        } else {
            let names = caller.missingCapabilities
            detail = "root without " + names.map { "CAP_\($0)" }.joined(separator: ", ")
            cure =
                caller.container == .docker || caller.container == .podman
                ? "\(caller.container == .docker ? "docker" : "podman") run "
                    + names.map { "--cap-add \($0)" }.joined(separator: " ") + " …"
                : "start martinet with " + names.map { "CAP_\($0)" }.joined(separator: ", ")
        }
        return Finding(
            "privileges", .identity, "caller", cure == nil ? .ok : .degraded, detail,
            effect: Self.singleID, cure: cure, source: "capabilities(7)")
    }

    private var noNewPrivileges: Finding {
        Finding(
            "no-new-privs", .identity, "no_new_privs", facts.caller.hasNoNewPrivileges ? .degraded : .ok,
            facts.caller.hasNoNewPrivileges
                ? "no_new_privs is set on this process" : "may be gained by set-uid programs",
            effect: "newuidmap gains no privilege, so subordinate ids are of no use",
            cure: "start martinet without no_new_privs (systemd: NoNewPrivileges=no; docker: no --security-opt "
                + "no-new-privileges)",
            kernelVersion: "3.5", source: "PR_SET_NO_NEW_PRIVS(2const)")
    }

    /// The launcher uses the longest range, and as much of it as there are ids below 65,536.
    private func ranges(_ file: String, _ ranges: [SubordinateRange]) -> Finding {
        let count = ranges.map(\.count).max() ?? 0
        let state: Finding.State = count == 0 ? .missing : count < 65535 ? .degraded : .ok
        let account = facts.caller.account
        // One command for both.
        let missing = [("subuid", facts.identity.uids), ("subgid", facts.identity.gids)]
            .filter { $0.0 == file || $0.1.isEmpty && count == 0 }.map(\.0)
        let (first, last) = (facts.identity.firstFree, facts.identity.firstFree + 65535)
        return Finding(
            file, .identity, "/etc/\(file)", state,
            count == 0
                ? "no line for \(account)"
                : ranges.map { "\(account):\($0.start):\($0.count)" }.joined(separator: ", "),
            effect: count == 0 ? Self.singleID : "only \(count + 1) ids exist inside",
            cure: facts.distribution.family == .alpine
                ? "echo \(account):\(first):65536 >> /etc/\(file)"
                : "usermod \(missing.map { "--add-\($0)s \(first)-\(last)" }.joined(separator: " ")) \(account)",
            source: "\(file)(5)")
    }

    private func tool(_ name: String, _ tool: IdentityFacts.Tool?) -> Finding {
        guard let tool else {
            return Finding(
                name, .identity, name, .missing, "not installed", effect: Self.singleID,
                cure: facts.distribution.installs(name, debianPackage: "uidmap", otherPackage: "shadow"),
                source: "\(name)(1)")
        }
        return Finding(
            name, .identity, name, tool.gainsPrivileges ? .ok : .missing,
            tool.gainsPrivileges ? tool.path : "\(tool.path) is neither set-uid nor has capabilities",
            effect: "run starts nothing while /etc/subuid and /etc/subgid have a line for \(facts.caller.account)",
            cure: "chown root \(tool.path); chmod u+s \(tool.path)",
            requiredForRun: usesSubordinateIDs, source: "\(name)(1)")
    }

    /// As the launcher decides.
    var usesSubordinateIDs: Bool {
        let identity = facts.identity
        return !identity.uids.isEmpty && !identity.gids.isEmpty && identity.newuidmap != nil
            && identity.newgidmap != nil
    }

    private var subordinateMaps: Finding {
        let attempt = facts[.mapSubordinateIDs]
        let complaint = facts.identity.complaint
        return Finding(
            "subordinate-maps", .identity, "maps of subordinate ids", state(attempt),
            attempt.works ? "works" : complaint ?? attempt.words,
            effect: "run starts nothing",
            cure: facts.caller.container?.cure
                ?? "give \(facts.caller.account) ranges in /etc/subuid and /etc/subgid that newuidmap accepts, or none",
            requiredForRun: true, source: "newuidmap(1)")
    }
}
