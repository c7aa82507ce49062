// SPDX-License-Identifier: Apache-2.0
import Foundation
import SandboxSpec
import Testing

extension SecurityTests {
    /// Attack 44 in a hostile root file system: /workspace leads to one directory while the workspace is mounted, and to
    /// another when names in it are guarded. Here a mount of the caller's on the way there makes the difference, which comes
    /// out the same every time; on a file system that looks again a rename on the host would.
    @Suite struct SwappedWorkspace {
        private let rootfs = TemporaryTree.makeDirectory("rootfs")
        private let workspace = TemporaryTree.makeDirectory("workspace")
        private let over = TemporaryTree.makeDirectory("over")
        /// What /workspace leads to in the end.
        private var other: String { "\(over)/link" }

        init() throws {
            let files = FileManager.default
            for name in ["bin", "etc", "a/b", "real"] {
                try files.createDirectory(atPath: "\(rootfs)/\(name)", withIntermediateDirectories: true)
            }
            try files.copyItem(atPath: AttackPrograms.path("append"), toPath: "\(rootfs)/bin/x")
            try files.createSymbolicLink(atPath: "\(rootfs)/workspace", withDestinationPath: "a/b/link")
            try files.createSymbolicLink(atPath: "\(rootfs)/a/b/link", withDestinationPath: "../../real")
            mkdir(other, 0o755)
            for directory in [workspace, other] {
                for name in ["plain", ".bashrc"] { TemporaryTree.write("untouched", to: "\(directory)/\(name)") }
            }
        }

        private func spec() throws -> SandboxSpec {
            var spec = try Sandbox.spec("append", user: .root)
            spec.rootfs = .directory(rootfs)
            spec.workspace = workspace
            spec.binds = [BindMount(source: over, target: try SandboxPath("/a/b"), readOnly: false)]
            spec.workdir = try SandboxPath("/")
            spec.command = ["/bin/x", "/real/.bashrc", "/real/plain", "/workspace/.bashrc"]
            return spec
        }

        @Test("attack 44: guards are on the workspace, wherever it was mounted and whatever its path leads to since")
        func guards() throws {
            try LeakCheck.around {
                let outcome = try Sandbox.run(spec())
                #expect(outcome.status == 0, "\(outcome.summary)")
                outcome.report.expectFailure(["/real/.bashrc"], "EROFS")
                // The one could be written to but for its guard, and the path did lead to the other.
                outcome.report.expectSuccess("/real/plain", "/workspace/.bashrc")
            }
            #expect(TemporaryTree.read("\(workspace)/.bashrc") == "untouched")
            #expect(TemporaryTree.read("\(other)/.bashrc") == "untouchedevil")
        }

        @Test("attack 44: a name without a guard, because of a mount that went elsewhere, is an error")
        func cover() throws {
            let file = TemporaryTree.makeDirectory("file") + "/file"
            TemporaryTree.write("another", to: file)
            var spec = try spec()
            spec.binds.append(BindMount(source: file, target: try SandboxPath("/workspace/.bashrc"), readOnly: true))
            try LeakCheck.around {
                let outcome = try Sandbox.run(spec)
                #expect(outcome.error?.code == .setupFailed, "\(outcome.summary)")
                let names = outcome.error?.message.contains("mounted on .bashrc")
                #expect(names == true, "\(outcome.summary)")
            }
            #expect(TemporaryTree.read("\(workspace)/.bashrc") == "untouched")
            // Where the path leads to the workspace, the mount is there instead of the guard.
            try FileManager.default.removeItem(atPath: "\(rootfs)/workspace")
            try LeakCheck.around {
                let outcome = try Sandbox.run(spec)
                #expect(outcome.status == 0, "\(outcome.summary)")
                outcome.report.expectFailure(["/workspace/.bashrc"], "EROFS")
                outcome.report.expectFailure(["/real/.bashrc"], "ENOENT")
            }
            #expect(TemporaryTree.read(file) == "another")
        }
    }
}
