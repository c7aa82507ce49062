// SPDX-License-Identifier: Apache-2.0
import CLinux

/// What the agent's process is given, and where it leaves word of a failure: it may share init's memory or have a shared
/// page of its own, and after its filter is installed it can make no call to say so.
struct AgentStart {
    var program: WireReader
    var firstInstruction: UInt32
    var instructionCount: UInt32
    var slots: Slots
    var page: UnsafeMutablePointer<mt_agent_page>
    var mode: ProgramMode
    /// Init's bounding set, which the process starts with.
    var bounding = UInt64.max

    func fail(_ index: UInt32, _ errno: Int32) {
        page.pointee.failed_index = index
        page.pointee.failed_errno = errno
    }
}

/// Runs the rest of the program in the agent's process. Returns only on failure.
func runAgent(_ start: inout AgentStart) {
    var index = start.firstInstruction
    var executed = false
    while index < start.instructionCount, !executed {
        do throws(StepError) {
            let (opcode, operands) = try nextInstruction(&start.program)
            guard opcode.runsInAgent, start.mode == .namespaces || opcode.runsWithoutNamespaces else {
                throw StepError(EBADMSG)
            }
            try execute(opcode, operands, start)
            executed = opcode == .execute
        } catch {
            start.fail(index, error.errno)
            return
        }
        index += 1
    }
    start.fail(index, EBADMSG)  // a program that does not end in execute
}

/// The next instruction and its operands.
func nextInstruction(_ program: inout WireReader) throws(StepError) -> (Opcode, WireReader) {
    do throws(WireError) {
        let head = try InstructionHeader(&program)
        return (head.opcode, try program.part(count: head.length))
    } catch { throw StepError(EBADMSG) }
}

private func execute(_ opcode: Opcode, _ reader: WireReader, _ start: AgentStart) throws(StepError) {
    var reader = reader
    let slots = start.slots
    switch opcode {
    case .fail: throw StepError(Int32(bitPattern: try wire { () throws(WireError) in try reader.uint32() }))
    case .newSession: try newSession(try wire { () throws(WireError) in try reader.uint32() }, slots)
    case .setStandardDescriptors:
        try setStandardDescriptors(try wire { () throws(WireError) in try StandardDescriptorOperands(&reader) }, slots)
    case .setResourceLimit:
        try setResourceLimit(try wire { () throws(WireError) in try ResourceLimitOperands(&reader) })
    case .dropBoundingCapabilities:
        try dropBounding(try wire { () throws(WireError) in try BoundingOperands(&reader) }, of: start.bounding)
    case .setIdentity: try setIdentity(try wire { () throws(WireError) in try IdentityOperands(&reader) })
    case .setCapabilities: try setCapabilities(try wire { () throws(WireError) in try CapabilityOperands(&reader) })
    case .setSecurebits:
        try sys(Int(SYS_prctl), Int(PR_SET_SECUREBITS), Int(try wire { () throws(WireError) in try reader.uint32() }))
    case .setNice: try setNice(Int32(bitPattern: try wire { () throws(WireError) in try reader.uint32() }))
    case .setWorkingDirectory:
        try setWorkingDirectory(try wire { () throws(WireError) in try reader.string() })
    case .setUmask: try sys(Int(SYS_umask), Int(try wire { () throws(WireError) in try reader.uint32() }))
    case .resetSignals: try resetSignals()
    case .setParentDeathSignal:
        let signal = try wire { () throws(WireError) in try reader.uint32() }
        try sys(Int(SYS_prctl), Int(PR_SET_PDEATHSIG), Int(signal), 0, 0, 0)
    case .setNoNewPrivileges: try sys(Int(SYS_prctl), Int(PR_SET_NO_NEW_PRIVS), 1, 0, 0, 0)
    case .joinSessionKeyring: try joinSessionKeyring()
    case .restrictSelf:
        try restrictSelf(try wire { () throws(WireError) in try RestrictSelfOperands(&reader) }, slots)
    case .installFilter:
        try installFilter(try wire { () throws(WireError) in try FilterOperands(&reader) }, start.page)
    case .closeDescriptors:
        // At exec, which is next: until then the end of a pipe among them tells init that the program runs. Linux 5.11
        try sys(
            Int(SYS_close_range), Int(try wire { () throws(WireError) in try reader.uint32() }), Int(UInt32.max),
            Int(CLOSE_RANGE_CLOEXEC))
    case .execute: try execute(try wire { () throws(WireError) in try ExecuteOperands(&reader) })
    default: throw StepError(EBADMSG)
    }
}

private func newSession(_ terminal: UInt32, _ slots: Slots) throws(StepError) {
    try sys(Int(SYS_setsid))
    if terminal != noSlot { try sys(Int(SYS_ioctl), try slots[terminal], Int(MT_TIOCSCTTY), 0) }
}

