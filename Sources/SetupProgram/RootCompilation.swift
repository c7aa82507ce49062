// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

/// The mounts that are made before the old root goes away: /proc and /sys may be mounted only while the host's are in
/// sight, and trees of the host's can be copied only from its paths.
struct PreparedMounts {
    var scratch: Slot
    var proc: Slot
    var sys: Slot?
    var cgroup: Slot?
    var terminals: Slot
    /// `nil` in a joined IPC namespace, whose queues only its owner may mount. mq_overview(7)
    var messageQueues: Slot?
    var trees: [String: Slot] = [:]
}

typealias K = KernelConstant

extension ProgramCompiler {
    private static let quiet = K.MOUNT_ATTR_NOSUID | K.MOUNT_ATTR_NODEV
    private static let inert = quiet | K.MOUNT_ATTR_NOEXEC

    /// Bytes of the in-memory layer where the spec does not say.
    static let defaultDiskBytes: UInt64 = 1 << 30

    /// One for 4 KiB, which few trees have more of, and enough for the sandbox itself.
    static func inodes(forBytes bytes: UInt64) -> UInt64 { max(1024, bytes / 4096) }

    mutating func makeMounts() -> PreparedMounts {
        let scratch = makeSlot("scratch")
        // One in-memory file system holds everything writable, so that one size and one inode count limit it all. A layer
        // that is kept has the limits for itself, and they are hardly meant as memory.
        let asked = spec.limits.disk?.bytes ?? Self.defaultDiskBytes
        let bytes = spec.overlay == nil ? asked : min(asked, Self.defaultDiskBytes)
        let inodes = spec.limits.inodes ?? Self.inodes(forBytes: bytes)
        emit(
            .createFileSystem(
                scratch, type: "tmpfs", options: ["mode=0755", "size=\(bytes)", "nr_inodes=\(inodes)"],
                attributes: Self.quiet))
        let proc = makeSlot("proc")
        emit(.createFileSystem(proc, type: "proc", options: [], attributes: Self.inert))
        var prepared = PreparedMounts(
            scratch: scratch, proc: proc, terminals: makeSlot("devpts"),
            messageQueues: spec.join.contains { $0.type == .ipc } ? nil : makeSlot("mqueue"))
        if ownsNetwork {
            let sys = makeSlot("sys")
            emit(.createFileSystem(sys, type: "sysfs", options: [], attributes: Self.inert | K.MOUNT_ATTR_RDONLY))
            prepared.sys = sys
            if host.unifiedCgroups {
                let cgroup = makeSlot("cgroup")
                emit(
                    .createFileSystem(
                        cgroup, type: "cgroup2", options: [], attributes: Self.inert | K.MOUNT_ATTR_RDONLY))
                prepared.cgroup = cgroup
            }
        }
        // gid 5 is "tty" everywhere; a single-id map does not have it.
        let group = host.mapsRange ? ["gid=5"] : []
        emit(
            .createFileSystem(
                prepared.terminals, type: "devpts", options: ["newinstance", "ptmxmode=0666", "mode=0620"] + group,
                attributes: K.MOUNT_ATTR_NOSUID | K.MOUNT_ATTR_NOEXEC))
        if let queues = prepared.messageQueues {
            emit(.createFileSystem(queues, type: "mqueue", options: [], attributes: Self.inert))
        }
        copyHostTrees(&prepared)
        return prepared
    }

    private mutating func copyHostTrees(_ prepared: inout PreparedMounts) {
        if case .host(let trees, _) = inputs.root {
            for tree in trees { prepared.trees[tree.target] = copy(tree, attributes: Self.quiet) }
        }
        for device in inputs.devices {
            prepared.trees[device.target] = copy(device, attributes: K.MOUNT_ATTR_NOSUID | K.MOUNT_ATTR_NOEXEC)
        }
        for device in inputs.namedDevices {
            guard case .bound(let source) = device.source else { continue }
            prepared.trees[device.target] = copy(
                source, attributes: K.MOUNT_ATTR_NOSUID | K.MOUNT_ATTR_NOEXEC, recursive: false)
        }
        for bind in inputs.binds { prepared.trees[bind.target] = copy(bind, attributes: Self.quiet) }
        if let workspace = inputs.workspace {
            let tree = TreeInput(source: workspace, target: "/workspace", isDirectory: true, readOnly: false)
            prepared.trees["/workspace"] = copy(tree, attributes: Self.quiet)
        }
        hostSlots = prepared.trees
    }

