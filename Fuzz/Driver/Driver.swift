// SPDX-License-Identifier: Apache-2.0
import FuzzerInterface
import Glibc

/// The target under fuzzing: `FUZZ_TARGET` names it, since libFuzzer's arguments are its own.
private let target: FuzzTarget = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.named(name) else {
        fatalError("FUZZ_TARGET is one of: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
    }
    return target
}()

@main enum Fuzzing {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { start, count in
                do throws(Violation) {
                    try target.run(Array(UnsafeBufferPointer(start: start, count: count)))
                } catch {
                    fatalError("a promise is broken: \(error)")
                }
                return 0
            })
    }
}
