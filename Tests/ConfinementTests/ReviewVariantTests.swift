// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Confinement

@Suite struct ReviewVariantTests {
    private static let calls = ["setxattr", "lsetxattr", "fsetxattr"]

    @Test(arguments: [CapabilitySet.setfcap, .sysAdmin])
    func `an agent that could give a file capabilities cannot in a directory of the host's`(
        capability: CapabilitySet
    ) throws {
        let shared = try CompiledProfile(.default(capabilities: capability, denySetuidBits: true))
        let own = try CompiledProfile(.default(capabilities: capability))
        let without = try CompiledProfile(.default(denySetuidBits: true))
        for name in Self.calls {
            #expect(try shared.action(name) == .errno(.notPermitted), "\(name)")
            #expect(try own.action(name) == .allow, "\(name)")
            // The kernel refuses the one attribute; all others are the agent's.
            #expect(try without.action(name) == .allow, "\(name)")
        }
    }
}
