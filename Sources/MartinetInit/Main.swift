// SPDX-License-Identifier: Apache-2.0
import CLinux

/// PID 1 of a sandbox: receives a program, executes it step by step, starts the agent, reaps, reports how it ended.
///
/// It decides nothing. Started by hand it does nothing either: unless it holds the launcher's socket, it exits with 125.
/// A program for new namespaces it runs only as PID 1, in other mount and user namespaces than the launcher; a program
/// without namespaces only as another process in the launcher's own, and of that only what touches nothing of the host's.
@c(MartinetInit_main)
func main(_ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
    guard socketIsOurs() else {
        complain("martinet-init: only martinet starts this program; nothing was done\n")
        return 125
    }
    // Installed without read permission, it is not dumpable from exec on, and /proc/self is not its own. Until the agent
    // starts nobody is there to look. What stays is that only the host's CAP_SYS_PTRACE counts then. ptrace(2)
    _ = mt_syscall(Int(SYS_prctl), Int(PR_SET_DUMPABLE), 1, 0, 0, 0, 0)
    resetDispositions()
    var program: ReceivedProgram
    do throws(StepError) {
        program = try receiveProgram()
        try requirePlace(program.header)
    } catch {
        reportFailure(instruction: RecordLayout.noInstruction, errno: error.errno)
        return 125
    }
    var sandbox = Sandbox(program)
    sandbox.run()
}

/// Every signal back to its default action: what is started begins with that, and here all are blocked. What whoever started
/// the launcher ignored would be ignored; of SIGCHLD, the kernel would reap, and nobody hear of an end. signal(7), wait(2)
private func resetDispositions() {
    // struct sigaction of the kernel, all zero: SIG_DFL, no flags, no restorer, empty mask.
    var action: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutablePointer(to: &action) { action in
        for signal in 1...64 where signal != Int(SIGKILL) && signal != Int(SIGSTOP) {
            _ = mt_syscall(Int(SYS_rt_sigaction), signal, Int(bitPattern: action), 0, 8, 0, 0)
        }
    }
}

private func socketIsOurs() -> Bool {
    var type: Int32 = 0
    return readSocketOption(Int(SO_TYPE), of: controlSocket, into: &type) && type == Int32(SOCK_SEQPACKET.rawValue)
}

/// Refuses to touch mounts or identities that are the launcher's, and to be a process of the host's where it is not.
/// namespaces(7)
private func requirePlace(_ header: ProgramHeader) throws(StepError) {
    func identity(_ path: StaticString) throws(StepError) -> NamespaceIdentity {
        var found = stat()
        try withWord(&found) { found throws(StepError) in
            try sys(Int(SYS_newfstatat), Int(AT_FDCWD), literal(path), found, 0)
        }
        return NamespaceIdentity(device: UInt64(found.st_dev), inode: UInt64(found.st_ino))
    }
    let isFirst = mt_syscall(Int(SYS_getpid), 0, 0, 0, 0, 0, 0) == 1
    let mount = try identity("/proc/self/ns/mnt")
    let user = try identity("/proc/self/ns/user")
    switch header.mode {
    case .namespaces:
        guard isFirst, mount != header.launcherMountNamespace, user != header.launcherUserNamespace else {
            throw StepError(EPERM)
        }
    case .subreaper:
        guard !isFirst, mount == header.launcherMountNamespace, user == header.launcherUserNamespace else {
            throw StepError(EPERM)
        }
        try sys(Int(SYS_prctl), Int(PR_SET_CHILD_SUBREAPER), 1, 0, 0, 0)
    }
}
