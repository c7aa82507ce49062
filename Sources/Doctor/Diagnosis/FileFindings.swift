// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

extension Diagnosis {
    var files: [Finding] {
        let unified = facts.cgroups.layout?.kind == .v2 ? [mount("cgroup2", .mountCgroup2, nil)] : []
        return [initProgram] + mounts + unified + networkSettings + [newRoot, pivot, overlay, overlayOpaque] + idMapped
            + [stateDirectory, quota, loopDevices]
    }

    private var initProgram: Finding {
        let files = facts.files
        let start = files.initStarts
        return Finding(
            "init", .files, "martinet-init",
            files.initPath == nil ? .missing : state(start),
            files.initPath.map { start.works ? $0 : "\($0): \(start.words)" }
                ?? "not at " + files.initSearched.joined(separator: ", "),
            effect: "run starts nothing",
            cure: files.initPath.map { path in
                "chmod 711 \(path)    (and its file system must not be mounted noexec)"
            } ?? "make install    (puts it in PREFIX/libexec/martinet)",
            requiredForRun: true, source: "docs/init-protocol.md")
    }

    // MARK: File systems of a sandbox

    private var mounts: [Finding] {
        [
            mount("tmpfs", .mountTmpfs, "CONFIG_TMPFS"), mount("proc", .mountProc, nil),
            mount("sysfs", .mountSysfs, nil), mount("devpts", .mountDevpts, "CONFIG_UNIX98_PTYS"),
            mount("mqueue", .mountMqueue, "CONFIG_POSIX_MQUEUE"),
        ]
    }

    private func mount(_ type: String, _ attempt: AttemptName, _ option: String?) -> Finding {
        finding(
            "mount-\(type)", .files, "\(type) in a user namespace", attempt, requiredForRun: true,
            effect: "run starts nothing", source: "user_namespaces(7)"
        ) { errno in
            switch errno {
            case .noDevice: option.map { "install a kernel with \($0)=y" }
            // A new instance would show what mounts on top of the caller's hide. mount_too_revealing() in fs/namespace.c
            case .notPermitted where type == "proc" || type == "sysfs":
                facts.caller.container?.cure
                    ?? "unmount what hides parts of the caller's own: findmnt -R \(type == "proc" ? "/proc" : "/sys")"
            default: nil
            }
        }
    }

    /// Linux 5.3 to 6.10, where not mended: a namespace without an id 0 may not write its own settings. CVE-2024-42312
    private var networkSettings: [Finding] {
        guard !facts.caller.isPrivileged, !usesSubordinateIDs else { return [] }
        return [
            finding(
                "network-settings", .files, "its network's settings", .openSetting, requiredForRun: true,
                good: "can be written", bad: { $0 == .permissionDenied ? "CVE-2024-42312" : nil },
                effect: "run starts nothing for a user without subordinate ids",
                source: "https://nvd.nist.gov/vuln/detail/CVE-2024-42312"
            ) { errno in
                errno == .permissionDenied
                    ? "update the kernel (mended in 6.11, and in stable releases since August 2024), or the cure of subuid and newuidmap"
                    : nil
            }
        ]
    }

    private var newRoot: Finding {
        finding(
            "new-root", .files, "a mount over the root", facts[.makePrivate].works ? .attach : .makePrivate,
            since: facts[.makePrivate].works ? "5.2" : "5.12", requiredForRun: true,
            effect: "run starts nothing", source: "move_mount(2)")
    }

    private var pivot: Finding {
        finding(
            "pivot-root", .files, "pivot_root", .pivotRoot, requiredForRun: true, effect: "run starts nothing",
            source: "pivot_root(2)"
        ) { errno in
            errno == .invalid
                ? "boot with a root file system of its own: the kernel's initial one cannot be pivoted from (switch_root(8))"
                : nil
        }
    }

    private var overlay: Finding {
        finding(
            "overlay", .files, "overlay in a user namespace", .overlay, since: "5.11",
            good: "works, with userxattr", effect: "--rootfs DIR does not work",
            source: "Documentation/filesystems/overlayfs.rst"
        ) { errno in
            errno == .noDevice ? "modprobe overlay; echo overlay > /etc/modules-load.d/overlay.conf" : nil
        }
    }

    /// tmpfs keeps user.* attributes since Linux 6.6.
    private var overlayOpaque: Finding {
        finding(
            "overlay-opaque", .files, "overlay: directory made anew", .overlayOpaque, since: "6.6",
            bad: { _ in facts[.tmpfsXattr].works ? nil : "tmpfs keeps no user attributes" },
            effect: "with --rootfs DIR a directory that was removed cannot be made again (EIO); "
                + "--overlay on a disk helps",
            source: "Documentation/filesystems/overlayfs.rst, \"user.\" xattrs in tmpfs(5)"
        ) { errno in
            errno == .inputOutput
                ? facts.distribution.kernelCure("6.6") + "\n(or: --overlay DIR on ext4, xfs or btrfs)" : nil
        }
    }

