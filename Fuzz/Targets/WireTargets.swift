// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

@testable import Engine
@testable import SandboxSpec
@testable import SetupProgram

/// The wire between the launcher and init, each side of which treats the other as hostile. Init's own side of it is
/// under fuzzing in `Fuzz/Init`.
let wireTargets = [
    FuzzTarget(name: "program", run: readProgram),
    FuzzTarget(name: "init-records", run: readInitRecord),
]

/// A program that can be read is written again as one that reads the same; byte by byte the same, where all is text.
private func readProgram(_ bytes: [UInt8]) throws(Violation) {
    guard let program = try? SetupProgram(decoding: bytes) else { return }
    try require(program.slotCount <= UInt32(ProgramHeader.mostSlots), "more slots than there may be")
    try requireVisible(program.text)
    let identities = identities(bytes)
    let written = try requireSuccess("a program that was read can be written") {
        try program.encoded(launcherMountNamespace: identities.mount, launcherUserNamespace: identities.user)
    }
    let again = try requireSuccess("a program that was written can be read") { try SetupProgram(decoding: written) }
    try require(again == program, "the program is another after writing and reading")
    // Where text was repaired, or groups were sent that are not set, the bytes differ and the program does not.
    if String(validating: bytes, as: UTF8.self) != nil, written.count == bytes.count {
        try require(written == bytes, "the bytes are others after reading and writing")
    }
}

private func identities(_ bytes: [UInt8]) -> (mount: NamespaceIdentity, user: NamespaceIdentity) {
    func number(_ offset: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) } }
    return (
        NamespaceIdentity(device: number(24), inode: number(32)),
        NamespaceIdentity(device: number(40), inode: number(48))
    )
}

/// What init sends, and all that the launcher makes of it: an error in words, or the verdict in words and as JSON.
private func readInitRecord(_ bytes: [UInt8]) throws(Violation) {
    guard let message = try? ControlMessage(bytes) else { return }
    switch message {
    case .failed(let index, let errno):
        let program = SetupProgram(
            instructions: [.setHostname("a"), .pivotRoot, .execute(arguments: ["a"], environment: [], searchPath: [])],
            descriptorCount: 0, slotCount: 0)
        let failure = SetupFailure(program: program, index: index, errno: Errno(rawValue: errno))
        try requireVisible("\(failure.error(SandboxSpec()))")
    case .stopped(let signal): try require((1...64).contains(signal), "signal \(signal)")
    case .started, .descriptor: break
    case .exited(let exit):
        let facts = RunFacts(exit: exit, initStatus: .exited(0))
        guard let verdict = Verdict(facts) else { throw Violation(description: "an end without a verdict") }
        try require((0...255).contains(verdict.exitStatus), "exit status \(verdict.exitStatus)")
        try requireVisible(verdict.words)
        let line = VerdictReport(verdict, name: "a").line
        _ = try requireSuccess("the report is JSON") { try SpecNode(json: Array(line.utf8)) }
    }
}
