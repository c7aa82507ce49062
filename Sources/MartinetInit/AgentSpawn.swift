// SPDX-License-Identifier: Apache-2.0
import CLinux

extension AgentStart {
    /// Starts an agent whose filter asks the host about some calls, and hands the host its listener. The agent's process
    /// cannot send it: sending may be one of those calls.
    mutating func spawnSupervised() throws(StepError) -> Int {
        var ends: (Int32, Int32) = (-1, -1)
        try withWord(&ends) { ends throws(StepError) in try sys(Int(SYS_pipe2), ends, Int(O_CLOEXEC)) }
        let reader = Int(ends.0)
        let pid = try spawn(MT_SPAWN_BESIDE)
        close(Int(ends.1))
        var word = pollfd(fd: ends.0, events: Int16(POLLIN), revents: 0)
        var pause = timespec(tv_sec: 0, tv_nsec: 50_000)
        // The listener is there, or the agent's process has ended, with its end of the pipe.
        while mt_listener(page) < 0, word.revents == 0 {
            withUnsafeMutablePointer(to: &word) { word in
                withUnsafeMutablePointer(to: &pause) { pause in
                    _ = mt_syscall(Int(SYS_ppoll), Int(bitPattern: word), 1, Int(bitPattern: pause), 0, 8, 0)
                }
            }
        }
        if mt_listener(page) >= 0 {
            let process = try sys(Int(SYS_pidfd_open), pid, 0)
            let listener = try sys(Int(SYS_pidfd_getfd), process, Int(mt_listener(page)), 0)
            var record = OutgoingRecord(.descriptor)
            record.append(DescriptorPurpose.listener.rawValue)
            // Without it the agent would wait for an answer for ever.
            try record.handOver(listener)
            close(listener)
            close(process)
            mt_take_listener(page)
        }
        // Ends with the agent's process, or when it executes the program.
        var byte: UInt8 = 0
        _ = try withWord(&byte) { byte throws(StepError) in try sys(Int(SYS_read), reader, byte, 1) }
        close(reader)
        return pid
    }

    mutating func spawn(_ mode: mt_spawn_mode) throws(StepError) -> Int {
        let stackSize = 65536
        let stack = UnsafeMutableRawPointer.allocate(byteCount: stackSize, alignment: 4096)
        defer { stack.deallocate() }
        let pid = withUnsafeMutablePointer(to: &self) { start in
            mt_spawn(
                { argument in
                    if let argument { runAgent(&argument.assumingMemoryBound(to: AgentStart.self).pointee) }
                    return 125
                }, start, stack, stackSize, mode)
        }
        if pid < 0 { throw StepError(Int32(-pid)) }
        return pid
    }

    /// Starts a process where others of the same user are, and waits until it executes its program or has ended.
    ///
    /// They may signal it as soon as it is that user: stopped, it would stop an init that waits as for vfork(2). Nobody but
    /// they would stop it, so it is killed; so is one that they keep from its program by other means, such as a lease on the
    /// file. fcntl(2), F_SETLEASE
    mutating func spawnAmongOthers() throws(StepError) -> Int {
        var ends: (Int32, Int32) = (-1, -1)
        try withWord(&ends) { ends throws(StepError) in try sys(Int(SYS_pipe2), ends, Int(O_CLOEXEC)) }
        let (reader, writer) = (Int(ends.0), Int(ends.1))
        defer { close(reader) }
        let pid: Int
        do throws(StepError) { pid = try spawn(MT_SPAWN_BESIDE) } catch {
            close(writer)
            throw error
        }
        close(writer)
        // Closed by execve, or by the process's end. Counted, not timed: a frozen sandbox lets nobody get on.
        var end = pollfd(fd: ends.0, events: Int16(POLLIN), revents: 0)
        var pauses = 0
        while true {
            var pause = timespec(tv_sec: 0, tv_nsec: 10_000_000)
            withUnsafeMutablePointer(to: &end) { end in
                withUnsafeMutablePointer(to: &pause) { pause in
                    _ = mt_syscall(Int(SYS_ppoll), Int(bitPattern: end), 1, Int(bitPattern: pause), 0, 8, 0)
                }
            }
            if end.revents != 0 { return pid }
            pauses += 1
            if pauses >= Self.mostPauses || Self.isStopped(pid) {
                _ = mt_syscall(Int(SYS_kill), pid, Int(SIGKILL), 0, 0, 0, 0)
            }
        }
    }

    /// Ten seconds of them.
    private static let mostPauses = 1000

    /// Whether a child stands still, which is left for whoever waits for it. waitid(2)
    private static func isStopped(_ pid: Int) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { information in  // siginfo_t
            information.storeBytes(of: 0, as: UInt64.self)
            let options = Int(WUNTRACED | WNOHANG | WNOWAIT)
            let result = mt_syscall(
                Int(SYS_waitid), 1 /* P_PID */, pid, Int(bitPattern: information.baseAddress), options, 0, 0)
            return result == 0 && information.load(as: Int32.self) == SIGCHLD
        }
    }

    /// A page that the agent's process shares with init even where it has a copy of its memory.
    static func makePage() throws(StepError) -> UnsafeMutablePointer<mt_agent_page> {
        let page = mt_syscall(
            Int(SYS_mmap), 0, 4096, Int(PROT_READ | PROT_WRITE), Int(MAP_SHARED | MAP_ANONYMOUS), -1, 0)
        guard page > 0, let pointer = UnsafeMutableRawPointer(bitPattern: page) else {
            throw StepError(Int32(truncatingIfNeeded: -page))
        }
        let result = pointer.bindMemory(to: mt_agent_page.self, capacity: 1)
        result.pointee.listener = -1
        return result
    }
}

