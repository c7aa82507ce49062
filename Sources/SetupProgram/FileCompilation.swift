// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

extension ProgramCompiler {
    /// Paths of /proc and /sys that tell about the host or reach it. As Docker's list; those absent are passed over.
    private static let maskedProc = [
        "acpi", "asound", "interrupts", "kcore", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags",
        "latency_stats", "sched_debug", "scsi", "timer_list", "timer_stats",
    ]
    private static let readOnlyProc = ["bus", "fs", "irq", "sys", "sysrq-trigger"]
    private static let maskedSys = ["devices/virtual/powercap", "firmware"]

    mutating func mountKernelFileSystems(_ mounts: PreparedMounts) {
        emit(.attach(mounts.proc, path: "/proc", create: .directory))
        if let sys = mounts.sys {
            emit(.attach(sys, path: "/sys", create: .directory))
            if let cgroup = mounts.cgroup { emit(.attach(cgroup, path: "/sys/fs/cgroup", create: .mustExist)) }
        } else if spec.rootfs == .host {
            emit(.makeDirectory(path: "/sys", mode: 0o555, uid: ownerUID, gid: ownerGID))
        }
        if ownsNetwork {
            // Before /proc/sys turns read-only. Ports from 0 and ICMP echo need no privilege in a network of one's own.
            // Kernels with CVE-2024-42312 keep a sandbox of one id from it: ports below 1,024 are closed there.
            emit(
                .writeControlFile(path: "/proc/sys/net/ipv4/ip_unprivileged_port_start", text: "0", optional: true))
        }
        for name in Self.maskedProc { emit(.mask(path: "/proc/\(name)", optional: true)) }
        for name in Self.readOnlyProc {
            emit(
                .bindOntoItself(
                    path: "/proc/\(name)",
                    set: K.MOUNT_ATTR_RDONLY | K.MOUNT_ATTR_NOSUID | K.MOUNT_ATTR_NODEV | K.MOUNT_ATTR_NOEXEC,
                    clear: 0, optional: true))
        }
        if mounts.sys != nil {
            for name in Self.maskedSys { emit(.mask(path: "/sys/\(name)", optional: true)) }
        }
    }

    mutating func populateFiles() {
        for file in inputs.generated {
            if case .host = inputs.root {
                emit(
                    .writeFile(
                        path: file.path, mode: 0o644, uid: ownerUID, gid: ownerGID, contents: Array(file.contents.utf8))
                )
            } else {
                overlayFile(file)
            }
        }
    }

    /// A generated file over a directory's own: laid over it, so that a persistent upper layer is not written to.
    private mutating func overlayFile(_ file: FileInput) {
        let name = file.path.split(separator: "/").joined(separator: "-")
        let path = "/dev/.generated/\(name)"
        emit(.writeFile(path: path, mode: 0o644, uid: ownerUID, gid: ownerGID, contents: Array(file.contents.utf8)))
        let slot = makeSlot(name)
        emit(.cloneTree(slot, path: path))
        emit(
            .setMountAttributes(
                slot, set: K.MOUNT_ATTR_NOSUID | K.MOUNT_ATTR_NODEV | K.MOUNT_ATTR_NOEXEC, clear: 0, recursive: false))
        emit(.attach(slot, path: file.path, create: .file))
    }

    mutating func userMounts() {
        for mount in orderedUserMounts() {
            switch mount {
            case .tree(let target, let slot, let isDirectory):
                if target == "/workspace", hasGuards { emit(.openGuards(slot)) }
                emit(.attach(slot, path: target, create: isDirectory ? .directory : .file))
            case .tmpfs(let target, let size):
                let slot = makeSlot("tmpfs \(target)")
                emit(
                    .createFileSystem(
                        slot, type: "tmpfs",
                        options: ["mode=0755", "size=\(size)", "nr_inodes=\(tmpfsInodes(size))"]
                            + ["uid=\(inputs.identity.uid)", "gid=\(inputs.identity.gid)"],
                        attributes: K.MOUNT_ATTR_NOSUID | K.MOUNT_ATTR_NODEV))
                emit(.attach(slot, path: target, create: .directory))
            }
        }
        for secret in inputs.secrets where secret.asFile {
            emit(
                .writeFile(
                    path: "/run/secrets/\(secret.name)", mode: 0o400, uid: inputs.identity.uid,
                    gid: inputs.identity.gid, contents: secret.value, secret: true))
        }
    }

    private enum UserMount {
        case tree(target: String, Slot, isDirectory: Bool)
        case tmpfs(target: String, size: UInt64)

        var target: String {
            switch self {
            case .tree(let target, _, _), .tmpfs(let target, _): target
            }
        }
    }

    /// Outer mounts before those inside them, whatever order they were asked in.
    private func orderedUserMounts() -> [UserMount] {
        var mounts: [UserMount] = inputs.binds.compactMap { bind in
            hostSlots[bind.target].map { .tree(target: bind.target, $0, isDirectory: bind.isDirectory) }
        }
        if inputs.workspace != nil, let slot = hostSlots["/workspace"] {
            mounts.append(.tree(target: "/workspace", slot, isDirectory: true))
        }
        mounts += spec.tmpfs.map { .tmpfs(target: $0.target.text, size: $0.size?.bytes ?? Self.defaultTmpfsBytes) }
        func depth(_ path: String) -> Int { path.utf8.count { $0 == UInt8(ascii: "/") } }
        return mounts.enumerated().sorted { a, b in
            (depth(a.element.target), a.offset) < (depth(b.element.target), b.offset)
        }.map(\.element)
    }

    private func tmpfsInodes(_ size: UInt64) -> UInt64 {
        min(Self.inodes(forBytes: size), spec.limits.inodes ?? .max)
    }

    /// Bytes of a `--tmpfs` without a size.
    static let defaultTmpfsBytes: UInt64 = 64 << 20

    private var hasGuards: Bool { !inputs.guards.isEmpty || !inputs.coveredNames.isEmpty }

    /// Guards of the workspace, outer ones first.
    mutating func guards() {
        for path in inputs.coveredNames { emit(.requireMounted(path: path)) }
        let parents = Set(inputs.guards.map { Self.parent(of: $0.path) })
        for step in inputs.guards {
            emit(.guardName(path: step.path, action: step.action, holdsGuards: parents.contains(step.path)))
        }
    }

    private static func parent(of path: String) -> String {
        path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? ""
    }
}
