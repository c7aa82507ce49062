// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

@Suite struct CodableTests {
    @Test func `A spec is a value of other documents`() throws {
        struct Fleet: Codable, Equatable { var agents: [String: SandboxSpec] }
        let asked = try spec(FieldSample.all.flatMap(\.flags) + ["--", "sh", "-c", "exit 3"])
        let fleet = Fleet(agents: ["a": asked, "b": SandboxSpec()])
        let data = try JSONEncoder().encode(fleet)
        let read = try JSONDecoder().decode(Fleet.self, from: data)
        #expect(read.agents["b"] == SandboxSpec())
        // A decoder does not keep the order of keys; a map is read in the order of its keys.
        let sorted = try #require(read.agents["a"])
        #expect(sorted.node.members.map(\.key) == asked.node.members.map(\.key))
        #expect(
            sorted.command == asked.command && sorted.binds == asked.binds
                && sorted.limits.memory == asked.limits.memory)
        #expect(Set(sorted.environment) == Set(asked.environment) && Set(sorted.join) == Set(asked.join))
        #expect(Set(sorted.secrets) == Set(asked.secrets) && Set(sorted.limits.rlimits) == Set(asked.limits.rlimits))
    }

    @Test func `Unknown keys are errors here as well`() {
        #expect(throws: SpecError.self) {
            try JSONDecoder().decode(SandboxSpec.self, from: Data(#"{"memory": 1}"#.utf8))
        }
    }
}
