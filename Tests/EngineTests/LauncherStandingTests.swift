// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import LinuxKernel
import SandboxSpec
import Testing

@testable import Engine

/// A launch changes the launcher's thread and shares its memory with a child that becomes somebody else: none of it stays.
@Suite(.enabled(if: isRoot, "only root's launches change the launcher's thread"))
struct LauncherStandingTests {
    private struct Standing: Equatable {
        var dumpable = mt_syscall(Int(SYS_prctl), Int(PR_GET_DUMPABLE), 0, 0, 0, 0, 0)
        var deathSignal: Int32 = {
            var signal: Int32 = 0
            withUnsafeMutablePointer(to: &signal) { signal in
                _ = mt_syscall(Int(SYS_prctl), Int(PR_GET_PDEATHSIG), Int(bitPattern: signal), 0, 0, 0, 0)
            }
            return signal
        }()
        /// Ids, groups, signals and capabilities, as the kernel tells them.
        var status = Self.statusLines()
        var directory = try? readSymlink("/proc/self/cwd")
        var namespaces = ["mnt", "user", "net", "pid_for_children"].map {
            try? readSymlink("/proc/thread-self/ns/\($0)")
        }

        private static func statusLines() -> [Substring] {
            let kept = ["Uid", "Gid", "Groups", "SigBlk", "SigIgn", "SigCgt", "Cap", "NoNew", "Seccomp:", "Umask"]
            guard let text = try? readText("/proc/thread-self/status") else { return [] }
            return text.split(separator: "\n").filter { line in kept.contains { line.hasPrefix($0) } }
        }
    }

    @Test(arguments: [false, true])
    func `the launcher is who and what it was`(audits: Bool) async {
        // A process of its own: what it is must not be another test's doing.
        await #expect(processExitsWith: .success) { [audits] in
            LeakCheck.adoptOrphans()
            _ = mt_syscall(Int(SYS_prctl), Int(PR_SET_DUMPABLE), 1, 0, 0, 0, 0)
            _ = mt_syscall(Int(SYS_prctl), Int(PR_SET_PDEATHSIG), Int(SIGUSR2), 0, 0, 0, 0)
            try TestGround.with { ground in
                let before = Standing()
                #expect(before.dumpable == 1 && before.deathSignal == SIGUSR2 && before.status.count > 10)
                var spec = try ground.fullSpec(command: ["/bin/sh", "-c", "cat /etc/shadow; true"])
                spec.audit = audits
                let verdict = try withQuietStreams { try ground.launcher().start(spec, streams: $0).wait() }
                #expect(verdict.exitStatus == 0)
                #expect(Standing() == before)
            }
        }
    }
}
