// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import SetupProgram
import Storage

extension Optional<StreamPlan> {
    /// The agent's descriptors, borrowed.
    var agentRaws: [Int32]? {
        borrowing get {
            switch self {
            case .some(let plan): plan.agentSides.rawValues
            case .none: nil
            }
        }
    }

    /// Init's sides, borrowed.
    var keptRaws: [Int32] {
        borrowing get {
            switch self {
            case .some(let plan): plan.keptSides.rawValues
            case .none: []
            }
        }
    }

    consuming func takePumps() -> [Pump] {
        switch consume self {
        case .some(let plan): plan.pumps
        case .none: []
        }
    }
}

extension StreamPlan {
    /// Three times /dev/null: for a program that is printed and not run.
    static func inert() throws(EngineError) -> StreamPlan {
        let null = try launching { () throws(SystemError) in try open("/dev/null", .readWrite) }
        var spec = SandboxSpec()
        spec.standardInput = .none
        return try StreamPlan(
            StandardStreams(input: null.rawValue, output: null.rawValue, error: null.rawValue), spec: spec,
            mapsOwnRange: true, group: nil)
    }
}
