// SPDX-License-Identifier: Apache-2.0
import Engine
import LinuxKernel
import SandboxSpec

/// What `run` and `explain` were asked for.
struct SpecRequest {
    private let parsed: FlagParser.Parsed
    private let callerEnvironment = CallerEnvironment.read()

    init(_ parsed: FlagParser.Parsed) { self.parsed = parsed }

    /// Writes the sandbox down, and prints its id.
    func create() -> Int32 {
        do throws(EngineError) {
            Message.output(try DetachedRequest(parsed, try spec(), launcher).create().id.text + "\n")
            return 0
        } catch {
            Message.say(error.description)
            return error.exitStatus
        }
    }

    /// Runs the sandbox to its end, or starts it and goes.
    ///
    /// - Returns: the exit status for this program: the agent's, 128 and its signal, or 125 to 127.
    func run() -> Int32 {
        do throws(EngineError) {
            if parsed.detached.isAsked {
                try DetachedRequest(parsed, try spec(), launcher).run()
                return 0
            }
            try DetachedRequest.requireNone(parsed)
            guard let target = parsed.report else { return try runSaying().status }
            let file = try ReportFile(report: target)
            do throws(EngineError) {
                let (verdict, status) = try runSaying()
                file.write(VerdictReport(verdict, name: try? spec().name?.text).line)
                return status
            } catch {
                file.write(VerdictReport(error, name: try? spec().name?.text).line)
                throw error
            }
        } catch {
            Message.say(error.description)
            return error.exitStatus
        }
    }

    /// Runs, and says what a person should know.
    private func runSaying() throws(EngineError) -> (verdict: Verdict, status: Int32) {
        let spec = try spec()
        let verdict: Verdict
        if let path = parsed.learn {
            let file = try ReportFile(path: path, field: "learn")
            verdict = try ForegroundRun(launcher, spec).run()
            if let profile = verdict.learnedProfile { file.write(profile) }
        } else {
            verdict = try ForegroundRun(launcher, spec).run()
        }
        if let ending = Self.ending(verdict, spec) { Message.say(ending) }
        Self.sayWhatAppeared(verdict)
        if let denials = verdict.denials, parsed.report == nil || parsed.isVerbose { Self.say(denials) }
        if parsed.isVerbose {
            Message.say(verdict.words)
            // What namespaces would have held is not to be taken for held.
            if spec.isolation == .landlock {
                for text in verdict.confinement.missing { Message.say("missing: \(text)") }
            }
        } else if verdict.exitStatus != 0, verdict.limit == nil, let closed = verdict.confinement.closedWords {
            // The agent met "permission denied" where with namespaces it would not have.
            Message.error("hint: \(closed)")
        }
        guard let failure = verdict.outputFailure else { return (verdict, verdict.exitStatus) }
        Message.say("some of the agent's output is lost: \(failure)")
        return (verdict, verdict.exitStatus == 0 ? 125 : verdict.exitStatus)
    }

    private static func say(_ report: DenialReport) {
        for denial in report.denials {
            let times = denial.count == 1 ? "" : " (\(denial.count) times)"
            let capability = denial.capability.map { ", which takes \($0)" } ?? ""
            Message.say("denied by \(denial.by): \(visible(denial.attempt))\(capability): \(denial.errno)\(times)")
        }
        if report.uncounted > 0 { Message.say("and \(report.uncounted) more that were not kept apart") }
    }

    /// Prints the setup program and runs nothing.
    func explain() -> Int32 {
        do throws(EngineError) {
            let spec = try spec()
            var text = try launcher.explain(spec).text
            if !text.hasSuffix("\n") { text += "\n" }
            if spec.isolation == .landlock {
                for missing in try launcher.missing(spec) { text += "missing: \(missing)\n" }
            }
            Message.output(Message.withoutControls(text))
            return 0
        } catch {
            Message.say(error.description)
            return error.exitStatus
        }
    }

    private var launcher: Launcher {
        Launcher(
            options: .init(
                callerEnvironment: callerEnvironment, accounts: parsed.report != nil || parsed.isVerbose,
                learns: parsed.learn != nil))
    }

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

    /// What is in the workspace since the run and could be obeyed outside.
    private static func sayWhatAppeared(_ verdict: Verdict) {
        if let failure = verdict.reviewFailure {
            Message.say("look through the workspace for new hooks and settings: \(failure)")
        }
        guard !verdict.appeared.isEmpty else { return }
        let shown = verdict.appeared.prefix(8).map(visible).joined(separator: ", ")
        let rest = verdict.appeared.count > 8 ? " and \(verdict.appeared.count - 8) more" : ""
        Message.say(
            "new in the workspace: \(shown)\(rest)\nhint: git, editors or agents may obey them; read them before you use "
                + "any of those there")
    }

    /// The limit that ended the run, in words.
    private static func ending(_ verdict: Verdict, _ spec: SandboxSpec) -> String? {
        func words(_ name: String, _ value: (some CustomStringConvertible)?) -> String {
            "ended by the \(name) limit" + (value.map { " of \($0)" } ?? "")
        }
        return switch verdict.limit {
        case nil: nil
        case .memory: words("memory", spec.limits.memory?.value)
        case .time: words("time", spec.limits.timeout.map(DurationText.print))
        case .cpuTime: words("CPU time", spec.limits.cpuTime.map(DurationText.print))
        case .output: words("output", spec.limits.output)
        case .pids:
            "failed after processes were refused at the limit of \(spec.limits.pids?.value ?? Launcher.defaultProcesses)"
        case .disk: "failed with the disk full" + (spec.limits.disk.map { ": its limit is \($0)" } ?? "")
        }
    }
}
