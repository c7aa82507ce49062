// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

extension Launcher {
    /// Finds what the workspace's guards cover now, and makes placeholders for what they name and is not there yet.
    func guardWorkspace(
        _ spec: SandboxSpec, _ inputs: inout LaunchInputs, _ belongings: inout Belongings
    ) throws(EngineError) {
        try options.fault.check(.makePlaceholders)
        guard let path = spec.workspace else { return }
        let workspace = try launching { () throws(SystemError) in try open(path, [.directory, .pathOnly]) }
        let plan = try guardPlan(spec, workspace)
        if !plan.placeholders.isEmpty {
            let janitor = try belongings.startedJanitor(options.fault)
            let copy = try launching { () throws(SystemError) in try workspace.duplicate() }
            belongings.keep(try WorkspacePlaceholders(copy, plan: plan, janitor: janitor))
        }
        inputs.guards = plan.steps.map(Self.step)
    }

    /// The plan alone, for a program that is printed and not run.
    func guardInputs(_ spec: SandboxSpec) throws(EngineError) -> [GuardStep] {
        guard let path = spec.workspace else { return [] }
        let workspace = try launching { () throws(SystemError) in try open(path, [.directory, .pathOnly]) }
        return try guardPlan(spec, workspace).steps.map(Self.step)
    }

    private func guardPlan(_ spec: SandboxSpec, _ workspace: borrowing Descriptor) throws(EngineError) -> GuardPlan {
        let protect = (spec.builtinGuards ? PathGlob.builtinProtected : []) + spec.protect
        let hide = (spec.builtinGuards ? PathGlob.builtinHidden : []) + spec.hide
        return try storing { () throws(StorageError) in
            try WorkspaceGuards.plan(
                workspace: workspace, protect: protect.map(GuardPattern.init), hide: hide.map(GuardPattern.init))
        }
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

extension GuardPattern {
    init(_ glob: PathGlob) {
        self.init(
            literalPath: glob.literalPath, matches: { glob.matches($0) },
            couldMatchBelow: { glob.couldMatchBelow(directory: $0) })
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
                willMake: { path, isDirectory in
                    noting { () throws(EngineError) in
                        try janitor.enter(temporary: path, isDirectory: isDirectory, in: raw)
                    }
                },
                willRename: { new in
                    noting { () throws(EngineError) in
                        let entry = try janitor.enter(placeholder: new.path, isDirectory: new.isDirectory, in: raw)
                        janitor.made(entry, device: new.device, inode: new.inode)
                    }
                })
        } catch { throw EngineError(error) }
        self.created = created
        if let failure {
            remove()
            throw failure
        }
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
