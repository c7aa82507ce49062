// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Storage

/// Finds out who asks. Reads only.
enum CallerProbe {
    static func caller(program: String, environment: [String: String]) -> Caller {
        let uid = effectiveUID()
        let passwd = text("/etc/passwd").map(PasswdFile.init(text:))
        let status = text("/proc/self/status") ?? ""
        return Caller(
            uid: uid, gid: effectiveGID(), name: passwd?.user(withID: uid)?.name,
            capabilities: (try? effectiveCapabilities()) ?? 0,
            isInInitialUserNamespace: isInitial(text("/proc/self/uid_map") ?? ""),
            hasNoNewPrivileges: field("NoNewPrivs", status) == "1", isFiltered: field("Seccomp", status) == "2",
            container: container(environment), isInChroot: isChroot(text("/proc/self/mountinfo") ?? "5 4 0:1 / / "),
            usesSystemd: mayAccess("/run/systemd/system", []), program: program)
    }

    /// A small text file; `nil` where it cannot be read, for whatever reason.
    static func text(_ path: String) -> String? {
        (try? readText(path, limit: 16 << 20)) ?? nil
    }

    /// The value after `NAME:` in a file like /proc/PID/status. proc_pid_status(5)
    static func field(_ name: String, _ text: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            .map { String($0.dropFirst(name.count + 1).drop { $0 == "\t" || $0 == " " }) }
    }

    /// Only the first user namespace maps every id to itself. user_namespaces(7)
    static func isInitial(_ map: String) -> Bool {
        map.split(whereSeparator: { $0 == " " || $0 == "\n" }) == ["0", "0", "4294967295"]
    }

    /// Whether no mount is at /, where a process that was not moved into a directory finds its root. proc_pid_mountinfo(5)
    static func isChroot(_ mountinfo: String) -> Bool {
        !mountinfo.split(separator: "\n").contains { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            return fields.count == 6 && fields[4] == "/"
        }
    }

    /// Whether this process is in the namespaces that the kernel began with, whose numbers never change: PROC_PID_INIT_INO
    /// and its like. include/linux/proc_ns.h
    private static var isMachine: Bool {
        [("pid", 4_026_531_836), ("uts", 4_026_531_838), ("ipc", 4_026_531_839)].allSatisfy { name, number in
            (try? readSymlink("/proc/self/ns/\(name)")) == "\(name):[\(number)]"
        }
    }

    /// By the marks that container managers leave: systemd.io/CONTAINER_INTERFACE, and Docker's own.
    private static func container(_ environment: [String: String]) -> Caller.Container? {
        // Machines are made of container images too, marks and all.
        if isMachine { return nil }
        if environment["KUBERNETES_SERVICE_HOST"] != nil { return .kubernetes }
        if mayAccess("/.dockerenv", []) { return .docker }
        if mayAccess("/run/.containerenv", []) { return .podman }
        let name = text("/run/systemd/container")?.split(separator: "\n").first.map(String.init)
        return (name ?? environment["container"]).flatMap { $0.isEmpty ? nil : Caller.Container($0) }
    }
}
