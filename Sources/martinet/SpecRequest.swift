// SPDX-License-Identifier: Apache-2.0
import Engine
import LinuxKernel
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
            var spec = try parsed.specFile.map(Self.read) ?? SandboxSpec()
            try parsed.apply(to: &spec, callerEnvironment: callerEnvironment)
            return spec
        } catch {
            throw EngineError(error)
        }
    }

    /// Reads a spec's file; `-` is standard input.
    private static func read(_ path: String) throws(SpecError) -> SandboxSpec {
        let bytes: [UInt8]
        do throws(SystemError) {
            let limit = SpecNode.maximumBytes
            if path == "-" {
                let input = try duplicate(0)
                bytes = try readAll(input, limit: limit)
            } else {
                let file = try open(path, [.noControllingTerminal])
                bytes = try readAll(file, limit: limit)
            }
        } catch where error.errno == .fileTooLarge {
            throw SpecError("\(path): a spec has at most 1MiB")
        } catch {
            throw SpecError(error.description)
        }
        let name = path == "-" ? "standard input" : path
        return try SandboxSpec(document: bytes, format: SpecFormat(fileName: path, contents: bytes), fileName: name)
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
