// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import TestHost
import Testing

extension SecurityTests {
    /// Attack 4: what is looked up is another thing a moment later. CVE-2021-30465
    @Suite struct Races {
        /// A process that exchanges two names without end.
        private func swapping<Result>(
            _ first: String, _ second: String, _ body: () throws -> Result
        ) throws -> Result {
            let process = try HostProcess(AttackPrograms.path("swap"), [first, second])
            for _ in 0..<500 * Patience.factor where AttemptReport(process.output.text)["ready"] == nil { usleep(1000) }
            let result = try body()
            #expect(process.wait() == .exited(0))
            guard case .succeeded(let swaps) = AttemptReport(process.output.text)["swaps"] else {
                Issue.record("no swaps: \(process.errors.text)")
                return result
            }
            #expect(swaps > 1000, "a race that is not run proves nothing")
            return result
        }

        private func makeRootfs() throws -> String {
            let rootfs = TemporaryTree.makeDirectory("rootfs")
            for name in ["bin", "etc", "data", "dev", "proc", "sys", "tmp", "workspace"] {
                try FileManager.default.createDirectory(atPath: "\(rootfs)/\(name)", withIntermediateDirectories: true)
            }
            try FileManager.default.copyItem(atPath: AttackPrograms.path("masks"), toPath: "\(rootfs)/bin/x")
            return rootfs
        }

        static let places = ["data", "workspace", "dev", "proc", "etc"]

        @Test(
            "attack 4: of 500 starts from a root file system whose mount points turn into links to the host and back, none mounts or writes there",
            arguments: places)
        func swappedMountPoint(place: String) throws {
            let canary = FileCanary()
            let rootfs = try makeRootfs()
            let link = "\(rootfs)/other"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: canary.directory)
            let data = TemporaryTree.makeDirectory("data")
            let workspace = TemporaryTree.makeDirectory("workspace")
            var started = 0, failed = 0
            try LeakCheck.around {
                try swapping("\(rootfs)/\(place)", link) {
                    for round in 0..<500 / Self.places.count {
                        var spec = try Sandbox.spec("masks", user: round % 2 == 0 ? .agent : .root)
                        spec.binds = [BindMount(source: data, target: try SandboxPath("/data"), readOnly: false)]
                        spec.workspace = workspace
                        spec.rootfs = .directory(rootfs)
                        spec.workdir = try SandboxPath("/")
                        spec.command = ["/bin/x", canary.path]
                        let outcome = try Sandbox.run(spec)
                        if let error = outcome.error {
                            failed += 1
                            #expect([.setupFailed, .unavailable, .notFound].contains(error.code), "\(error)")
                        } else {
                            started += 1
                            outcome.report.expectFailure(["canary"], "ENOENT", "EACCES", "ENOTDIR")
                        }
                    }
                }
            }
            canary.expectUntouched()
            #expect(started + failed == 500 / Self.places.count)
            #expect(started > 0, "all of them failed: nothing was raced for")
            #expect(TemporaryTree.listing(data).count == 1)
            #expect(TemporaryTree.listing("\(rootfs)/bin").count == 2)
        }

        @Test(
            "attack 4: of starts with a workspace whose directories turn into links to the host and back, none makes or guards a file there",
            arguments: [".git", ".claude"])
        func swappedWorkspace(place: String) throws {
            let canary = FileCanary()
            let workspace = TemporaryTree.makeDirectory("workspace")
            try FileManager.default.createDirectory(atPath: "\(workspace)/\(place)", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: "\(workspace)/other", withDestinationPath: canary.directory)
            var started = 0
            try LeakCheck.around {
                try swapping("\(workspace)/\(place)", "\(workspace)/other") {
                    for _ in 0..<50 {
                        var spec = try Sandbox.spec("masks", canary.path)
                        spec.workspace = workspace
                        let outcome = try Sandbox.run(spec)
                        if outcome.error == nil { started += 1 }
                        // A name that changed under the walk is said to have changed, and nothing is left half done.
                        let isExpected = [nil, .unavailable, .setupFailed].contains(outcome.error?.code)
                        #expect(isExpected, "\(outcome.summary)")
                    }
                }
            }
            canary.expectUntouched()
            #expect(started > 0)
            let names = TemporaryTree.listing(workspace).map { $0.prefix { $0 != " " } }
            #expect(names.sorted() == ["", Substring(place), "other"].sorted())
        }
    }
}
