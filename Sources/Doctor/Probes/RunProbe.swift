// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// The real thing: `martinet run -- /bin/true`, with default settings, in a process of its own that is ended when it hangs.
enum RunProbe {
    /// How long a run may take: five thousand times what it does.
    static let patience = Duration.seconds(30)

    static func run(program: String, environment: [String: String]) -> RunOutcome {
        do throws(SystemError) {
            let run = try ProgramRun.run(
                program, ["run", "--", "/bin/true"], environment: environment.map { "\($0.key)=\($0.value)" },
                patience: patience)
            guard let status = run.status else { return .hung(seconds: Int(patience.components.seconds)) }
            if status == .exited(0) {
                let (seconds, attoseconds) = run.duration.components
                return .worked(milliseconds: Int(seconds * 1000 + attoseconds / 1_000_000_000_000_000))
            }
            let (message, hint) = words(run.errors)
            return .failed(status: status.shellCode, message: message, hint: hint)
        } catch { return .untried(error.description) }
    }

    /// Takes `martinet: MESSAGE` and `hint: CURE` apart.
    static func words(_ errors: String) -> (message: String, hint: String?) {
        var message: [Substring] = []
        var hint: String?
        for line in errors.split(separator: "\n") {
            if line.hasPrefix("hint: ") {
                hint = String(line.dropFirst("hint: ".count))
            } else {
                message.append(line.hasPrefix("martinet: ") ? line.dropFirst("martinet: ".count) : line)
            }
        }
        return (message.joined(separator: "; "), hint)
    }
}
