// SPDX-License-Identifier: Apache-2.0

extension SandboxCgroup {
    /// The hierarchies that the sandbox is in, for reports: `v2` or `v1 memory`.
    public var hierarchyNames: [String] {
        places.map { place in
            switch place.version {
            case .v2: "v2"
            case .v1: "v1 " + place.controllers.map(\.nameInV1).joined(separator: ",")
            }
        }
    }

    /// Whether memory is limited or counted here.
    public var countsMemory: Bool { places.contains { $0.controllers.contains(.memory) } }
}
