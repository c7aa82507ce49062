// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

extension Launcher {
    /// Finds what the workspace's guards cover now, and makes placeholders for what they name and is not there yet.
    func guardWorkspace(
        _ spec: SandboxSpec, _ inputs: inout LaunchInputs, _ sandbox: inout RunningSandbox
    ) throws(EngineError) {
    }
}

/// Placeholders that are in the workspace while a sandbox runs.
struct Placeholders: ~Copyable {
    consuming func remove() {}
}
