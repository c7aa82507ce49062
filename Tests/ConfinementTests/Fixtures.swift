// SPDX-License-Identifier: Apache-2.0
import Confinement
import LinuxKernel

/// Files beside the tests; below the working directory, where a bundle runs on another machine.
enum Fixtures {
    static func bytes(_ name: String) throws -> [UInt8] { try readAll(try open(path("Fixtures/\(name)"))) }

    static func path(_ name: String) -> String {
        let folder = #filePath.split(separator: "/").dropLast().joined(separator: "/")
        let beside = "/\(folder)/\(name)"
        return (try? status(of: beside)) != nil ? beside : "Tests/ConfinementTests/\(name)"
    }

    static func docker(
        capabilities: CapabilitySet = [], kernel: KernelVersion = KernelVersion(major: 6, minor: 1)
    ) throws -> OCIProfile.Resolution {
        try OCIProfile(json: bytes("docker-20.10.json")).resolved(capabilities: capabilities, kernel: kernel)
    }

    static func podman(capabilities: CapabilitySet = []) throws -> OCIProfile.Resolution {
        try OCIProfile(json: bytes("podman-4.3.json"))
            .resolved(capabilities: capabilities, kernel: KernelVersion(major: 6, minor: 1))
    }
}
