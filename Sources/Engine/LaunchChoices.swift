// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

extension Launcher {
    /// Whether a range of ids will be mapped, known before the range is: root's always is.
    func mapsRange(_ spec: SandboxSpec, _ probe: HostProbe) throws(EngineError) -> Bool {
        if probe.isPrivileged || spec.join.contains(where: { $0.type == .user }) { return true }
        return try subordinateMapping(probe: probe, identity: try LaunchPreparation.identity(spec)) != nil
    }

    /// A range of ids of the sandbox's own, which only root can give it.
    func ownRange(_ spec: SandboxSpec, probe: HostProbe) throws(EngineError) -> IdentityRange? {
        guard probe.isPrivileged, spec.isolation == .namespaces, !spec.join.contains(where: { $0.type == .user })
        else { return nil }
        return try storing { () throws(StorageError) in
            try IdentityPool(directory: options.stateDirectory).allocate()
        }
    }

    /// Which ids the sandbox's are, by who starts it and what it joins.
    func identityMapping(
        _ spec: SandboxSpec, probe: HostProbe, identity: AgentIdentity, range: consuming IdentityRange?
    ) throws(EngineError) -> IdentityMapping {
        if spec.join.contains(where: { $0.type == .user }) { return IdentityMapping(kind: .joined, lock: nil) }
        if let range = range.take() {
            let base = range.base
            return IdentityMapping(kind: .ownRange(base: base), lock: range.intoLock())
        }
        if let kind = try subordinateMapping(probe: probe, identity: identity) {
            return IdentityMapping(kind: kind, lock: nil)
        }
        guard identity.groups.isEmpty else {
            throw EngineError(
                .unavailable, "group: supplementary groups take a range of ids, and this user has a single one",
                hint: "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER; apt-get install uidmap")
        }
        return IdentityMapping(kind: .single, lock: nil)
    }

    /// The user's ranges of /etc/subuid and /etc/subgid; `nil` where there are none, or not the tools to use them.
    private func subordinateMapping(
        probe: HostProbe, identity: AgentIdentity
    ) throws(EngineError) -> IdentityMapping.Kind? {
        guard MapTools.path(of: "newuidmap") != nil, MapTools.path(of: "newgidmap") != nil else { return nil }
        let ranges = try storing { () throws(StorageError) in try SubordinateIDs.load(uid: probe.uid) }
        guard let uids = ranges.uids.max(by: { $0.count < $1.count }), uids.count >= 1,
            let gids = ranges.gids.max(by: { $0.count < $1.count }), gids.count >= 1
        else { return nil }
        return .subordinate(
            uids: IDMapLine.map(
                agent: identity.uid, own: probe.uid, rangeStart: uids.start, rangeCount: uids.count),
            gids: IDMapLine.map(
                agent: identity.gid, own: probe.gid, rangeStart: gids.start, rangeCount: gids.count))
    }

    /// Opens the namespaces to join, and checks that they are of the type they were named as. ioctl_ns(2)
    func openJoins(_ spec: SandboxSpec) throws(EngineError) -> DescriptorTable {
        var table = DescriptorTable()
        for join in spec.join {
            let file: Descriptor
            do throws(SystemError) { file = try open(join.path) } catch {
                throw EngineError(.invalidSpec, "join.\(join.type.rawValue): \(error)")
            }
            let type = mt_syscall(Int(SYS_ioctl), Int(file.rawValue), 0xb703 /* NS_GET_NSTYPE */, 0, 0, 0, 0)
            guard type == Int(join.type.cloneFlag) else {
                throw EngineError(
                    .invalidSpec, "join.\(join.type.rawValue): \(join.path) is not a \(join.type.rawValue) namespace",
                    hint: "write a path such as /proc/PID/ns/\(join.type.rawValue)")
            }
            table.append(file)
        }
        return table
    }

    /// Clones init with the namespaces that are not joined or the host's.
    func cloneInit(
        _ spec: SandboxSpec, probe: HostProbe, mapsRange: Bool, joins: borrowing DescriptorTable, cgroup: Int32?,
        owner: UInt32?
    ) throws(EngineError) -> InitProcess {
        let joined = spec.join.reduce(UInt64(0)) { $0 | $1.type.cloneFlag }
        var unshared =
            KernelConstant.CLONE_NEWNS | KernelConstant.CLONE_NEWNET | KernelConstant.CLONE_NEWUTS
            | KernelConstant.CLONE_NEWIPC
        if spec.network == .host { unshared &= ~KernelConstant.CLONE_NEWNET }
        let cloned = KernelConstant.CLONE_NEWUSER | KernelConstant.CLONE_NEWPID
        return try InitProcess(
            InitProcess.Request(
                cloneFlags: cloned & ~joined, unshareFlags: unshared & ~joined, mapsRange: mapsRange,
                clearsGroups: mapsRange && cloned & ~joined == cloned, lastCapability: probe.lastCapability,
                owner: owner, cgroup: cgroup, fault: options.fault),
            joining: joins)
    }

    /// Whether layers are id-mapped by the sandbox's own namespace: root's, with files under an overlay.
    func needsLayerMap(_ spec: SandboxSpec, _ mapping: borrowing IdentityMapping) -> Bool {
        spec.rootfs != .host && mapping.hostUID(of: 0) != nil
    }
}

extension NamespaceJoin.Kind {
    var cloneFlag: UInt64 {
        switch self {
        case .network: KernelConstant.CLONE_NEWNET
        case .ipc: KernelConstant.CLONE_NEWIPC
        case .uts: KernelConstant.CLONE_NEWUTS
        case .cgroup: KernelConstant.CLONE_NEWCGROUP
        case .user: KernelConstant.CLONE_NEWUSER
        }
    }
}
