// SPDX-License-Identifier: Apache-2.0
import Cgroups

extension SandboxStore {
    /// Removes what processes that were killed left behind: names that lead nowhere, and cgroups that nobody holds. All that
    /// ended is settled first, or what it used would be lost with its cgroup.
    public func sweep() throws(EngineError) {
        _ = try list()
        try sweepNames()
        if let layout = try? CgroupLayout.probe() { CgroupSweep.run(layout: layout) }
    }
}
