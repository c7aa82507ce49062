// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The sandbox as init sees it: what is being built, then what is being watched.
struct Sandbox {
    private var program: WireReader
    private let instructionCount: UInt32
    private let slots: Slots
    private let mode: ProgramMode
    private var index: UInt32 = 0
    private var mounts = MountBuilder()
    private var watch = Watch()
    private var oldOOMScore: Int32?
    private var oomScoreFile = -1

    init(_ received: ReceivedProgram) {
        program = received.instructions
        instructionCount = UInt32(received.header.instructionCount)
        slots = received.slots
        mode = received.header.mode
        watch.mode = mode
    }

    /// Executes the program and then stays until the sandbox ends.
    mutating func run() -> Never {
        do throws(StepError) {
            // Blocked rather than handled: nothing is lost before the signal descriptor is read.
            var all: UInt64 = ~0
            try withWord(&all) { all throws(StepError) in
                try sys(Int(SYS_rt_sigprocmask), Int(SIG_SETMASK), all, 0, 8)
            }
            try sys(Int(SYS_umask), 0)
            while index < instructionCount {
                let (opcode, operands) = try nextInstruction(&program)
                guard opcode.runsInInit, mode == .namespaces || opcode.runsWithoutNamespaces else {
                    throw StepError(EBADMSG)
                }
                try execute(opcode, operands)
                index += 1
            }
            throw StepError(EBADMSG)  // a program without an agent
        } catch {
            reportFailure(instruction: index, errno: error.errno)
            watch.leave()
        }
    }

    private mutating func execute(_ opcode: Opcode, _ operands: WireReader) throws(StepError) {
        var reader = operands
        switch opcode {
        case .fail: throw StepError(Int32(bitPattern: try wire { () throws(WireError) in try reader.uint32() }))
        case .unshareNamespaces:
            let flags = try wire { () throws(WireError) in try reader.uint64() }
            try sys(Int(SYS_unshare), Int(truncatingIfNeeded: flags))
        case .setTimeOffsets:
            try setTimeOffsets(try wire { () throws(WireError) in try TimeOffsetOperands(&reader) })
        case .joinCgroup:
            let slot = try wire { () throws(WireError) in try reader.uint32() }
            try sys(Int(SYS_write), try slots[slot], literal("0"), 1)
            try slots.empty(slot)
            watch.ownTimeAtJoin = ownCPUTime()
        case .joinSessionKeyring: try joinSessionKeyring()
        case .setHostname:
            let name = try wire { () throws(WireError) in try reader.string() }
            try sys(Int(SYS_sethostname), word(name.start), name.count)
        case .raiseLoopback: try raiseLoopback()
        case .watchMemory:
            watch.memory = try slots[try wire { () throws(WireError) in try reader.uint32() }]
        case .setDeadline: watch.deadline = try wire { () throws(WireError) in try reader.uint64() }
        case .watchCPUTime:
            let operands = try wire { () throws(WireError) in try WatchCPUTimeOperands(&reader) }
            watch.cpu.file = try slots[operands.slot]
            watch.cpu.isUnified = operands.isUnified
            watch.cpu.limit = operands.nanoseconds
            watch.cpu.parallelism = UInt64(operands.parallelism)
            try slots.hold(operands.slot)
        case .watchDisk:
            let path = try wire { () throws(WireError) in try reader.string() }
            try watch.disks.add(try mounts.root.open(path.start))
        case .outliveLauncher: watch.outlivesLauncher = true
        case .holdSlot: try slots.hold(try wire { () throws(WireError) in try reader.uint32() })
        case .setOOMScoreAdjustment:
            try adjustOOMScore(Int32(bitPattern: try wire { () throws(WireError) in try reader.uint32() }))
        case .closeSlot: try slots.empty(try wire { () throws(WireError) in try reader.uint32() })
        case .openTerminal:
            let terminal = try wire { () throws(WireError) in try OpenTerminalOperands(&reader) }
            let (master, slave) = try mounts.openTerminal(terminal)
            try slots.fill(terminal.slot, slave)
            var record = OutgoingRecord(.descriptor)
            record.append(DescriptorPurpose.terminal.rawValue)
            record.send(descriptor: Int32(master))
            close(master)
        case .startAgent:
            try startAgent(try wire { () throws(WireError) in try AgentStartMode(&reader) })
        case .createRuleset:
            try createRuleset(try wire { () throws(WireError) in try CreateRulesetOperands(&reader) }, slots)
        case .allowPath:
            try allowPath(try wire { () throws(WireError) in try AllowPathOperands(&reader) }, slots, mounts.root)
        case .allowDescriptor:
            try allowDescriptor(try wire { () throws(WireError) in try AllowDescriptorOperands(&reader) }, slots)
        case .allowPort:
            try allowPort(try wire { () throws(WireError) in try AllowPortOperands(&reader) }, slots)
        default: try executeMount(opcode, &reader)
        }
    }