    /// Brings a host tree into a slot, with the attributes it is to have: a copy of the host's making has them already.
    private mutating func copy(_ tree: TreeInput, attributes: UInt64) -> Slot {
        copy(tree.source, attributes: attributes | (tree.readOnly ? K.MOUNT_ATTR_RDONLY : 0), recursive: true)
    }

    private mutating func copy(_ source: TreeSource, attributes: UInt64, recursive: Bool) -> Slot {
        let slot = slot(of: source, recursive: recursive)
        if case .path = source {
            emit(.setMountAttributes(slot, set: attributes, clear: 0, recursive: recursive))
        }
        return slot
    }

    private mutating func slot(of source: TreeSource, recursive: Bool) -> Slot {
        switch source {
        case .descriptor(let slot): return slot
        case .path(let path, let device, let inode):
            let slot = makeSlot(path)
            emit(.cloneHostTree(slot, path: path, device: device, inode: inode, recursive: recursive))
            return slot
        }
    }

    mutating func buildRoot(_ mounts: PreparedMounts) {
        switch inputs.root {
        case .host(let trees, let symlinks):
            emit(.attachRoot(mounts.scratch))
            emit(.pivotRoot)
            emit(.detachOldRoot)
            for tree in trees {
                guard let slot = mounts.trees[tree.target] else { continue }
                emit(.attach(slot, path: tree.target, create: tree.isDirectory ? .directory : .file))
            }
            for link in symlinks { emit(.makeSymlink(path: link.path, target: link.target)) }
        case .directory(let lower, let upper):
            buildOverlay(lower: lower, upper: upper, scratch: mounts.scratch)
        }
    }

    private mutating func buildOverlay(lower: TreeSource, upper: TreeSource?, scratch: Slot) {
        let lowerSlot = copy(lower, attributes: Self.quiet | K.MOUNT_ATTR_RDONLY, recursive: true)
        let upperSlot = upper.map { copy($0, attributes: Self.quiet, recursive: false) }
        emit(.attachRoot(scratch))
        // Layers are attached first and then named by path: overlay does not take detached trees. (DESIGN, section 5)
        emit(.attach(lowerSlot, path: "lower", create: .directory))
        if let upperSlot {
            emit(.attach(upperSlot, path: "state", create: .directory))
            // Now, while it has a path. Its file system is measured only where its limit is this sandbox's.
            if inputs.limitsOverlay { emit(.watchDisk(path: "state/upper")) }
        } else {
            emit(.makeDirectory(path: "state/upper", mode: 0o755, uid: ownerUID, gid: ownerGID))
            emit(.makeDirectory(path: "state/work", mode: 0o700, uid: ownerUID, gid: ownerGID))
        }
        let overlay = makeSlot("overlay")
        emit(
            .createFileSystem(
                overlay, type: "overlay",
                options: ["lowerdir=lower", "upperdir=state/upper", "workdir=state/work", "userxattr"],
                attributes: Self.quiet))
        // The mount above took of the room that was kept for it; it is filled again before the agent can take the rest.
        if inputs.limitsOverlay { emit(.keepRoom(path: "state/reserve", count: 16)) }
        for (name, mode) in Self.scratchDirectories {
            emit(.makeDirectory(path: name, mode: mode, uid: ownerUID, gid: ownerGID))
            let slot = makeSlot(name)
            emit(.cloneTree(slot, path: name))
            scratchSlots[name] = slot
        }
        emit(.attach(overlay, path: "root", create: .directory))
        emit(.enterRoot(path: "root"))
        emit(.pivotRoot)
        emit(.detachOldRoot)
    }

