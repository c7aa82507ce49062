// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Confinement
import LinuxKernel
import SandboxSpec
import Storage

/// Why a sandbox could not be started, or its end not be learned.
public struct EngineError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable, CaseIterable {
        /// What was asked for makes no sense.
        case invalidSpec
        /// The machine, or this user on it, cannot do what was asked for.
        case unavailable
        /// A step of starting the sandbox failed.
        case launchFailed
        /// A step inside the sandbox failed.
        case setupFailed
        /// The program was found but could not be executed.
        case notExecutable
        /// The program was not found in the sandbox.
        case notFound
        /// Init broke off, or said something that makes no sense.
        case initFailed
        /// No sandbox has this name or id, or more than one could be meant.
        case unknownSandbox
        /// Another sandbox has this name.
        case nameTaken
        /// The sandbox is not in a state in which this can be done to it.
        case wrongState
        /// What is kept about sandboxes could not be read or written.
        case storeFailed
    }

    public var code: Code
    public var message: String
    public var hint: String?

    /// - Parameters:
    ///   - message: one line; names in it may be anybody's, and are made visible.
    ///   - hint: the same.
    public init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = visible(message)
        self.hint = hint.map(visible)
    }

    public init(_ error: SpecError) {
        var bare = error
        bare.hint = nil
        self.init(.invalidSpec, bare.description, hint: error.hint)
    }

    public init(_ error: SystemError, hint: String? = nil) {
        self.init(.launchFailed, error.description, hint: hint)
    }

    public init(_ error: CgroupError) {
        var bare = error
        bare.hint = nil
        self.init(.unavailable, bare.description, hint: error.hint)
    }

    public init(_ error: StorageError) {
        var bare = error
        bare.hint = nil
        self.init(.unavailable, bare.description, hint: error.hint)
    }

    public init(_ error: ConfinementError) {
        var bare = error
        bare.hint = nil
        self.init(.unavailable, bare.description, hint: error.hint)
    }

    /// The message, and the cure on a second line where it is known.
    public var description: String { message + (hint.map { "\nhint: \($0)" } ?? "") }

    /// The exit status that the command line ends with, as Docker's: 125, 126 or 127.
    public var exitStatus: Int32 {
        switch code {
        case .notFound: 127
        case .notExecutable: 126
        case .invalidSpec, .unavailable, .launchFailed, .setupFailed, .initFailed, .unknownSandbox, .nameTaken,
            .wrongState, .storeFailed:
            125
        }
    }
}

/// Runs `body`, whose system errors become the engine's, with a hint.
@inline(__always)
func launching<Value: ~Copyable>(
    hint: String? = nil, _ body: () throws(SystemError) -> Value
) throws(EngineError) -> Value {
    do throws(SystemError) { return try body() } catch { throw EngineError(error, hint: hint) }
}

@inline(__always)
func storing<Value: ~Copyable>(_ body: () throws(StorageError) -> Value) throws(EngineError) -> Value {
    do throws(StorageError) { return try body() } catch { throw EngineError(error) }
}

/// Runs `body` on what is kept about sandboxes; `action` says what was being done, as `read the status of web`.
@inline(__always)
func keeping<Value: ~Copyable>(
    _ action: @autoclosure () -> String, _ body: () throws(SystemError) -> Value
) throws(EngineError) -> Value {
    do throws(SystemError) { return try body() } catch { throw EngineError(.storeFailed, "\(action()): \(error)") }
}
