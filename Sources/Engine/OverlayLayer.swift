// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

extension LaunchPreparation {
    /// Opens the directory that keeps the overlay's changes, before anything is looked up in it: its users may be new ones.
    /// What it may hold is the spec's `disk` and `inodes`.
    static func openOverlay(
        _ spec: SandboxSpec, probe: HostProbe, means: OverlayStore.Means
    ) throws(EngineError) -> OverlayStore? {
        guard let path = spec.overlay else { return nil }
        var limit: DiskLimit? = DiskLimit(bytes: spec.limits.disk?.bytes, inodes: spec.limits.inodes)
        if limit?.isEmpty == true { limit = nil }
        if limit != nil, !probe.isPrivileged {
            guard spec.waive.contains(.limits) else {
                throw EngineError(
                    .unavailable, "overlay: limit what \(path) may hold: a quota, or an image, takes root",
                    hint: "leave --disk and --inodes out; --waive limits runs without them")
            }
            limit = nil
        }
        return try storing { () throws(StorageError) in try OverlayStore.open(path, limit: limit, means: means) }
    }

    /// The kept upper layer as init gets it; the lock is held as long as init lives.
    static func openUpper(
        _ spec: SandboxSpec, _ trees: inout HostTrees, idMap: Int32?, overlay: borrowing OverlayStore?
    ) throws(EngineError) -> TreeSource? {
        guard let path = spec.overlay else { return nil }
        switch overlay {
        // Only to be printed: the directory need not be there yet.
        case .none: return .path(path, device: 0, inode: 0)
        case .some(let store):
            let lock = try launching { () throws(SystemError) in try duplicate(store.lock.rawValue) }
            trees.passLock(lock, name: "overlay lock")
            let attributes: MountAttributes = [.noSetuid, .noDevices]
            switch store.image {
            case .some(let mount):
                let copy = try launching { () throws(SystemError) in try mount.duplicate() }
                return try trees.pass(mount: copy, path: "\(path)/disk.img", attributes: attributes, idMap: idMap)
            case .none:
                return try trees.tree(
                    store.directory, path: path, attributes: attributes, idMap: idMap, recursive: false
                ).source
            }
        }
    }
}

extension Optional<OverlayStore> {
    /// The upper directory, borrowed.
    var upperRaw: Int32? {
        borrowing get {
            switch self {
            case .some(let store): store.upper.rawValue
            case .none: nil
            }
        }
    }

    var isLimited: Bool {
        borrowing get {
            switch self {
            case .some(let store): store.isLimited
            case .none: false
            }
        }
    }
}
