// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SetupProgram

/// Opens what the sandbox shows of the host, once, and hands it on by descriptor.
struct HostTrees: ~Copyable {
    let probe: HostProbe
    /// What is passed to init, in slot order.
    var descriptors = DescriptorTable()
    var names: [Slot: String] = [:]
    /// Handles on what init copies by path: a file system without numbers of its own may give a file's number to another as
    /// soon as nobody has it open, and init compares numbers.
    private var held = DescriptorTable()
    /// Slots of locks, which init is to hold.
    private(set) var locks: [Slot] = []

    init(probe: HostProbe) { self.probe = probe }

    /// Takes a descriptor that is not a tree.
    mutating func pass(_ descriptor: consuming Descriptor, name: String) -> Slot {
        let slot = Slot(UInt32(descriptors.append(descriptor)))
        names[slot] = name
        return slot
    }

    /// Takes a lock that init holds as long as it lives: the launcher may be gone before.
    mutating func passLock(_ descriptor: consuming Descriptor, name: String) {
        locks.append(pass(descriptor, name: name))
    }

    /// What a path is shown through: a detached, private copy of its mounts, or the path and what is there.
    ///
    /// - Parameter idMap: a user namespace whose maps are laid over the owners; privileged only.
    mutating func open(
        _ path: String, attributes: MountAttributes, idMap: Int32? = nil, recursive: Bool = true
    ) throws(EngineError) -> (source: TreeSource, status: FileStatus) {
        let handle = try launching(hint: "the path is looked up on the host, relative to the working directory") {
            () throws(SystemError) in
            try LinuxKernel.open(path, .pathOnly, at: .workingDirectory, resolving: .noMagicLinks)
        }
        return try tree(handle, path: path, attributes: attributes, idMap: idMap, recursive: recursive)
    }

    /// The same for a handle that is open already.
    mutating func tree(
        _ handle: borrowing Descriptor, path: String, attributes: MountAttributes, idMap: Int32? = nil,
        recursive: Bool = true
    ) throws(EngineError) -> (source: TreeSource, status: FileStatus) {
        let found = try launching { () throws(SystemError) in try status(of: handle) }
        guard probe.isPrivileged else {
            let absolute = try launching { () throws(SystemError) in
                try readSymlink("/proc/self/fd/\(handle.rawValue)")
            }
            held.append(try launching { () throws(SystemError) in try handle.duplicate() })
            return (.path(absolute, device: found.device, inode: found.inode), found)
        }
        let tree = try launching { () throws(SystemError) in try cloneTree(handle, recursive: recursive) }
        do throws(SystemError) {
            // Private before anything else: a copy of a shared mount would carry mounts made inside back to the host.
            try setMountAttributes(tree, set: attributes, idMap: idMap, recursive: recursive, makingPrivate: true)
        } catch {
            throw EngineError(
                .unavailable, "id-map \(path): \(error.errno)",
                hint: error.errno == .invalid
                    ? "its file system cannot be id-mapped; copy it to ext4, xfs or btrfs; tmpfs since Linux 6.3" : nil)
        }
        return (.descriptor(pass(tree, name: Self.name(path, attributes, isMapped: idMap != nil))), found)
    }

    /// A mount that was made for this sandbox alone, and is attached nowhere yet.
    mutating func pass(
        mount: consuming Descriptor, path: String, attributes: MountAttributes, idMap: Int32?
    ) throws(EngineError) -> TreeSource {
        do throws(SystemError) {
            try setMountAttributes(mount, set: attributes, idMap: idMap, makingPrivate: true)
        } catch { throw EngineError(.unavailable, "id-map \(path): \(error.errno)") }
        return .descriptor(pass(mount, name: Self.name(path, attributes, isMapped: idMap != nil)))
    }

    /// The same for trees that are shown whole to everybody, as programs and devices: never id-mapped, and absent is `nil`.
    mutating func openIfThere(_ path: String, attributes: MountAttributes) throws(EngineError) -> TreeSource? {
        do throws(SystemError) {
            let handle = try LinuxKernel.open(path, .pathOnly)
            return try treeOrThrow(handle, path: path, attributes: attributes)
        } catch where error.errno == .noEntry {
            return nil
        } catch { throw EngineError(error) }
    }

    private mutating func treeOrThrow(
        _ handle: borrowing Descriptor, path: String, attributes: MountAttributes
    ) throws(SystemError) -> TreeSource {
        guard probe.isPrivileged else {
            let found = try status(of: handle)
            held.append(try handle.duplicate())
            return .path(path, device: found.device, inode: found.inode)
        }
        let tree = try cloneTree(handle, recursive: true)
        try setMountAttributes(tree, set: attributes, recursive: true, makingPrivate: true)
        return .descriptor(pass(tree, name: Self.name(path, attributes, isMapped: false)))
    }

    /// The handles that must stay open until init has copied what they are on.
    mutating func takeHeld() -> DescriptorTable {
        var table = DescriptorTable()
        swap(&table, &held)
        return table
    }

    private static func name(_ path: String, _ attributes: MountAttributes, isMapped: Bool) -> String {
        let words: [(MountAttributes, String)] = [
            (.readOnly, "ro"), (.noSetuid, "nosuid"), (.noDevices, "nodev"), (.noExecute, "noexec"),
        ]
        let set = words.filter { attributes.contains($0.0) }.map(\.1) + (isMapped ? ["id-mapped"] : [])
        return "\(path) \(set.joined(separator: ","))"
    }
}
