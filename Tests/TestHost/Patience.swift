// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How much longer than on an ordinary machine tests wait for what must come: `MARTINET_SLOW`, which `scripts/test-vm` sets
/// to what emulation costs.
///
/// It scales deadlines and bounds of time, nothing else: what must not happen must not happen on a slow machine either.
public enum Patience {
    /// A whole number, 1 where the variable is not set.
    public static let factor: Int = {
        guard let text = getenv("MARTINET_SLOW").map({ String(cString: $0) }) else { return 1 }
        guard let factor = Int(text), (1...100).contains(factor) else {
            preconditionFailure("MARTINET_SLOW=\(text): not a whole number from 1 to 100")
        }
        return factor
    }()
}

extension Duration {
    /// As long as this takes on an ordinary machine, on this one.
    public var patient: Duration { self * Patience.factor }
}
