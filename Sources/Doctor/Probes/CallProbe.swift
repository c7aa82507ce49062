// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Attempts that do not depend on each other: system calls, filters, Landlock.
enum CallProbe {
    /// Makes the attempts of a range, each in whatever child is alive. One that kills its child is skipped by the next, so
    /// that a filter that kills answers for its own calls alone.
    static func attempts(_ range: ClosedRange<AttemptName>) -> [AttemptName: Attempt] {
        let all = AttemptName.allCases.filter(range.contains)
        var found: [AttemptName: Attempt] = [:]
        var rest = all[...]
        while let first = rest.first, let last = rest.last {
            do throws(SystemError) {
                var child = try ProbeChild(ProbeChild.Request(attempts: first...last))
                let outcome = try child.finish()
                for (name, attempt) in outcome.answers { found[name] = attempt }
                rest = rest.drop { found[$0] != nil }
                guard let culprit = rest.first else { break }
                switch outcome.end {
                case .signaled(let signal): found[culprit] = .killed(signal: signal)
                case nil: found[culprit] = .untried("it did not come back")
                case .exited: found[culprit] = .untried("the child that was to try it gave up")
                }
                rest = rest.dropFirst()
            } catch {
                for name in rest { found[name] = .untried("no child to try it in: \(error)") }
                break
            }
        }
        return found
    }
}
