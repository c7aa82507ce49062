// SPDX-License-Identifier: Apache-2.0
import CLinux
import Cgroups
import LinuxKernel

/// Ends sandboxes whatever they do.
public enum SandboxEnding {
    /// Kills init, and with it every process of its PID namespace, and waits for its end. One that has ended is fine.
    ///
    /// - Parameter patience: how long dying may take: of ten thousand processes, or on a machine under load.
    /// - Throws: `.wrongState` where it has not ended by then; `.storeFailed` where the signal is refused.
    public static func kill(
        _ status: SandboxStatus, patience: Duration = .seconds(30)
    ) throws(EngineError) {
        guard let process = status.initProcess else { return }
        let running = try keeping("look for the init of \(status.id.short)") { () throws(SystemError) in
            try process.open()
        }
        guard let running else { return }
        _ = try keeping("kill sandbox \(status.id.short)") { () throws(SystemError) in
            try sendSignal(SIGKILL, to: running)
        }
        // What a v1 freezer holds dies when it is let go of.
        if let cgroup = try? status.openCgroups() {
            cgroup.liftCPULimit()
            if cgroup.canFreeze { try? cgroup.thaw(timeout: .zero) }
        }
        let raw = running.rawValue
        let milliseconds = Int32(clamping: Int64(patience / .milliseconds(1)))
        let ready = try keeping("wait for the end of \(status.id.short)") { () throws(SystemError) in
            try poll([(raw, .readable)], milliseconds: milliseconds)
        }
        guard ready[0].isEmpty else { return }
        throw EngineError(
            .wrongState, "kill sandbox \(status.id.short): its processes have not ended yet",
            hint: "one waits for a disk or the network: try again later")
    }
}