    private mutating func executeMount(_ opcode: Opcode, _ reader: inout WireReader) throws(StepError) {
        switch opcode {
        case .setPropagation: try mounts.setPropagation(try wire { () throws(WireError) in try reader.uint64() })
        case .createFileSystem:
            try mounts.createFileSystem(
                try wire { () throws(WireError) in try CreateFileSystemOperands(&reader) }, slots)
        case .cloneHostTree:
            try mounts.cloneHostTree(try wire { () throws(WireError) in try CloneHostTreeOperands(&reader) }, slots)
        case .cloneTree:
            try mounts.cloneTree(try wire { () throws(WireError) in try CloneTreeOperands(&reader) }, slots)
        case .setMountAttributes:
            let attributes = try wire { () throws(WireError) in try MountAttributeOperands(&reader) }
            try setAttributes(
                try slots[attributes.slot], set: attributes.set, clear: attributes.clear,
                recursive: attributes.recursive)
        case .attachRoot: try mounts.attachRoot(try wire { () throws(WireError) in try reader.uint32() }, slots)
        case .attach: try mounts.attach(try wire { () throws(WireError) in try AttachOperands(&reader) }, slots)
        case .enterRoot: try mounts.enterRoot(try wire { () throws(WireError) in try reader.string() })
        case .pivotRoot: try mounts.pivot()
        case .detachOldRoot: try mounts.detachOldRoot()
        case .makeDirectory:
            try mounts.makeDirectory(try wire { () throws(WireError) in try MakeDirectoryOperands(&reader) })
        case .writeFile: try mounts.writeFile(try wire { () throws(WireError) in try WriteFileOperands(&reader) })
        case .makeSymlink: try mounts.makeSymlink(try wire { () throws(WireError) in try TwoStringOperands(&reader) })
        case .bindOntoItself:
            try mounts.bindOntoItself(try wire { () throws(WireError) in try BindOntoItselfOperands(&reader) })
        case .makeMask: try mounts.makeMask(try wire { () throws(WireError) in try reader.string() })
        case .mask: try mounts.mask(try wire { () throws(WireError) in try MaskOperands(&reader) })
        case .openGuards:
            let path = try wire { () throws(WireError) in try reader.string() }
            try watch.guards.open(path, in: mounts.root, mounts.masks)
        case .guardName:
            try watch.guards.add(
                try wire { () throws(WireError) in try GuardOperands(&reader) }, instruction: index)
        case .keepRoom: try mounts.keepRoom(try wire { () throws(WireError) in try KeepRoomOperands(&reader) })
        case .setAttributesAt:
            let attributes = try wire { () throws(WireError) in try PathAttributeOperands(&reader) }
            let mount = try mounts.root.open(attributes.path.start)
            defer { close(mount) }
            try setAttributes(mount, set: attributes.set, clear: attributes.clear)
        case .unmount: try mounts.unmount(try wire { () throws(WireError) in try reader.string() })
        case .requireFileSystem:
            let operands = try wire { () throws(WireError) in try RequireFileSystemOperands(&reader) }
            try mounts.root.requireFileSystem(operands.path, magic: operands.magic)
        case .setRootAttributes:
            let attributes = try wire { () throws(WireError) in try RootAttributeOperands(&reader) }
            try setAttributes(mounts.root.raw, set: attributes.set, clear: attributes.clear)
        case .writeControlFile:
            try mounts.writeControlFile(try wire { () throws(WireError) in try ControlFileOperands(&reader) })
        default: throw StepError(EBADMSG)
        }
    }

    /// What is started from here on is the kernel's first choice when memory runs out; init itself goes back at once, so
    /// that it lives to tell. The file is kept open: it cannot be opened any more when init is not dumpable.
    private mutating func adjustOOMScore(_ value: Int32) throws(StepError) {
        oomScoreFile = try sys(
            Int(SYS_openat), Int(AT_FDCWD), literal("/proc/self/oom_score_adj"), Int(O_RDWR | O_CLOEXEC), 0)
        oldOOMScore = try readOOMScore()
        try writeOOMScore(value)
    }

    private func readOOMScore() throws(StepError) -> Int32 {
        try withUnsafeTemporaryAllocationOf(32) { text throws(StepError) in
            let count = try sys(Int(SYS_read), oomScoreFile, word(text), 31)
            var value: Int32 = 0
            let negative = text[0] == CChar(bitPattern: UInt8(ascii: "-"))
            for index in (negative ? 1 : 0)..<count {
                let digit = Int32(text[index]) - 48
                guard digit >= 0, digit <= 9 else { break }
                value = value * 10 + digit
            }
            return negative ? -value : value
        }
    }

