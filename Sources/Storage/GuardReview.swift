// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Looks after a run for what appeared under names that are protected, where nothing could be guarded before: in
/// directories that were not there yet.
public enum GuardReview {
    /// The paths that are there now and were in no plan, directories with what is in them. Samples of hooks, which git
    /// makes with every repository and never runs, do not count; nor do empty directories.
    ///
    /// - Parameters:
    ///   - before: what was guarded during the run.
    ///   - protect: the rules that it was made by.
    /// - Throws: as `WorkspaceGuards.plan`.
    public static func appeared(
        in workspace: borrowing Descriptor, since before: GuardPlan, protect: GuardRules, covered: Set<String> = [],
        bounds: WorkspaceGuards.Bounds = WorkspaceGuards.Bounds()
    ) throws(StorageError) -> [String] {
        let now = try WorkspaceGuards.plan(
            workspace: workspace, protect: protect, hide: GuardRules(), covered: covered, bounds: bounds)
        let known = Set<PathKey>(paths: before.steps.map(\.path))
        var found: [String] = []
        for match in now.matches where !known.contains(match.path) {
            if ancestors(of: match.path).contains(where: { known.contains($0) }), isGuarded(match.path, before) {
                continue
            }
            if match.kind == .directory {
                found += try contents(of: match.path, in: workspace.rawValue)
            } else {
                found.append(match.path)
            }
        }
        return found.sorted()
    }

    /// Whether it lies in a directory that was guarded as a whole.
    private static func isGuarded(_ path: String, _ plan: GuardPlan) -> Bool {
        let above = Set<PathKey>(paths: ancestors(of: path))
        return plan.matches.contains { above.contains($0.path) }
            || plan.placeholders.contains { above.contains($0.path) }
    }

    /// The names in a directory, or the directory alone where they are many.
    private static func contents(of path: String, in workspace: Int32) throws(StorageError) -> [String] {
        let names = try reporting("list", path) { () throws(SystemError) -> [String] in
            guard let directory = try openBeneath(path, [.directory], workspace) else { return [] }
            return try entries(of: directory).map(\.name).filter { !$0.hasSuffix(".sample") }
        }
        return names.count > 4 ? [path] : names.map { "\(path)/\($0)" }
    }
}
