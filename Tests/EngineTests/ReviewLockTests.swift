// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import SandboxSpec
import Storage
import Testing

@testable import Engine

/// What a sandbox holds stays its own as long as it lives, not only while it is being started.
@Suite(.enabled(if: isRoot, "id ranges and id-mapped overlays are root's: run the tests as root"), .serialized)
struct ReviewLockTests {
    @Test func `an id range is nobody else's while the sandbox lives, and free after`() async {
        await #expect(processExitsWith: .success) {
            try TestGround.with { ground in
                var spec = SandboxSpec()
                spec.command = ["/bin/sleep", "60"]
                var sandbox = try withQuietStreams { try ground.launcher().start(spec, streams: $0) }
                let map = try #require(try readText("/proc/\(sandbox.process.pid)/uid_map"))
                let base = try #require(UInt32(map.split(separator: " ")[1]))
                let slot = Int((base - IdentityPool.firstID) / IdentityPool.idsPerRange)
                let pool = IdentityPool(directory: ground.state)
                #expect(try pool.allocate(preferredSlot: slot).base != base)
                sandbox.abandon()
                #expect(try pool.allocate(preferredSlot: slot).base == base)
            }
        }
    }

    @Test func `an overlay directory takes one sandbox at a time`() async {
        await #expect(processExitsWith: .success) {
            try TestGround.with { ground in
                var spec = SandboxSpec()
                spec.command = ["/usr/bin/sleep", "60"]
                spec.rootfs = .directory(ground.rootfs)
                spec.overlay = "\(ground.root)/overlay"
                spec.binds = ["/usr", "/lib", "/lib64"].filter { mayAccess($0, .read) }.compactMap {
                    try? BindMount("\($0):\($0):ro")
                }
                let launcher = ground.launcher()
                var first = try withQuietStreams { try launcher.start(spec, streams: $0) }
                #expect {
                    var second = try withQuietStreams { try launcher.start(spec, streams: $0) }
                    second.abandon()
                } throws: { "\($0)".contains("another sandbox uses it") }
                first.abandon()
                var third = try withQuietStreams { try launcher.start(spec, streams: $0) }
                third.abandon()
            }
        }
    }
}
