// SPDX-License-Identifier: Apache-2.0
import FuzzerInterface
import Glibc

// Init's own files, which are linked into this directory, compiled with the ordinary Swift and for a kernel of our own
// (`ScriptedKernel`): the functions of this module hide those of CLinux that have the same names. Init's functions end by
// exiting, not by returning, so what is found here ends the process.

/// What of init is under fuzzing.
enum InitTarget: String, CaseIterable {
    /// Records as the socket brings them, before the program is whole and after the agent has started.
    case launcherRecords = "launcher-records"
    /// Whole programs, executed on a kernel that answers as the input says.
    case initRuns = "init-runs"
    /// What clients of a sandbox that serves send.
    case serviceRequests = "service-requests"

    func run(_ bytes: [UInt8]) {
        switch self {
        case .launcherRecords: kernel = ScriptedKernel(records: bytes)
        case .initRuns: kernel = ScriptedKernel(run: bytes)
        case .serviceRequests: kernel = ScriptedKernel(requests: bytes)
        }
        let left = mt_fuzz_run({ _ in _ = main(0, noArguments) }, nil)
        // Init's main function returns only before there is a sandbox.
        if left == 0, kernel.hasStarted { fatalError("a promise is broken: init returned") }
        kernel.requireWordsToBeRecords()
        Memory.freeAll()
    }
}

private nonisolated(unsafe) let noArguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = {
    guard let memory = calloc(1, 8) else { fatalError("no memory") }
    return memory.bindMemory(to: UnsafeMutablePointer<CChar>?.self, capacity: 1)
}()
