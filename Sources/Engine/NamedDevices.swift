// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import SetupProgram

/// The devices of the host that a spec names, opened once, and each given to the sandbox with the access asked for.
///
/// What a device node lets whom do is its owner's and mode's business, and a read-only mount is no obstacle to writing to a
/// device. So root makes nodes of its own, on a file system that only this sandbox is shown: they belong to the host's root,
/// whom nobody inside is or has capabilities over, and their mode says to all others what was asked for. An ordinary user
/// can make none: there the host's own node is shown, and what it lets the user do must be what was asked for.
struct NamedDevices: ~Copyable {
    private(set) var inputs: [DeviceInput] = []
    private(set) var nodes: Slot?

    /// - Parameter mapping: whether the agent keeps the user's supplementary groups: with a single id alone.
    init(_ spec: SandboxSpec, _ trees: inout HostTrees, mapping: borrowing IdentityMapping) throws(EngineError) {
        guard !spec.devices.isEmpty else { return }
        let requests = spec.devices.enumerated().map { Request($0.element, field: "device[\($0.offset)]") }
        guard trees.probe.isPrivileged else {
            for request in requests {
                let handle = try request.open()
                try request.requireExactAccess(handle, trees.probe, keepsGroups: mapping.kind == .single)
                let source = try trees.tree(
                    handle, path: request.device.path, attributes: [.noSetuid, .noExecute], recursive: false
                ).source
                inputs.append(DeviceInput(source: .bound(source), target: request.device.target.text))
            }
            return
        }
        let directory = try Self.makeDirectory(count: requests.count)
        for (index, request) in requests.enumerated() {
            try request.makeNode("\(index)", try request.open(), in: directory)
            inputs.append(DeviceInput(source: .made("\(index)"), target: request.device.target.text))
        }
        // Of no consequence for opening them, but nobody changes a mode, an owner or a time then.
        try launching { () throws(SystemError) in
            try setMountAttributes(directory, set: .readOnly, makingPrivate: true)
        }
        nodes = trees.pass(
            directory, name: "nodes of \(spec.devices.map { "\($0.path) \($0.access)" }.joined(separator: ", "))")
    }

    /// Owned by the initial user namespace: elsewhere the kernel opens no device. Full once the nodes are there.
    private static func makeDirectory(count: Int) throws(EngineError) -> Descriptor {
        try launching { () throws(SystemError) in
            try makeFileSystem(
                "tmpfs", options: ["mode=0755", "size=4096", "nr_inodes=\(count + 1)"],
                attributes: [.noSetuid, .noExecute])
        }
    }
}

extension NamedDevices {
    /// One device, and how errors name it.
    private struct Request {
        let device: DeviceMount
        let field: String

        init(_ device: DeviceMount, field: String) {
            self.device = device
            self.field = field
        }

        /// Follows symlinks, as those of /dev/disk/by-id, here and now: what the sandbox gets is the device.
        func open() throws(EngineError) -> Descriptor {
            do throws(SystemError) {
                return try LinuxKernel.open(
                    device.path, .pathOnly, at: .workingDirectory, resolving: .noMagicLinks)
            } catch { throw EngineError(.invalidSpec, "\(field): \(error)") }
        }

        private func requireDevice(_ handle: borrowing Descriptor) throws(EngineError) -> FileStatus {
            let found = try launching { () throws(SystemError) in try status(of: handle) }
            guard found.kind == .characterDevice || found.kind == .blockDevice else {
                throw EngineError(
                    .invalidSpec, "\(field): \(device.path) is not a device", hint: "--bind shows files and directories"
                )
            }
            return found
        }

        func makeNode(
            _ name: String, _ handle: borrowing Descriptor, in directory: borrowing Descriptor
        ) throws(EngineError) {
            let found = try requireDevice(handle)
            let mode: UInt32 = (device.mayRead ? 0o444 : 0) | (device.mayWrite ? 0o222 : 0)
            do throws(SystemError) {
                try makeDevice(name, found.kind, device: found.specialDevice, mode: mode, in: directory)
            } catch {
                throw EngineError(
                    .unavailable, "\(field): make a node for \(device.path): \(error.errno)",
                    hint: error.errno == .notPermitted
                        ? "this takes CAP_MKNOD, and a device cgroup that allows to make it (as with --device in Docker)"
                        : nil)
            }
        }

        /// What the host's own node lets this user do must be what was asked for: not less, or the agent could not open
        /// it, and not more, which nothing here would hold back.
        func requireExactAccess(
            _ handle: borrowing Descriptor, _ probe: HostProbe, keepsGroups: Bool
        ) throws(EngineError) {
            let found = try requireDevice(handle)
            let path = "/proc/self/fd/\(handle.rawValue)"
            let facts = "mode \(String(found.permissions, radix: 8)), owner \(found.uid):\(found.gid)"
            for (mode, word, isAsked) in [
                (AccessModes.read, "reading", device.mayRead), (.write, "writing", device.mayWrite),
            ] {
                let isAllowed = mayAccess(path, mode)
                if isAsked, !isAllowed {
                    throw EngineError(
                        .unavailable, "\(field): \(device.path) may not be opened for \(word) by this user (\(facts))",
                        hint: "let this user open it (setfacl -m u:\(probe.uid):rw \(device.path)), or run as root")
                }
                if !isAsked, isAllowed {
                    throw EngineError(
                        .unavailable,
                        "\(field): \(device.path) is open for \(word) too, which only root can keep from a sandbox",
                        hint: "write \(device.path):rw, or run as root")
                }
            }
            if keepsGroups || found.uid == probe.uid || found.gid == probe.gid { return }
            let others = (device.mayRead ? 0o4 : 0) | (device.mayWrite ? 0o2 : 0) as UInt32
            if found.permissions & others == others { return }
            // Then it is an access list that lets the user in, or a group that a sandbox with subordinate ids is not in.
            let hasList = try launching { () throws(SystemError) in try hasAttribute("system.posix_acl_access", path) }
            if hasList { return }
            throw EngineError(
                .unavailable,
                "\(field): \(device.path) is open to this user through a group (\(facts)), which the agent is not in",
                hint: "let the user itself open it: setfacl -m u:\(probe.uid):rw \(device.path)")
        }
    }
}
