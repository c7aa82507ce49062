// SPDX-License-Identifier: Apache-2.0
import SandboxSpec

extension ProgramCompiler {
    /// Where the nodes made for this sandbox are until each is at its place.
    private static let nodesPath = "/dev/.nodes"

    /// The devices that the spec names: mounts of single nodes, with attributes that let devices be opened.
    mutating func addNamedDevices() {
        if let nodes = inputs.deviceNodes { emit(.attach(nodes, path: Self.nodesPath, create: .directory)) }
        for device in inputs.namedDevices {
            switch device.source {
            case .made(let name):
                let slot = makeSlot("device \(device.target)")
                emit(.cloneTree(slot, path: "\(Self.nodesPath)/\(name)"))
                emit(.attach(slot, path: device.target, create: .file))
            case .bound:
                if let slot = hostSlots[device.target] {
                    emit(.attach(slot, path: device.target, create: .file))
                }
            }
        }
        // A copy of one node stays where it was put; the others are nobody's any more.
        if inputs.deviceNodes != nil { emit(.unmount(path: Self.nodesPath)) }
    }
}
