// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import SandboxSpec

var spec = SandboxSpec()
spec.command = Array(CommandLine.arguments.dropFirst())
if spec.command.first == "-t" { spec.terminal = true; spec.command.removeFirst() }
do throws(EngineError) {
    if spec.command.first == "explain" {
        spec.command.removeFirst()
        print(try Launcher().explain(spec).text)
        exit(0)
    }
    let verdict = try ForegroundRun(Launcher(), spec).run()
    exit(verdict.exitStatus)
} catch {
    FileHandle2.say("martinet: \(error)\n")
    exit(error.exitStatus)
}
enum FileHandle2 { static func say(_ s: String) { var t = s; t.withUTF8 { _ = write(2, $0.baseAddress, $0.count) } } }