    /// Root's alone: nobody else may map a file system's owners.
    private var idMapped: [Finding] {
        guard facts.caller.isPrivileged, !facts.files.idMaps.isEmpty else { return [] }
        let layers = finding(
            "overlay-id-mapped", .files, "overlay of id-mapped layers", .overlayMapped, since: "5.19",
            effect: "--rootfs DIR does not work", source: "mount_setattr(2), NOTES")
        let failed = facts.files.idMaps.filter { !$0.attempt.works }
        let since = failed.contains { $0.fileSystem == "tmpfs" } ? "6.3" : "5.12"
        return [
            Finding(
                "id-mapped-mounts", .files, "id-mapped mounts",
                failed.isEmpty ? .ok : failed.count < facts.files.idMaps.count ? .degraded : .missing,
                facts.files.idMaps.map { map in
                    "\(map.path) (\(map.fileSystem)): \(map.attempt.works ? "works" : map.attempt.words)"
                }.joined(separator: "; "),
                effect: "--workspace, writable --bind and --rootfs are refused for directories there",
                cure: facts.kernel >= KernelRelease(since) && failed.first?.attempt.errno == .invalid
                    ? "keep workspaces on ext4, xfs, btrfs or tmpfs"
                    : failed.first.flatMap { cure(for: $0.attempt, since: since) },
                kernelVersion: since, source: "mount_setattr(2), MOUNT_ATTR_IDMAP"),
            layers,
        ]
    }

    // MARK: What is kept

    private var stateDirectory: Finding {
        let isRoot = facts.caller.isPrivileged || facts.caller.uid == 0
        let effect =
            isRoot
            ? "run starts nothing: no id range can be locked" : "filters are compiled at each start, which takes 3.5 ms"
        func finding(_ state: Finding.State, _ detail: String, _ cure: String?) -> Finding {
            Finding(
                "state-directory", .files, "state directory", state, detail, effect: effect, cure: cure,
                requiredForRun: facts.caller.isPrivileged, source: "docs/architecture.md")
        }
        switch facts.files.state {
        case .usable(let path): return finding(.ok, path, nil)
        case .absent(let path): return finding(.ok, "\(path), made when it is needed", nil)
        case .unusable(let path, let reason):
            return finding(
                isRoot ? .missing : .degraded, "\(path): \(reason)",
                "chown \(facts.caller.uid) \(path); chmod 700 \(path)")
        case .unset(let conventional):
            let uid = facts.caller.uid
            let cure =
                conventional.map { "export XDG_RUNTIME_DIR=\($0)    (as \(facts.caller.account))" }
                ?? (facts.caller.usesSystemd
                    ? "loginctl enable-linger \(facts.caller.account); then, as \(facts.caller.account): "
                        + "export XDG_RUNTIME_DIR=/run/user/\(uid)"
                    : "mkdir -p /run/user; install -d -m 700 -o \(uid) /run/user/\(uid); then, as "
                        + "\(facts.caller.account): export XDG_RUNTIME_DIR=/run/user/\(uid)")
            return finding(.degraded, "XDG_RUNTIME_DIR is not set", cure)
        }
    }

    private var quota: Finding {
        let attempt = facts.files.projectQuota
        let type = facts.files.quotaFileSystem
        let place = facts.files.quotaPath + (type.isEmpty ? "" : " (\(type))")
        let canHave = ["ext4", "xfs", "f2fs"].contains(facts.files.quotaFileSystem)
        return Finding(
            "disk-quota", .files, "project quotas", state(attempt) == .missing ? .degraded : state(attempt),
            "\(place): \(attempt.works ? "on" : attempt.errno == .noProcess ? "off" : attempt.words)",
            effect: "no quota of that disk holds what is written to --overlay, a workspace or a bind",
            cure: attempt.errno == .noSystemCall && facts.kernel < KernelRelease("5.14")
                ? facts.distribution.kernelCure("5.14")
                : canHave ? projectQuotaCure : "keep such directories on ext4 or xfs with project quotas",
            kernelVersion: "5.14", source: "quotactl(2)")
    }

    private var projectQuotaCure: String {
        facts.files.quotaFileSystem == "xfs"
            ? "add prjquota to its options in /etc/fstab (for /: rootflags=prjquota at boot); mount anew"
            : "unmounted: tune2fs -O project,quota -Q prjquota DEVICE; then add prjquota to its options in /etc/fstab"
    }

    private var loopDevices: Finding {
        Finding(
            "loop-devices", .files, "loop devices", facts.files.hasLoopControl ? .ok : .degraded,
            facts.files.hasLoopControl ? "/dev/loop-control" : "no /dev/loop-control",
            effect: "file systems in a file of fixed size cannot be mounted", cure: "modprobe loop", source: "loop(4)")
    }
}