/// What starts further processes in the sandbox: what the agent was started from, and kept.
struct AgentStarter {
    /// From `startAgent` on.
    let program: WireReader
    let instructionCount: UInt32
    /// Of the whole program; a ruleset may be among them.
    let slots: Slots
    let root: MountBuilder
    let oomScore: OOMScore
    let page: UnsafeMutablePointer<mt_agent_page>
    let mode: ProgramMode
    /// Init's bounding set.
    private var bounding = UInt64.max

    init(
        program: WireReader, instructionCount: UInt32, slots: Slots, root: MountBuilder, oomScore: OOMScore,
        page: UnsafeMutablePointer<mt_agent_page>, mode: ProgramMode
    ) {
        self.program = program
        self.instructionCount = instructionCount
        self.slots = slots
        self.root = root
        self.oomScore = oomScore
        self.page = page
        self.mode = mode
        narrowBounding()
    }

    /// Drops from init's own bounding set what whoever it starts must drop: dozens of calls that each start need not repeat.
    /// Init executes nothing, so that its own capabilities stay. capabilities(7)
    private mutating func narrowBounding() {
        do throws(StepError) {
            var program = program
            for _ in 0..<instructionCount {
                var (opcode, reader) = try nextInstruction(&program)
                guard opcode == .dropBoundingCapabilities else { continue }
                let operands = try wire { () throws(WireError) in try BoundingOperands(&reader) }
                try dropBounding(operands, of: bounding)
                bounding = operands.keep
                return
            }
        } catch {}  // each drops them for itself
    }

    /// A step of another program that failed.
    struct Failure: Error {
        let instruction: UInt32
        let errno: Int32
    }

    /// Starts the agent once more, as it was started first.
    func startAgain() throws(StepError) -> Int32 {
        var program = program
        let (opcode, _) = try nextInstruction(&program)
        guard opcode == .startAgent else { throw StepError(EBADMSG) }
        // Somebody may have been started while there was no agent.
        let pid = try spawn(program, from: 1, of: instructionCount, slots)
        guard mt_agent_errno(page) == 0 else { throw StepError(mt_agent_errno(page)) }
        return pid
    }

    /// Starts a process by the instructions from one on; what failed in it is in the page.
    private func spawn(
        _ program: WireReader, from first: UInt32, of count: UInt32, _ slots: Slots
    ) throws(StepError) -> Int32 {
        page.pointee.failed_errno = 0
        var start = AgentStart(
            program: program, firstInstruction: first, instructionCount: count, slots: slots, page: page, mode: mode,
            bounding: bounding)
        try oomScore.raise()
        defer { do throws(StepError) { try oomScore.restore() } catch {} }
        return Int32(try start.spawnAmongOthers())
    }

    /// Executes a program that starts one process, and returns when that executes its own.
    ///
    /// - Parameter socket: whom a terminal that the program opens is sent to.
    func start(_ received: ReceivedProgram, firstSlot: UInt32, sendingTo socket: Int) throws(Failure) -> Int32 {
        let own = received.slots
        defer {
            for slot in Int(firstSlot)..<max(own.capacity, Int(firstSlot)) { own.release(UInt32(slot), except: -1) }
            own.free()
            received.memory.deallocate()
        }
        var index: UInt32 = 0
        do throws(StepError) { return try execute(received, firstSlot, socket, &index) } catch {
            throw Failure(instruction: index, errno: error.errno)
        }
    }

    private func execute(
        _ received: ReceivedProgram, _ firstSlot: UInt32, _ socket: Int, _ index: inout UInt32
    ) throws(StepError) -> Int32 {
        let (own, count) = (received.slots, UInt32(received.header.instructionCount))
        guard received.header.mode == mode, Int(firstSlot) >= slots.capacity else { throw StepError(EBADMSG) }
        own.borrow(slots)
        var program = received.instructions
        while index < count {
            let (opcode, operands) = try nextInstruction(&program)
            var reader = operands
            switch opcode {
            case .openTerminal:
                let terminal = try wire { () throws(WireError) in try OpenTerminalOperands(&reader) }
                guard terminal.slot >= firstSlot else { throw StepError(EBADMSG) }
                let (master, slave) = try root.openTerminal(terminal)
                try own.fill(terminal.slot, slave)
                sendTerminal(master, to: socket)
            case .startAgent:
                // In a copy: what a process in init's own memory allocates would stay.
                guard try wire({ () throws(WireError) in try AgentStartMode(&reader) }) == .copied else {
                    throw StepError(EBADMSG)
                }
                let pid = try spawn(program, from: index + 1, of: count, own)
                let errno = mt_agent_errno(page)
                if errno == 0 { return pid }
                index = page.pointee.failed_index
                throw StepError(errno)
            default: throw StepError(EBADMSG)
            }
            index += 1
        }
        throw StepError(EBADMSG)  // a program without an agent
    }
}

/// Hands the side of a terminal that is not the agent's to whoever asked for it.
func sendTerminal(_ master: Int, to socket: Int) {
    var record = OutgoingRecord(.descriptor)
    record.append(DescriptorPurpose.terminal.rawValue)
    record.send(to: socket, descriptor: Int32(master), waits: socket == controlSocket)
    close(master)
}