    private func writeOOMScore(_ value: Int32) throws(StepError) {
        try withUnsafeTemporaryAllocationOf(32) { text throws(StepError) in
            var count = 0
            if value < 0 {
                text[0] = CChar(bitPattern: UInt8(ascii: "-"))
                count = 1
            }
            count += appendDecimal(UInt64(value.magnitude), to: text + count)
            try sys(Int(SYS_pwrite64), oomScoreFile, word(text), count, 0)
        }
    }

    private mutating func startAgent(_ mode: AgentStartMode) throws(StepError) {
        // Nothing in the sandbox may look into init from now on: /proc/1 and ptrace ask this. prctl(2)
        try sys(Int(SYS_prctl), Int(PR_SET_DUMPABLE), 0, 0, 0, 0)
        try watch.prepare()
        let page = try makeAgentPage()
        var start = AgentStart(
            program: program, firstInstruction: index + 1, instructionCount: instructionCount, slots: slots, page: page,
            mode: self.mode)
        let pid =
            switch mode {
            case .copied: try spawnAgent(&start, MT_SPAWN_COPIED)
            case .sharingMemory: try spawnAgent(&start, MT_SPAWN_SHARED)
            case .supervised: try startSupervised(&start)
            }
        let errno = mt_agent_errno(page)
        if errno != 0 {
            reportFailure(instruction: page.pointee.failed_index, errno: errno)
            watch.leave()
        }
        if let oldOOMScore { try writeOOMScore(oldOOMScore) }
        for slot in 0..<slots.capacity { slots.release(UInt32(slot), except: watch.memory) }
        watch.agent = Int32(pid)
        watch.untilTheEnd()
    }

    /// Starts an agent whose filter asks the host about some calls, and hands the host its listener. The agent's process
    /// cannot send it: sending may be one of those calls.
    private func startSupervised(_ start: inout AgentStart) throws(StepError) -> Int {
        var ends: (Int32, Int32) = (-1, -1)
        try withWord(&ends) { ends throws(StepError) in try sys(Int(SYS_pipe2), ends, Int(O_CLOEXEC)) }
        let reader = Int(ends.0)
        let pid = try spawnAgent(&start, MT_SPAWN_BESIDE)
        close(Int(ends.1))
        var word = pollfd(fd: ends.0, events: Int16(POLLIN), revents: 0)
        var pause = timespec(tv_sec: 0, tv_nsec: 50_000)
        // The listener is there, or the agent's process has ended, with its end of the pipe.
        while mt_listener(start.page) < 0, word.revents == 0 {
            withUnsafeMutablePointer(to: &word) { word in
                withUnsafeMutablePointer(to: &pause) { pause in
                    _ = mt_syscall(Int(SYS_ppoll), Int(bitPattern: word), 1, Int(bitPattern: pause), 0, 8, 0)
                }
            }
        }
        if mt_listener(start.page) >= 0 {
            let process = try sys(Int(SYS_pidfd_open), pid, 0)
            let listener = try sys(Int(SYS_pidfd_getfd), process, Int(mt_listener(start.page)), 0)
            var record = OutgoingRecord(.descriptor)
            record.append(DescriptorPurpose.listener.rawValue)
            record.send(descriptor: Int32(listener))
            close(listener)
            close(process)
            mt_take_listener(start.page)
        }
        // Ends with the agent's process, or when it executes the program.
        var byte: UInt8 = 0
        _ = try withWord(&byte) { byte throws(StepError) in try sys(Int(SYS_read), reader, byte, 1) }
        close(reader)
        return pid
    }

    private func spawnAgent(_ start: inout AgentStart, _ mode: mt_spawn_mode) throws(StepError) -> Int {
        let stackSize = 65536
        let stack = UnsafeMutableRawPointer.allocate(byteCount: stackSize, alignment: 4096)
        defer { stack.deallocate() }
        let pid = withUnsafeMutablePointer(to: &start) { start in
            mt_spawn(
                { argument in
                    if let argument { runAgent(&argument.assumingMemoryBound(to: AgentStart.self).pointee) }
                    return 125
                }, start, stack, stackSize, mode)
        }
        if pid < 0 { throw StepError(Int32(-pid)) }
        return pid
    }

    /// A page that the agent's process shares with init even where it has a copy of its memory.
    private func makeAgentPage() throws(StepError) -> UnsafeMutablePointer<mt_agent_page> {
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
