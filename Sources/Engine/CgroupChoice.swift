// SPDX-License-Identifier: Apache-2.0
import Cgroups
import LinuxKernel
import SandboxSpec

/// The cgroups a sandbox gets, and what they hold.
struct CgroupChoice: Sendable {
    var plan: CgroupPlan
    /// Whether a pids cgroup holds the limit of processes; RLIMIT_NPROC does otherwise.
    var holdsProcesses: Bool
    var isUnified: Bool
    /// Whether the sandbox may start without: limits are waived, or none was asked for.
    var mayBeMissing = false

    /// Whether /sys/fs/cgroup is a pure v2 hierarchy: one look, where a whole layout takes reading three files.
    static var isUnified: Bool { mayAccess("/sys/fs/cgroup/cgroup.controllers", .read) }
}

extension Launcher {
    /// The cgroups for what was asked for. A limit that cannot be held is an error, unless limits are waived; the default
    /// limit of processes falls back to RLIMIT_NPROC, which the kernel counts by user namespace. What is only to be counted,
    /// for a report, is left out where it cannot be.
    func cgroupPlan(_ spec: SandboxSpec, probe: HostProbe) throws(EngineError) -> CgroupChoice {
        var limits: CgroupLimits
        do throws(CgroupError) { limits = try CgroupLimits(spec.limits) } catch { throw EngineError(error) }
        let asked = limits != CgroupLimits()
        // The default does not make a controller necessary that a user may not have been delegated.
        if spec.limits.pids == nil, probe.isPrivileged { limits.pids = Self.defaultProcesses }
        guard asked || probe.isPrivileged || options.accounts || effectiveUID() != 0 else {
            return CgroupChoice(plan: .none, holdsProcesses: false, isUnified: false)
        }
        do throws(CgroupError) {
            let layout = try CgroupLayout.probe()
            let isUnified = layout.kind == .v2
            if !asked, !probe.isPrivileged, !options.accounts {
                return CgroupChoice(plan: .none, holdsProcesses: false, isUnified: isUnified)
            }
            return CgroupChoice(
                plan: try plan(limits, layout), holdsProcesses: limits.pids != nil, isUnified: isUnified,
                mayBeMissing: !asked || spec.waive.contains(.limits))
        } catch {
            guard !asked || spec.waive.contains(.limits) else { throw Self.unheld(error) }
            return CgroupChoice(plan: .none, holdsProcesses: false, isUnified: false)
        }
    }

    private func plan(_ limits: CgroupLimits, _ layout: CgroupLayout) throws(CgroupError) -> CgroupPlan {
        guard options.accounts else { return try CgroupPlan(limits: limits, layout: layout) }
        var counting = limits
        counting.accountsCPU = true
        counting.accountsMemory = true
        if counting.pids == nil { counting.pids = .max }
        counting.freezes = options.freezes
        do throws(CgroupError) { return try CgroupPlan(limits: counting, layout: layout) } catch {}
        return try CgroupPlan(limits: limits, layout: layout)
    }

    /// A limit that no cgroup holds, with the way around it.
    static func unheld(_ error: CgroupError) -> EngineError {
        let cure = error.hint == nil ? "" : "; "
        var bare = error
        bare.hint = nil
        return EngineError(
            .unavailable, bare.description, hint: (error.hint ?? "") + cure + "--waive limits runs without them")
    }
}

extension CgroupLimits {
    /// What a spec asks for; the paths of block devices are looked up.
    init(_ limits: Limits) throws(CgroupError) {
        self.init(
            memory: limits.memory?.value?.bytes, memoryHigh: limits.memoryHigh?.value?.bytes,
            swap: limits.swap.map { swap in
                switch swap {
                case .max: .unlimited
                case .value(let size): .bytes(size.bytes)
                }
            },
            millicpus: limits.cpus?.value?.milli, cpuWeight: limits.cpuWeight, cpuset: limits.cpuset?.description,
            memoryNodes: limits.memoryNodes?.description, pids: limits.pids?.value,
            io: try IOLimit.list(limits.io), ioWeight: limits.ioWeight,
            hugetlb: limits.hugePages.map { HugePageLimit(pageSize: $0.pageSize.bytes, bytes: $0.limit.bytes) },
            accountsCPU: limits.cpuTime != nil)
    }
}

extension IOLimit {
    /// One entry a disk, whichever of its paths the rates were given for.
    fileprivate static func list(_ rates: IORates) throws(CgroupError) -> [IOLimit] {
        var limits: [IOLimit] = []
        let kinds: [([DeviceRate], WritableKeyPath<IOLimit, UInt64?>)] = [
            (rates.readBytes, \.readBytesPerSecond), (rates.writeBytes, \.writeBytesPerSecond),
            (rates.readOperations, \.readOperationsPerSecond), (rates.writeOperations, \.writeOperationsPerSecond),
        ]
        for (entries, field) in kinds {
            for entry in entries {
                let disk = try BlockDeviceNumber.ofDisk(at: entry.path)
                let index = limits.firstIndex { $0.device == disk } ?? limits.endIndex
                if index == limits.endIndex { limits.append(IOLimit(device: disk)) }
                // Two paths on one disk: the lower rate is what both allow.
                limits[index][keyPath: field] = min(limits[index][keyPath: field] ?? .max, entry.rate.bytes)
            }
        }
        return limits
    }
}
