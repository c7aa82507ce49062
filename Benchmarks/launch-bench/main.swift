// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import LinuxKernel
import SandboxSpec

// Launches and reaps `/bin/true` again and again with the engine, in this one process: what launch-floor.c does in C.
//
//   launch-bench [--runs N] [--warm-up N] [--samples]

/// The number after a flag, or a default.
func number(_ flag: String, otherwise value: Int) -> Int {
    guard let index = CommandLine.arguments.firstIndex(of: flag), index + 1 < CommandLine.arguments.count,
        let number = Int(CommandLine.arguments[index + 1]), number >= 0
    else { return value }
    return number
}

var spec = SandboxSpec()
spec.command = ["/bin/true"]
spec.standardInput = .none
let runs = number("--runs", otherwise: 200)
var microseconds: [Double] = []
do throws(EngineError) {
    for index in -number("--warm-up", otherwise: 20)..<runs {
        let start = monotonicNow()
        let verdict = try Launcher().start(spec).wait()
        let time = monotonicNow() - start
        guard verdict.exitStatus == 0 else { throw EngineError(.initFailed, "/bin/true ended with \(verdict.exitStatus)") }
        if index >= 0 { microseconds.append(time / .microseconds(1)) }
    }
} catch {
    print("launch-bench: \(error)")
    exit(1)
}
if CommandLine.arguments.contains("--samples") {
    for sample in microseconds { print(sample) }
} else if !microseconds.isEmpty {
    microseconds.sort()
    print(
        "launch-bench: median \(Int(microseconds[runs / 2])) µs, min \(Int(microseconds[0])) µs, "
            + "p90 \(Int(microseconds[runs * 9 / 10])) µs, \(runs) launches")
}
