// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

extension ProgramCompiler {
    /// The steps of a sandbox without namespaces: nothing is made, and what the agent may reach comes along as descriptors.
    mutating func compileWithoutNamespaces() {
        for slot in inputs.cgroups { emit(.joinCgroup(slot)) }
        emit(.joinSessionKeyring)
        terminal = inputs.terminal
        landlockOverHost()
        watching()
        agent()
    }

    /// Rules about descriptors that the host opened: nobody can put another file in their place.
    private mutating func landlockOverHost() {
        guard let landlock = inputs.landlock else { return }
        let ruleset = makeRuleset(landlock)
        for rule in landlock.descriptors {
            emit(.landlock(.allowDescriptor(ruleset: ruleset, rule.slot, access: rule.access)))
        }
    }
}
