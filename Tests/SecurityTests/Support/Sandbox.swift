// SPDX-License-Identifier: Apache-2.0
import Confinement
import Foundation
import LinuxKernel
import TestHost
import Testing

@testable import Engine
@testable import SandboxSpec

/// Who the agent is inside.
enum AgentUser: UInt32, CaseIterable, CustomTestStringConvertible {
    case agent = 1000
    case root = 0
    var testDescription: String { self == .root ? "as root inside" : "as the default user" }
}

/// How a sandbox ended, and what it said.
struct SandboxOutcome {
    var verdict: Verdict?
    /// Why there is no verdict.
    var error: EngineError?
    var output: String
    var errors: String

    /// The exit status that the command line would end with.
    var status: Int32 { verdict?.exitStatus ?? error?.exitStatus ?? -1 }
    var report: AttemptReport { AttemptReport(output, context: summary) }
    /// Everything about it, for a failed expectation.
    var summary: String {
        let limit = verdict?.limit?.rawValue ?? "none"
        return "status \(status) limit \(limit) \(error.map { "\($0)" } ?? "")\n\(errors)\(output)"
    }
}

/// Starts real sandboxes in this process. The one place that knows how.
enum Sandbox {
    /// A spec with default settings that runs an attack program, and a deadline, so that no test hangs.
    static func spec(_ program: String, _ arguments: String..., user: AgentUser = .agent) throws -> SandboxSpec {
        var spec = SandboxSpec()
        spec.name = try SandboxName(LeakCheck.sandboxName)
        spec.command = ["\(AttackPrograms.target)/\(program)"] + arguments
        spec.binds = [
            BindMount(source: AttackPrograms.directory, target: try SandboxPath(AttackPrograms.target), readOnly: true)
        ]
        if user != .agent { spec.user = UserReference(user: .number(user.rawValue)) }
        spec.limits.timeout = .seconds(20 * Patience.factor)
        return spec
    }

    static func run(_ spec: SandboxSpec) throws -> SandboxOutcome {
        do {
            return try start(spec).wait()
        } catch let error as EngineError {
            return SandboxOutcome(verdict: nil, error: error, output: "", errors: "")
        }
    }

    /// - Parameter landlock: what to take this kernel's Landlock for, if not for what it is.
    static func start(_ spec: SandboxSpec, landlock: LandlockSupport? = nil) throws -> StartedSandbox {
        try StartedSandbox(spec, landlock: landlock)
    }
}

/// A sandbox that runs. `wait` ends its standard input and waits for it.
final class StartedSandbox {
    private var sandbox: RunningSandbox?
    private let output = MemoryFile()
    private let errors = MemoryFile()
    private var input: Descriptor?
    /// The host's process id of init.
    let initPID: Int32
    let landlockLevel: LandlockLevel

    init(_ spec: SandboxSpec, landlock: LandlockSupport? = nil) throws {
        let pipe = try LinuxKernel.Pipe()
        var launcher = Launcher()
        launcher.options.landlock = landlock
        let sandbox = try launcher.start(
            spec,
            streams: StandardStreams(
                input: pipe.reader.rawValue, output: output.descriptor, error: errors.descriptor))
        initPID = sandbox.process.pid
        landlockLevel = sandbox.landlockLevel
        self.sandbox = consume sandbox
        input = pipe.intoWriter()
    }

    /// Waits until the agent has said `ready`, and returns what it said before.
    func untilReady(sourceLocation: SourceLocation = #_sourceLocation) throws -> AttemptReport {
        for _ in 0..<1000 * Patience.factor {
            let report = AttemptReport(output.text)
            if report["ready"] != nil { return report }
            usleep(10_000)
        }
        Issue.record("the agent never was ready: \(errors.text)", sourceLocation: sourceLocation)
        return AttemptReport("")
    }

    /// Says something to init in the launcher's place.
    func send(_ record: [UInt8]) {
        switch sandbox {
        case .some(let sandbox): _ = try? sendRecord(sandbox.process.socket, record)
        case .none: break
        }
    }

    /// Ends standard input and waits.
    func wait() -> SandboxOutcome {
        input = nil
        return waitWithInputOpen()
    }

    /// Waits for an end that does not come from the input's.
    func waitWithInputOpen() -> SandboxOutcome {
        var outcome = SandboxOutcome(verdict: nil, error: nil, output: "", errors: "")
        switch sandbox.take() {
        case .some(let sandbox):
            do throws(EngineError) { outcome.verdict = try sandbox.wait() } catch { outcome.error = error }
        case .none: break
        }
        outcome.output = output.text
        outcome.errors = errors.text
        return outcome
    }

    /// Ends it without waiting for the agent.
    func abandon() {
        input = nil
        switch sandbox.take() {
        case .some(var sandbox): sandbox.abandon()
        case .none: break
        }
    }

    /// Processes and threads in the sandbox, counted from outside by their PID namespace; init is one.
    func tasks() -> Int {
        guard let space = Self.space(initPID) else { return 0 }
        let pids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap(Int32.init)
        return pids.filter { Self.space($0) == space }.reduce(0) { count, pid in
            count + ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task"))?.count ?? 0)
        }
    }

    private static func space(_ pid: Int32) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/pid")
    }
}
