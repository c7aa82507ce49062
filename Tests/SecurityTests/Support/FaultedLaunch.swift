// SPDX-License-Identifier: Apache-2.0
import Foundation

@testable import Confinement

/// One system call of a launch: by whom, the how many-th of that process, and which.
struct LaunchCall: Hashable, CustomStringConvertible {
    let role: String
    let number: Int
    let call: Int32

    var name: String { SystemCallNumbers.name(of: call, on: .native) ?? "call \(call)" }
    var description: String { "\(role) call \(number) \(name)" }

    /// What the C library asks the kernel for on its own account, and cannot do without: a Swift program ends there.
    var isMemory: Bool { ["mmap", "brk", "mprotect", "munmap", "mremap", "madvise"].contains(name) }

    /// What these calls fail with where they fail.
    var errnos: [Int32] {
        switch name {
        case "mmap", "brk", "mprotect", "munmap", "mremap", "madvise": [ENOMEM]
        case "open", "openat", "openat2", "dup", "dup2", "dup3", "fcntl", "pipe2", "socket", "socketpair", "accept4",
            "eventfd2", "timerfd_create", "signalfd4", "epoll_create1", "memfd_create", "pidfd_open", "fsopen",
            "fsmount", "open_tree":
            [EMFILE, ENOMEM, EPERM]
        case "mkdir", "mkdirat", "symlinkat", "linkat", "renameat", "renameat2", "write", "pwrite64", "ftruncate",
            "fallocate":
            [ENOSPC, EIO, EPERM]
        case "read", "pread64", "getdents64", "readlink", "readlinkat", "fstat", "newfstatat", "statx", "lseek",
            "close":
            [EIO, ENOMEM]
        case "wait4", "waitid": [EINTR]
        // Of the launcher's question EPERM is an answer: something forbids Landlock, and so it is said.
        case "landlock_create_ruleset" where role == "0": [ENOMEM, EMFILE]
        case "clone3", "clone", "vfork", "fork": [ENOMEM, EPERM, EAGAIN]
        default: [EPERM, ENOMEM]
        }
    }

    /// Whether a signal may interrupt it.
    var isInterruptible: Bool {
        [
            "read", "write", "poll", "ppoll", "wait4", "waitid", "recvmsg", "sendmsg", "openat", "openat2", "flock",
            "connect", "accept4", "pread64", "pwrite64", "clock_nanosleep", "nanosleep", "epoll_wait",
            "epoll_pwait", "dup3", "ftruncate", "getrandom",
        ].contains(name)
    }
}

/// A launch of the real command line in which one system call fails, or none. See `Attacks/faults.c`.
struct FaultedLaunch {
    let watch: HostWatch
    /// What happened to processes: the call that failed, crashes, what was left.
    let events: [String]

    /// - Parameters:
    ///   - command: what is started, `martinet run` in it.
    ///   - fault: the call that fails; `nil` lists all of them in `events`.
    init(_ command: [String], fault: (call: LaunchCall, errno: Int32)? = nil) throws {
        let report = "\(TemporaryTree.shared("faults"))/report"
        let what: [String] =
            if let fault { [fault.call.role, "\(fault.call.number)", "\(fault.errno)"] } else { ["-", "0", "0"] }
        try? FileManager.default.removeItem(atPath: report)
        watch = try HostWatch([AttackPrograms.path("faults"), report] + what + ["--"] + command, canaries: [])
        events = (TemporaryTree.read(report) ?? "").split(separator: "\n").map(String.init)
    }

    var calls: [LaunchCall] {
        events.filter { $0.hasPrefix("call ") }.compactMap(Self.call)
    }

    private static func call(_ line: String) -> LaunchCall? {
        let words = line.split(separator: " ")
        guard words.count == 4, let number = Int(words[2]), let call = Int32(words[3]) else { return nil }
        return LaunchCall(role: String(words[1]), number: number, call: call)
    }

    /// The call that was made to fail; `nil` if the process did not come that far. By its number it may be another one than
    /// in the run that they were listed in.
    var failed: LaunchCall? { events.lazy.filter { $0.hasPrefix("failed ") }.compactMap(Self.call).first }
    var crashes: [String] { events.filter { $0.hasPrefix("crash ") } }
    var left: [String] { events.filter { $0.hasPrefix("left ") } + watch.sights.filter { $0.hasPrefix("left ") } }
}
