// SPDX-License-Identifier: Apache-2.0

extension FilterProgram {
    /// The calls between the installation of a filter and the agent's first instruction that this filter does not allow.
    /// With any of them refused no agent starts.
    public var callsRefusedAtStart: [String] {
        Self.callsAtStart.filter { name in
            guard case .number(let number) = try? SystemCallNumbers.resolve(name) else { return false }
            return !decision(on: SeccompData(number: number)).isAllowed
        }
    }

    /// Init's last steps, in the agent's process: see `AgentCompilation`.
    static let callsAtStart = ["close_range", "execve"]
}