private func setStandardDescriptors(_ operands: StandardDescriptorOperands, _ slots: Slots) throws(StepError) {
    // Slots lie above the standard descriptors and the socket, so no copy overwrites the source of another.
    try sys(Int(SYS_dup3), try slots[operands.input], 0, 0)
    try sys(Int(SYS_dup3), try slots[operands.output], 1, 0)
    try sys(Int(SYS_dup3), try slots[operands.error], 2, 0)
}

private func setResourceLimit(_ operands: ResourceLimitOperands) throws(StepError) {
    var limit = (operands.soft, operands.hard)
    try withWord(&limit) { limit throws(StepError) in
        try sys(Int(SYS_prlimit64), 0, Int(operands.resource), limit, 0)
    }
}

/// The nice value of this process and all that it will start. setpriority(2)
private func setNice(_ value: Int32) throws(StepError) {
    try sys(Int(SYS_setpriority), Int(PRIO_PROCESS.rawValue), 0, Int(value))
}

/// Through no magic link: those of /proc/self/fd lead to what init has open. openat2(2); CVE-2024-21626
private func setWorkingDirectory(_ path: WireString) throws(StepError) {
    var how = open_how()
    how.flags = UInt64(UInt32(bitPattern: O_PATH_ONLY | O_DIRECTORY | O_CLOEXEC))
    how.resolve = UInt64(RESOLVE_NO_MAGICLINKS)
    let directory = try withWord(&how) { how throws(StepError) in
        try sys(Int(SYS_openat2), Int(AT_FDCWD), word(path.start), how, MemoryLayout<open_how>.size)
    }
    defer { close(directory) }
    try sys(Int(SYS_fchdir), directory)
}

/// No signal is blocked: with init's dispositions, which are the default, a program starts as after login. signal(7)
private func resetSignals() throws(StepError) {
    var none: UInt64 = 0
    try withWord(&none) { none throws(StepError) in
        try sys(Int(SYS_rt_sigprocmask), Int(SIG_SETMASK), none, 0, 8)
    }
}

private func installFilter(
    _ operands: FilterOperands, _ page: UnsafeMutablePointer<mt_agent_page>
) throws(StepError) {
    // The instructions lie unaligned in the program; struct sock_filter wants four bytes.
    let count = operands.instructions.count
    let copy = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 8)
    defer { copy.deallocate() }
    copy.copyMemory(from: operands.instructions.start, byteCount: count)
    var program = sock_fprog(len: UInt16(count / 8), filter: copy.assumingMemoryBound(to: sock_filter.self))
    let result = try withWord(&program) { program throws(StepError) in
        try sys(Int(SYS_seccomp), Int(SECCOMP_SET_MODE_FILTER), Int(operands.flags), program)
    }
    guard operands.flags & UInt32(SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0 else { return }
    mt_offer_listener(page, Int32(result))
    mt_await_taken(page)
}

private func execute(_ operands: ExecuteOperands) throws(StepError) {
    let arguments = try pointers(operands.arguments)
    let environment = try pointers(operands.environment)
    guard let name = arguments[0] else { throw StepError(ENOENT) }
    var length = 0
    var hasSlash = false
    while name[length] != 0 {
        if name[length] == slash { hasSlash = true }
        length += 1
    }
    guard length > 0 else { throw StepError(ENOENT) }
    if hasSlash {
        try sys(Int(SYS_execve), word(name), Int(bitPattern: arguments), Int(bitPattern: environment))
    }
    var outcome: Int32 = ENOENT
    var directories = operands.searchPath
    for _ in 0..<directories.count {
        let directory = try wire { () throws(WireError) in try directories.next() }
        guard directory.count + length + 2 <= 4096 else { continue }
        let path = UnsafeMutablePointer<CChar>.allocate(capacity: 4096)
        defer { path.deallocate() }
        path.update(from: directory.start, count: directory.count)
        path[directory.count] = slash
        (path + directory.count + 1).update(from: name, count: length + 1)
        do throws(StepError) {
            try sys(Int(SYS_execve), word(path), Int(bitPattern: arguments), Int(bitPattern: environment))
        } catch {
            // As execvp(3): go on past what is absent, remember what may not be run, stop at anything else.
            switch error.errno {
            case ENOENT, ENOTDIR: break
            case EACCES: outcome = EACCES
            default: throw error
            }
        }
    }
    throw StepError(outcome)
}

/// The strings' addresses, ended by a null pointer. They stay until exec.
private func pointers(_ list: WireStringList) throws(StepError) -> UnsafeMutablePointer<UnsafePointer<CChar>?> {
    var list = list
    let result = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: list.count + 1)
    for index in 0..<list.count {
        result[index] = try wire { () throws(WireError) in try list.next() }.start
    }
    result[list.count] = nil
    return result
}