    /// Directories that are in memory also under an overlay.
    private static let scratchDirectories: [(String, UInt32)] = [
        ("dev", 0o755), ("shm", 0o1777), ("tmp", 0o1777), ("run", 0o755),
    ]

    mutating func populateDevices(_ mounts: PreparedMounts) {
        if let dev = scratchSlots["dev"] {
            emit(.attach(dev, path: "/dev", create: .directory))
        } else {
            emit(.makeDirectory(path: "/dev", mode: 0o755, uid: ownerUID, gid: ownerGID))
        }
        for device in inputs.devices {
            guard let slot = mounts.trees[device.target] else { continue }
            emit(.attach(slot, path: device.target, create: .file))
        }
        addNamedDevices()
        // Where devpts will cover them: their names stay, because nothing can be mounted that has none, and guards are
        // mounted as long as the sandbox lives.
        emit(.makeMask(path: "/dev/pts"))
        emit(.attach(mounts.terminals, path: "/dev/pts", create: .directory))
        if let queues = mounts.messageQueues { emit(.attach(queues, path: "/dev/mqueue", create: .directory)) }
        for (path, target) in [
            ("/dev/ptmx", "pts/ptmx"), ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"),
            ("/dev/stdout", "/proc/self/fd/1"), ("/dev/stderr", "/proc/self/fd/2"),
        ] { emit(.makeSymlink(path: path, target: target)) }
        if let shm = scratchSlots["shm"] {
            emit(.attach(shm, path: "/dev/shm", create: .directory))
        } else {
            writable("/dev/shm", mode: 0o1777, uid: ownerUID, gid: ownerGID, attributes: Self.inert)
        }
    }

    /// A directory of the scratch root that stays writable when the root is made read-only.
    private mutating func writable(_ path: String, mode: UInt32, uid: UInt32, gid: UInt32, attributes: UInt64) {
        emit(.makeDirectory(path: path, mode: mode, uid: uid, gid: gid))
        emit(.bindOntoItself(path: path, set: attributes, clear: 0, optional: false))
    }

    mutating func mountWritable(_ mounts: PreparedMounts) {
        let identity = inputs.identity
        if case .host = inputs.root {
            writable("/tmp", mode: 0o1777, uid: ownerUID, gid: ownerGID, attributes: Self.quiet)
            writable(identity.home, mode: 0o700, uid: identity.uid, gid: identity.gid, attributes: Self.quiet)
            emit(.makeDirectory(path: "/run", mode: 0o755, uid: ownerUID, gid: ownerGID))
            emit(.makeSymlink(path: "/var/tmp", target: "/tmp"))
            if inputs.workspace == nil {
                writable("/workspace", mode: 0o755, uid: identity.uid, gid: identity.gid, attributes: Self.quiet)
            }
        } else {
            if let tmp = scratchSlots["tmp"] { emit(.attach(tmp, path: "/tmp", create: .directory)) }
            if let run = scratchSlots["run"] { emit(.attach(run, path: "/run", create: .directory)) }
        }
    }

    /// A directory's /dev or /proc may be a symlink to where something else was mounted since: then they are covered, and
    /// the agent would run without them, or with somebody's files in their place.
    mutating func checkPlaces() {
        guard case .directory = inputs.root else { return }
        emit(.requireFileSystem(path: "/proc", magic: K.PROC_SUPER_MAGIC))
        emit(.requireFileSystem(path: "/dev/pts", magic: K.DEVPTS_SUPER_MAGIC))
    }

    mutating func finishRoot() {
        if !isRootWritable {
            emit(.setRootAttributes(set: K.MOUNT_ATTR_RDONLY, clear: 0))
            // Over an overlay a mount of its own; devices, terminals, shm and mqueue below it are others. /tmp and /run stay.
            if scratchSlots["dev"] != nil {
                emit(.setAttributesAt(path: "/dev", set: K.MOUNT_ATTR_RDONLY, clear: 0))
            }
        }
    }
}
