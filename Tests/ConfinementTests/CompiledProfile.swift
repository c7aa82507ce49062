// SPDX-License-Identifier: Apache-2.0
@testable import Confinement

/// A compiled profile that answers by name.
struct CompiledProfile {
    let program: FilterProgram

    init(_ profile: SeccompProfile) throws {
        program = try FilterProgram(SeccompCompiler.compile(profile))
    }

    /// What a native call gets; `nil` for calls this architecture does not have.
    func action(_ name: String, _ arguments: UInt64...) throws -> SeccompProfile.Action? {
        guard case .number(let number) = try SystemCallNumbers.resolve(name) else { return nil }
        return action(SeccompData(number: number, arguments: arguments))
    }

    /// `nil` for what no profile can ask for.
    func action(_ call: SeccompData) -> SeccompProfile.Action? {
        switch program.decision(on: call) {
        case .allow: .allow
        case .log: .log
        case .killProcess: .killProcess
        case .killThread: .killThread
        case .trap: .trap
        case .errno(let number): .errno(number)
        case .notify, .trace: nil
        }
    }
}
