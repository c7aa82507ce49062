// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension Diagnosis {
    var namespaces: [Finding] {
        [userNamespaces, appArmor] + otherNamespaces + [idMaps]
    }

    // MARK: User namespaces

    private var userNamespaces: Finding {
        let limit = facts.settings["user.max_user_namespaces"]
        return finding(
            "user-namespaces", .namespaces, "user namespaces", .userNamespace, since: "3.8", requiredForRun: true,
            good: limit.map { "works; user.max_user_namespaces = \($0)" } ?? "works", bad: limitReached("user"),
            effect: "run starts nothing", source: "user_namespaces(7)", cure: userNamespaceCure)
    }

    private func userNamespaceCure(_ errno: Errno) -> String? {
        let caller = facts.caller
        switch errno {
        // Zero forbids them; otherwise all are in use, or 32 are nested.
        case .noSpace: return Self.sysctlCure("user.max_user_namespaces", "15000")
        case .invalid where !facts.namespaceTypes.contains("user"): return "install a kernel with CONFIG_USER_NS=y"
        case .notPermitted, .permissionDenied:
            if facts.settings["kernel.unprivileged_userns_clone"] == "0", caller.uid != 0 {
                return Self.sysctlCure("kernel.unprivileged_userns_clone", "1")
            }
            if isHeldByAppArmor { return nil }
            return caller.isInChroot ? "run it outside of the chroot: clone(2), EPERM" : nil
        default: return nil
        }
    }

    /// Ubuntu 23.10 and later: a user namespace without capabilities, or none, for programs without a profile.
    private var appArmor: Finding {
        let rule = facts.settings[Self.appArmorRule]
        let detail: String
        if rule == nil {
            detail = "this kernel has no such rule"
        } else if rule != "1" {
            detail = "\(Self.appArmorRule) = \(rule ?? "")"
        } else if isHeldByAppArmor {
            detail = "\(Self.appArmorRule) = 1, and no profile lets martinet"
        } else {
            detail = "\(Self.appArmorRule) = 1 does not hold martinet back"
        }
        return Finding(
            "apparmor-userns", .namespaces, "AppArmor's rule", isHeldByAppArmor ? .missing : .ok, detail,
            effect: "run starts nothing: the capabilities in its user namespace are refused",
            cure: Self.appArmorCure(program: facts.caller.program), requiredForRun: true,
            source: "https://ubuntu.com/blog/ubuntu-23-10-restricted-unprivileged-user-namespaces")
    }

    /// A profile that confines nothing and allows user namespaces, as Ubuntu ships for other sandboxes.
    static func appArmorCure(program: String) -> String {
        """
        cat > /etc/apparmor.d/martinet <<'END'
        abi <abi/4.0>,
        include <tunables/global>

        profile martinet \(program) flags=(unconfined) {
          userns,

          include if exists <local/martinet>
        }
        END
        apparmor_parser -r /etc/apparmor.d/martinet
        (or, for every program: \(sysctlCure(appArmorRule, "0")))
        """
    }

    // MARK: The others

    private var otherNamespaces: [Finding] {
        [
            namespace("pid", "PID namespaces", .pidNamespace, "3.8", "PID_NS", "run starts nothing"),
            namespace("mount", "mount namespaces", .unshareMount, "2.4.19", nil, "run starts nothing"),
            namespace("network", "network namespaces", .unshareNetwork, "2.6.29", "NET_NS", "run starts nothing"),
            namespace("uts", "UTS namespaces", .unshareUTS, "2.6.19", "UTS_NS", "run starts nothing"),
            namespace("ipc", "IPC namespaces", .unshareIPC, "2.6.30", "IPC_NS", "run starts nothing"),
            namespace("cgroup", "cgroup namespaces", .unshareCgroup, "4.6", "CGROUPS", "run starts nothing"),
            namespace("time", "time namespaces", .unshareTime, "5.6", "TIME_NS", "--time-offset is refused"),
        ]
    }

    private func namespace(
        _ name: String, _ title: String, _ attempt: AttemptName, _ version: String, _ option: String?, _ effect: String
    ) -> Finding {
        // The kernel's own short names: namespaces(7)
        let short = ["mount": "mnt", "network": "net"][name] ?? name
        return finding(
            "\(name)-namespaces", .namespaces, title, attempt, since: version, requiredForRun: name != "time",
            bad: limitReached(short), effect: effect, source: "\(name)_namespaces(7)"
        ) { errno in
            switch errno {
            case .noSpace: Self.sysctlCure("user.max_\(short)_namespaces", "15000")
            case .invalid: option.map { "install a kernel with CONFIG_\($0)=y" }
            default: nil
            }
        }
    }

    /// Which limit ENOSPC is about. namespaces(7), "The /proc/sys/user directory"
    private func limitReached(_ type: String) -> (Errno) -> String? {
        { errno in
            guard errno == .noSpace else { return nil }
            return facts.settings["user.max_\(type)_namespaces"].map { "user.max_\(type)_namespaces = \($0)" }
        }
    }

    private var idMaps: Finding {
        finding(
            "id-maps", .namespaces, "id maps", facts[.mapIDs].works ? .becomeRoot : .mapIDs, since: "3.8",
            requiredForRun: true,
            effect: "run starts nothing: nobody would exist in its user namespace", source: "user_namespaces(7)"
        ) { errno in
            guard isRefusal(errno), facts.caller.uid == 0, !facts.caller.isPrivileged else { return nil }
            // Since Linux 5.12: file capabilities could be made for the namespace above.
            return
                "give this process CAP_SETFCAP (docker run --cap-add SETFCAP …), or start it as another user than root"
        }
    }
}
