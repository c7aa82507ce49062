// SPDX-License-Identifier: Apache-2.0
import FuzzerInterface
import Glibc

/// The target under fuzzing: `FUZZ_TARGET` names it, since libFuzzer's arguments are its own.
private let target: InitTarget = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = InitTarget(rawValue: name) else {
        fatalError("FUZZ_TARGET is one of: \(InitTarget.allCases.map(\.rawValue).joined(separator: " "))")
    }
    return target
}()

@main enum InitFuzzing {
    static func main() {
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { start, count in
                target.run(Array(UnsafeBufferPointer(start: start, count: count)))
                return 0
            })
    }
}
