// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// What a sandbox has used. `nil` is what this kernel, or the cgroups made, do not count: never zero.
public struct CgroupUsage: Sendable, Equatable {
    /// The most memory in use at once, in bytes.
    public var memoryPeak: UInt64?
    /// Processes taken by the OOM killer.
    public var oomKills: UInt64?
    /// CPU time of all processes, ended ones included.
    public var cpuTime: Duration?
    /// The most processes and threads alive at once.
    public var pidsPeak: UInt64?
    /// How often a fork was refused at the pids limit.
    public var pidsRefusals: UInt64?
}

extension SandboxCgroup {
    /// Reads what has been used so far; to be called before `remove`.
    ///
    /// - Throws: `.readFailed`
    public func usage() throws(CgroupError) -> CgroupUsage {
        var usage = CgroupUsage()
        usage.oomKills = try oomKills()
        for (index, place) in places.enumerated() {
            let files = files(index)
            if place.controllers.contains(.memory) {
                usage.memoryPeak = try MemoryController.peak(files, place.version)
            }
            if place.controllers.contains(.pids) {
                usage.pidsPeak = try PidsController.peak(files)
                usage.pidsRefusals = try PidsController.refusals(files)
            }
            if place.version == .v2 || place.controllers.contains(.cpu) {
                usage.cpuTime = try CPUController.timeUsed(files, place.version)
            }
        }
        return usage
    }

    /// How many processes the OOM killer has taken here; `nil` where memory is not limited or the kernel does not count.
    ///
    /// - Throws: `.readFailed`
    public func oomKills() throws(CgroupError) -> UInt64? {
        guard let index = memoryIndex else { return nil }
        return try MemoryController.oomKills(files(index), places[index].version)
    }

    /// A descriptor that becomes readable when memory runs out; `nil` on v2, where the kernel kills the whole cgroup
    /// itself, and where memory is not limited.
    ///
    /// It also becomes readable when the cgroup is removed, and stays silent about kills before this call: `oomKills` tells.
    ///
    /// - Throws: `.readFailed`
    public func memoryEventDescriptor() throws(CgroupError) -> Descriptor? {
        guard let index = memoryIndex, places[index].version == .v1 else { return nil }
        let files = files(index)
        do throws(SystemError) {
            return try MemoryController.makeOOMEvent(files)
        } catch {
            throw CgroupError(.readFailed, "\(files.path)/cgroup.event_control", cause: error)
        }
    }

    private var memoryIndex: Int? { places.firstIndex { $0.controllers.contains(.memory) } }
}
