// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

extension Launcher {
    /// Finds what the workspace's guards cover now, and makes placeholders for what they name and is not there yet.
    func guardWorkspace(
        _ spec: SandboxSpec, _ inputs: inout LaunchInputs, _ sandbox: inout RunningSandbox
    ) throws(EngineError) {
        try options.fault.check(.makePlaceholders)
        guard let watched = try GuardedWorkspace(spec) else { return }
        let plan = watched.plan
        if !plan.placeholders.isEmpty {
            let janitor = try sandbox.belongings.startedJanitor(options.fault)
            sandbox.belongings.keep(
                try WorkspacePlaceholders(try watched.descriptor(), plan: plan, janitor: janitor))
        }
        Self.add(plan, to: &inputs)
        sandbox.workspace = watched
    }

    /// The plan alone, for a program that is printed and not run.
    func planGuards(_ spec: SandboxSpec, _ inputs: inout LaunchInputs) throws(EngineError) {
        if let plan = try GuardedWorkspace(spec)?.plan { Self.add(plan, to: &inputs) }
    }

    private static func add(_ plan: GuardPlan, to inputs: inout LaunchInputs) {
        inputs.guards = plan.steps.map(step)
        inputs.coveredNames = plan.covered
    }

    private static func step(_ step: GuardPlan.Step) -> GuardStep {
        switch step {
        case .pin(let pin): GuardStep(.pin, pin.path)
        case .match(let match): GuardStep(match.action == .hide ? .hide : .protect, match.path)
        case .placeholder(let placeholder):
            GuardStep(placeholder.action == .hide ? .hide : .protect, placeholder.path)
        }
    }
}

/// A workspace, and what of it is guarded.
final class GuardedWorkspace {
    private let directory: Descriptor
    private let protect: GuardRules
    private let covered: Set<String>
    let plan: GuardPlan

    /// Looks through the workspace; `nil` without one.
    init?(_ spec: SandboxSpec) throws(EngineError) {
        guard let path = spec.workspace else { return nil }
        directory = try launching { () throws(SystemError) in try open(path, [.directory, .pathOnly]) }
        protect = .protecting(spec)
        // Where the user shows something else, that is not the workspace's.
        covered = Set(
            (spec.binds.map(\.target.text) + spec.tmpfs.map(\.target.text)).compactMap { target in
                PathBytes.isBelow(target, "/workspace")
                    ? String(Substring(target.utf8.dropFirst("/workspace/".utf8.count))) : nil
            })
        let (raw, protect, covered) = (directory.rawValue, protect, covered)
        let copy = try launching { () throws(SystemError) in try duplicate(raw) }
        plan = try storing { () throws(StorageError) in
            try WorkspaceGuards.plan(workspace: copy, protect: protect, hide: .hiding(spec), covered: covered)
        }
    }

    func descriptor() throws(EngineError) -> Descriptor {
        let raw = directory.rawValue
        return try launching { () throws(SystemError) in try duplicate(raw) }
    }

    func status() throws(EngineError) -> FileStatus {
        let raw = directory.rawValue
        return try launching { () throws(SystemError) in try LinuxKernel.status(raw: raw) }
    }

    /// What has appeared under protected names, or why that could not be seen.
    func review() -> (appeared: [String], failure: String?) {
        do throws(StorageError) {
            return (
                try GuardReview.appeared(in: directory, since: plan, protect: protect, covered: covered), nil
            )
        } catch { return ([], error.description) }
    }
}

/// Placeholders that are in a workspace while a sandbox runs.
final class WorkspacePlaceholders {
    private let workspace: Descriptor
    private let created: [CreatedPlaceholder]

    /// Makes them, each known to the janitor at every moment of its existence.
    init(_ workspace: consuming Descriptor, plan: GuardPlan, janitor: Janitor) throws(EngineError) {
        let raw = workspace.rawValue
        self.workspace = workspace
        var failure: EngineError?
        func noting(_ body: () throws(EngineError) -> Void) {
            do throws(EngineError) { try body() } catch { failure = error }
        }
        var created: [CreatedPlaceholder] = []
        do throws(StorageError) {
            created = try Placeholders.create(
                in: self.workspace, plan: plan, suffix: uniqueSuffix(),
                willMake: { path, placeholder in
                    noting { () throws(EngineError) in
                        try janitor.enter(temporary: path, isDirectory: placeholder.isDirectory, in: raw)
                    }
                },
                willRename: { new in
                    noting { () throws(EngineError) in try janitor.enter(placeholder: new, in: raw) }
                })
        } catch { throw EngineError(error) }
        self.created = created
        if let failure {
            remove()
            throw failure
        }
    }

    /// What is to be removed, for whoever does it later.
    var kept: KeptPlaceholders? {
        guard !created.isEmpty, let found = try? status(of: workspace),
            let path = try? readSymlink("/proc/self/fd/\(workspace.rawValue)")
        else { return nil }
        return KeptPlaceholders(directory: path, device: found.device, inode: found.inode, files: created)
    }

    /// Takes away those that are still empty; what someone filled meanwhile is theirs.
    func remove() { Placeholders.remove(created, in: workspace) }
}

/// Tells apart what sandboxes of one machine make at the same time.
func uniqueSuffix() -> String {
    let (seconds, attoseconds) = monotonicNow().components
    let nanoseconds = UInt64(seconds) % 1_000_000 * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
    return "\(processID())-\(String(nanoseconds, radix: 36))"
}
