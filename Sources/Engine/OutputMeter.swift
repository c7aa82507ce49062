// SPDX-License-Identifier: Apache-2.0

/// Counts what an agent writes to its standard output and error together, and says how much more it may.
final class OutputMeter {
    /// Bytes that are passed on; `nil` for as many as there are.
    let limit: UInt64?
    /// Bytes passed on.
    private(set) var written: UInt64 = 0
    /// Whether there was more than the limit.
    private(set) var isExceeded = false

    init(limit: UInt64?) { self.limit = limit }

    /// How many bytes may be moved next, at most `count`; 0 when the limit is reached.
    func allowance(upTo count: Int) -> Int {
        guard let limit else { return count }
        return Int(min(UInt64(count), limit - written))
    }

    func count(_ bytes: Int) { written += UInt64(bytes) }

    /// There was a byte beyond the limit.
    func exceed() { isExceeded = true }
}
