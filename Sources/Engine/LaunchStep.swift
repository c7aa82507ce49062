// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SetupProgram

/// The steps by which the host starts a sandbox, in their order. Each can be made to fail, to see what is left behind.
public enum LaunchStep: String, Sendable, CaseIterable {
    case validate
    case allocateIdentity
    case openInit
    case makeSockets
    case openOverlay
    case startJanitor
    case clone
    case writeIdentityMaps
    case release
    case makeCgroup
    case attachToCgroup
    case openRoot
    case openTrees
    case makePlaceholders
    case makePrivateDirectory
    case compileFilter
    case sendProgram
    case awaitStart
}

/// A failure that a test asks for. Nothing else sets one.
public enum FaultInjection: Sendable, Equatable {
    /// The host's step fails before it does anything.
    case step(LaunchStep, errno: Int32)
    /// A stage of the child between clone and exec fails (`mt_launch_stage`).
    case stage(Int32, errno: Int32)
    /// The instruction of this index fails.
    case instruction(Int, errno: Int32)
    /// The launcher stops for good at a step, as if it had been killed there: for tests that then kill it.
    case hang(LaunchStep)

    func check(_ step: LaunchStep) throws(EngineError) {
        switch self {
        case .step(step, let errno):
            throw EngineError(SystemError("\(step.rawValue) (injected)", Errno(rawValue: errno)))
        case .hang(step):
            while true { _ = pause() }
        default: return
        }
    }
}

extension Optional<FaultInjection> {
    func check(_ step: LaunchStep) throws(EngineError) { try self?.check(step) }

    /// The program with the failing instruction in its place.
    func applied(to program: SetupProgram) -> SetupProgram {
        guard case .instruction(let index, let errno) = self, program.instructions.indices.contains(index) else {
            return program
        }
        var program = program
        program.instructions.insert(.fail(errno: UInt32(errno)), at: index)
        return program
    }

    /// The failing stage of the child, or none.
    var stage: (Int32, Int32) {
        guard case .stage(let stage, let errno) = self else { return (0, 0) }
        return (stage, errno)
    }
}
