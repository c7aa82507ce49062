// SPDX-License-Identifier: Apache-2.0

extension SandboxSpec {
    /// Checks what no single field shows: that the fields go together. Touches nothing outside.
    public func validate() throws(SpecError) {
        guard let program = command.first, !program.isEmpty else {
            throw SpecError("no program to run; write it after --", path: "command")
        }
        for (index, argument) in command.enumerated() where argument.utf8.contains(0) {
            throw SpecError("an argument holds a NUL byte, which none may", path: "command[\(index)]")
        }
        if overlay != nil, rootfs == .host {
            throw SpecError("the host's root takes no overlay; give --rootfs DIR as well", path: "overlay")
        }
        if limits.swap != nil, limits.memory?.value == nil {
            throw SpecError("swap is limited on top of memory; give --memory as well", path: "limits.swap")
        }
        if let disk = limits.disk, disk.bytes < 1 << 20 {
            throw SpecError("\(disk) is too small; write 1MiB or more", path: "limits.disk")
        }
        if let timeout = limits.timeout, timeout <= .zero {
            throw SpecError("a run takes time; write 10s", path: "limits.timeout")
        }
        if let time = limits.cpuTime, time < .milliseconds(1) {
            throw SpecError("a run takes CPU time; write 2s (1ms or more)", path: "limits.cpu-time")
        }
        if let inodes = limits.inodes, inodes < 256 {
            throw SpecError("the sandbox itself needs some; write 256 or more", path: "limits.inodes")
        }
        if let high = limits.memoryHigh?.value, let memory = limits.memory?.value, high > memory {
            throw SpecError("\(high) is above the memory limit of \(memory); write less", path: "limits.memory-high")
        }
        if limits.output != nil, terminal {
            throw SpecError("a terminal's output is not limited; leave tty or limits.output out", path: "limits.output")
        }
        if limits.output != nil, linger {
            throw SpecError(
                "a sandbox that outlives its launcher has nobody to count its output; leave linger or limits.output out",
                path: "limits.output")
        }
        if audit, linger {
            throw SpecError(
                "the launcher answers for the filter while it reports; without it every call would fail: "
                    + "leave linger or audit out", path: "audit")
        }
        if audit, seccomp == .unconfined {
            throw SpecError("unconfined refuses nothing that could be reported; leave one out", path: "audit")
        }
        if let memory = limits.memory?.value, memory.bytes < 1 << 20 {
            throw SpecError("\(memory) is too small for any program; write 1MiB or more", path: "limits.memory")
        }
        if let pids = limits.pids?.value, pids < 2 {
            throw SpecError("init and the agent are two processes; write 2 or more", path: "limits.pids")
        }
        if terminal, standardInput == .none {
            throw SpecError("a terminal has an input; leave tty or stdin out", path: "stdin")
        }
        for (path, globs) in [("protect", protect), ("hide", hide), ("show", show)]
        where workspace == nil && !globs.isEmpty {
            throw SpecError("there is no workspace to guard; give --workspace DIR as well", path: path)
        }
        try validateJoins()
        try validateMounts()
        if isolation == .landlock { try validateLandlockOnly() }
    }

    /// What cannot be without namespaces, by its field.
    private func validateLandlockOnly() throws(SpecError) {
        let needing: [(Bool, String)] = [
            (rootfs != .host, "rootfs"), (overlay != nil, "overlay"), (readOnly, "read-only"),
            (!tmpfs.isEmpty, "tmpfs"),
            (!devices.isEmpty, "device"), (hostname != nil, "hostname"), (!join.isEmpty, "join"),
            (!timeOffsets.isEmpty, "time-offset"), (!capabilities.isEmpty, "cap"), (limits.disk != nil, "limits.disk"),
            (limits.inodes != nil, "limits.inodes"), (linger, "linger"),
            (secrets.contains { $0.delivery == .file }, "secret-file"),
        ]
        for (isAsked, path) in needing where isAsked {
            throw SpecError("this takes namespaces, which isolation landlock does without; leave one out", path: path)
        }
        if landlock == .off {
            throw SpecError(
                "without Landlock nothing would be left of isolation landlock; leave one out", path: "landlock")
        }
    }

    private func validateJoins() throws(SpecError) {
        var seen: Set<NamespaceJoin.Kind> = []
        for join in join where !seen.insert(join.type).inserted {
            throw SpecError("\(join.type.rawValue) is joined twice", path: "join")
        }
        if network == .host, seen.contains(.network) {
            throw SpecError("the network is the host's and joined as well; leave one out", path: "join.net")
        }
        if hostname != nil, seen.contains(.uts) {
            throw SpecError(
                "a joined UTS namespace has its host name; leave hostname or join.uts out", path: "hostname")
        }
        if seen.contains(.user), !groups.isEmpty || user == nil {
            throw SpecError(
                "in a joined user namespace the agent's user must be given, without groups; write --user UID",
                path: "join.user")
        }
        guard groups.allSatisfy({ $0 <= 65535 }) else {
            throw SpecError("the ids of a sandbox end at 65535; write one from 0 to 65535", path: "group")
        }
        guard groups.count <= 64 else { throw SpecError("at most 64 groups can be given", path: "group") }
    }

    /// Paths that are the sandbox's own file systems.
    private static let reserved = ["/", "/proc", "/sys", "/dev", "/run/secrets"]

    private func validateMounts() throws(SpecError) {
        var targets: Set<String> = workspace == nil ? [] : ["/workspace"]
        func check(_ target: SandboxPath, _ path: String) throws(SpecError) {
            for reserved in Self.reserved {
                if target.text == reserved || (reserved != "/" && target.text.utf8.starts(with: (reserved + "/").utf8))
                {
                    throw SpecError("\(reserved) is the sandbox's own; choose another place than \(target)", path: path)
                }
            }
            guard targets.insert(target.text).inserted else {
                throw SpecError("something is mounted on \(target) already; choose another place", path: path)
            }
        }
        for (index, bind) in binds.enumerated() { try check(bind.target, "bind[\(index)]") }
        for (index, mount) in tmpfs.enumerated() { try check(mount.target, "tmpfs[\(index)]") }
        for (index, device) in devices.enumerated() where device.mayMake {
            throw SpecError(
                "making devices (m) takes CAP_MKNOD over the host, which nobody in a sandbox has; write rw",
                path: "device[\(index)]")
        }
        for (index, device) in devices.enumerated() where !targets.insert(device.target.text).inserted {
            throw SpecError("something is at \(device.target) already; choose another place", path: "device[\(index)]")
        }
        var names: Set<String> = []
        for secret in secrets where !names.insert(secret.name).inserted {
            throw SpecError("\(secret.name) is given twice", path: "secret.\(secret.name)")
        }
        for name in environment where names.contains(name.name) {
            throw SpecError("\(name.name) is a secret as well; leave one out", path: "env.\(name.name)")
        }
    }
}
