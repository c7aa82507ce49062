// SPDX-License-Identifier: Apache-2.0
import CLinux
import Cgroups
import LinuxKernel
import SandboxSpec
import Storage

/// What a sandbox has on the machine besides its processes: cgroups and placeholder files. All of it is entered with the
/// janitor before it is made, and `remove` takes it away.
struct Belongings: ~Copyable {
    private var cgroup: SandboxCgroup?
    private var placeholders: WorkspacePlaceholders?
    private var janitor: Janitor?
    private var directory: PrivateDirectory?
    private var initProcess: (Int32, end: EndOfInit)?

    /// A sandbox that was let go of: its processes have ended, what else it had is still there.
    deinit {
        switch cgroup {
        case .some(let cgroup): _ = try? CgroupRemoval.remove(paths: cgroup.paths)
        case .none: break
        }
        placeholders?.remove()
        _ = directory?.remove()
    }

    /// Makes the sandbox's cgroups. Nothing is made, and no janitor started, for an empty plan.
    mutating func makeCgroup(
        _ choice: CgroupChoice, for spec: SandboxSpec, fault: FaultInjection?
    ) throws(EngineError) {
        let plan = choice.plan
        guard !plan.parts.isEmpty else { return }
        let janitor = try startedJanitor(fault)
        try fault.check(.makeCgroup)
        let name = "\(spec.name?.text ?? "run")-\(uniqueSuffix())"
        var failure: EngineError?
        do throws(CgroupError) {
            cgroup = try SandboxCgroup.create(name: CgroupName(name), plan: plan) { path in
                do throws(EngineError) { try janitor.enter(cgroup: path) } catch { failure = error }
            }
        } catch {
            // Waived, or only the default limit of processes, which RLIMIT_NPROC holds then.
            if choice.mayBeMissing { return }
            throw Launcher.unheld(error)
        }
        if let failure { throw failure }
    }

    var hasCgroup: Bool {
        switch cgroup {
        case .some: true
        case .none: false
        }
    }

    /// The janitor, from the first thing on that it would have to remove.
    mutating func startedJanitor(_ fault: FaultInjection?) throws(EngineError) -> Janitor {
        if let janitor { return janitor }
        try fault.check(.startJanitor)
        let janitor = try Janitor()
        if let initProcess { janitor.watch(initProcess.0, end: initProcess.end) }
        self.janitor = janitor
        return janitor
    }

    /// Names init, and what the janitor does with it when the launcher has died.
    mutating func watch(_ process: Int32, end: EndOfInit) {
        initProcess = (process, end)
        janitor?.watch(process, end: end)
    }

    /// Makes a home and a place for temporary files, for an agent without file systems of its own.
    mutating func makePrivateDirectory(
        in parent: String, owner: (uid: UInt32, gid: UInt32)?, fault: FaultInjection?
    ) throws(EngineError) -> PrivateDirectory {
        let janitor = try startedJanitor(fault)
        try fault.check(.makePrivateDirectory)
        let directory = try PrivateDirectory(in: parent, owner: owner, janitor: janitor)
        self.directory = directory
        return directory
    }

    mutating func keep(_ placeholders: WorkspacePlaceholders) { self.placeholders = placeholders }

    /// Where init is cloned into; `nil` without a v2 cgroup.
    var cloneDescriptor: Int32? {
        switch cgroup {
        case .some(let cgroup): cgroup.cloneDescriptor
        case .none: nil
        }
    }

    /// What init writes to, to join; see `SandboxCgroup.joinDescriptors`.
    func joinDescriptors() throws(EngineError) -> DescriptorTable {
        do throws(CgroupError) {
            switch cgroup {
            case .some(let cgroup): return try cgroup.joinDescriptors(startedInside: CgroupChoice.isUnified)
            case .none: return DescriptorTable()
            }
        } catch { throw EngineError(error) }
    }

    /// The file that counts CPU time; `nil` without a cgroup.
    func cpuUsageSource() throws(EngineError) -> CPUUsageSource? {
        do throws(CgroupError) {
            switch cgroup {
            case .some(let cgroup): return try cgroup.cpuUsageSource()
            case .none: return nil
            }
        } catch { throw EngineError(error) }
    }

    func memoryEvent() throws(EngineError) -> Descriptor? {
        do throws(CgroupError) {
            switch cgroup {
            case .some(let cgroup): return try cgroup.memoryEventDescriptor()
            case .none: return nil
            }
        } catch { throw EngineError(error) }
    }

    /// For processes that are to end: see `SandboxCgroup.liftCPULimit`.
    func liftCPULimit() {
        switch cgroup {
        case .some(let cgroup): cgroup.liftCPULimit()
        case .none: break
        }
    }

    /// What the cgroups have counted; `nil` without one, and where it cannot be read.
    func usage() -> CgroupUsage? {
        switch cgroup {
        case .some(let cgroup): try? cgroup.usage()
        case .none: nil
        }
    }

    /// The sandbox's directories in them.
    var cgroupPaths: [String] {
        switch cgroup {
        case .some(let cgroup): cgroup.paths
        case .none: []
        }
    }

    /// The hierarchies that the sandbox is in, in words.
    var cgroupWords: [String] {
        switch cgroup {
        case .some(let cgroup): cgroup.hierarchyNames
        case .none: []
        }
    }

    /// Kills what is left in the sandbox's cgroups: what an init without a PID namespace, itself killed, left running.
    func killStragglers() {
        for path in cgroupPaths {
            for _ in 0..<200 {
                let pids = Self.processes(in: path)
                if pids.isEmpty { break }
                for pid in pids {
                    // Looked at again once the descriptor is open: the number may have become another process's.
                    guard let process = try? openProcess(pid), Self.processes(in: path).contains(pid) else { continue }
                    _ = try? sendSignal(SIGKILL, to: process)
                }
                blockThread(for: .milliseconds(2))
            }
        }
    }

    private static func processes(in path: String) -> [Int32] {
        let text = ((try? readText("\(path)/cgroup.procs")) ?? nil) ?? ""
        return text.split(separator: "\n").compactMap { Int32($0) }.filter { $0 > 0 }
    }

    /// What was made in a workspace, to be removed at the end.
    var keptPlaceholders: KeptPlaceholders? { placeholders?.kept }

    /// Lets everything stay when this process ends: somebody else removes it when the sandbox has ended.
    mutating func letGo() {
        cgroup = nil
        placeholders = nil
        janitor = nil
    }

    /// Removes everything; the first failure is returned, after all else has been tried.
    mutating func remove() -> EngineError? {
        var failure: EngineError?
        if let cgroup = cgroup.take() {
            do throws(CgroupError) { try cgroup.remove() } catch { failure = EngineError(error) }
        }
        placeholders?.remove()
        placeholders = nil
        if let left = directory?.remove() { failure = failure ?? left }
        directory = nil
        // Last: until here the janitor would have done it.
        janitor = nil
        return failure
    }
}
