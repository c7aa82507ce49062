// SPDX-License-Identifier: Apache-2.0
import Engine
import SandboxSpec

/// What `run` and `explain` were asked for.
struct SpecRequest {
    private let parsed: FlagParser.Parsed
    private let callerEnvironment = CallerEnvironment.read()

    init(_ parsed: FlagParser.Parsed) { self.parsed = parsed }

    /// Runs the sandbox to its end.
    ///
    /// - Returns: the exit status for this program: the agent's, 128 and its signal, or 125 to 127.
    func run() -> Int32 {
        do throws(EngineError) {
            let spec = try spec()
            let verdict = try ForegroundRun(launcher, spec).run()
            if let ending = Self.ending(verdict, spec) { Message.say(ending) }
            return verdict.exitStatus
        } catch {
            Message.say(error.description)
            return error.exitStatus
        }
    }

    /// Prints the setup program and runs nothing.
    func explain() -> Int32 {
        do throws(EngineError) {
            var text = try launcher.explain(spec()).text
            if !text.hasSuffix("\n") { text += "\n" }
            Message.output(Message.visible(text))
            return 0
        } catch {
            Message.say(error.description)
            return error.exitStatus
        }
    }

    private var launcher: Launcher { Launcher(options: .init(callerEnvironment: callerEnvironment)) }

    /// The file of `--spec`, with the flags on top.
    private func spec() throws(EngineError) -> SandboxSpec {
        do throws(SpecError) {
            if parsed.specFile != nil { throw SpecError("spec files cannot be read yet; use flags") }
            var spec = SandboxSpec()
            try parsed.apply(to: &spec, callerEnvironment: callerEnvironment)
            return spec
        } catch {
            throw EngineError(error)
        }
    }

    /// The limit that ended the run, in words.
    private static func ending(_ verdict: Verdict, _ spec: SandboxSpec) -> String? {
        switch verdict.limit {
        case nil: nil
        case .memory:
            "ended by the memory limit" + (spec.limits.memory?.value.map { " of \($0)" } ?? "")
        case .timeout:
            "ended by the time limit" + (spec.limits.timeout.map { " of \(DurationText.print($0))" } ?? "")
        }
    }
}
