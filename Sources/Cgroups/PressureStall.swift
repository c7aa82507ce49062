// SPDX-License-Identifier: Apache-2.0

/// How much of the time processes could not go on for want of CPU, memory or I/O: a file such as `memory.pressure`.
/// Documentation/accounting/psi.rst, Linux 4.20
public struct PressureStall: Sendable, Equatable {
    public struct Line: Sendable, Equatable {
        /// Percent of the last 10, 60 and 300 seconds.
        public var average10: Double
        public var average60: Double
        public var average300: Double
        /// Since the cgroup was made.
        public var total: Duration
    }

    /// At least one process was stalled.
    public var some: Line
    /// All were, so that nothing was done. `nil` for CPU before Linux 5.13.
    public var full: Line?

    /// Parses the kernel's text; `nil` where it has no `some` line.
    init?(_ text: String) {
        var lines: [Substring: Line] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let kind = words.first else { continue }
            var values: [Substring: Substring] = [:]
            for word in words.dropFirst() {
                let pair = word.split(separator: "=", maxSplits: 1)
                if pair.count == 2 { values[pair[0]] = pair[1] }
            }
            guard let total = values["total"].flatMap({ UInt64(decimal: $0) }),
                let average10 = values["avg10"].flatMap({ Double($0) }),
                let average60 = values["avg60"].flatMap({ Double($0) }),
                let average300 = values["avg300"].flatMap({ Double($0) })
            else { continue }
            lines[kind] = Line(
                average10: average10, average60: average60, average300: average300,
                total: .microseconds(Int64(clamping: total)))
        }
        guard let some = lines["some"] else { return nil }
        self.some = some
        full = lines["full"]
    }
}
