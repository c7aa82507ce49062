// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The sandbox as init sees it: what is being built, then what is being watched.
struct Sandbox {
    private var program: WireReader
    private let instructionCount: UInt32
    private let slots: Slots
    private let mode: ProgramMode
    /// From the instruction on that is being executed.
    private var agentPart: WireReader
    private var index: UInt32 = 0
    private var mounts = MountBuilder()
    private var watch = Watch()
    private var oomScore = OOMScore()

    init(_ received: ReceivedProgram) {
        program = received.instructions
        agentPart = received.instructions
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
                agentPart = program
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
            try oomScore.adjust(Int32(bitPattern: try wire { () throws(WireError) in try reader.uint32() }))
        case .closeSlot: try slots.empty(try wire { () throws(WireError) in try reader.uint32() })
        case .openTerminal:
            let terminal = try wire { () throws(WireError) in try OpenTerminalOperands(&reader) }
            let (master, slave) = try mounts.openTerminal(terminal)
            try slots.fill(terminal.slot, slave)
            if watch.service.isThere {
                try watch.service.keep(terminal: master)
            } else {
                sendTerminal(master, to: controlSocket)
            }
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
        case .serve, .keepLog, .logStream, .keepInput, .restartAgent: try executeService(opcode, &reader)
        default: try executeMount(opcode, &reader)
        }
    }

    private mutating func executeService(_ opcode: Opcode, _ reader: inout WireReader) throws(StepError) {
        switch opcode {
        case .serve:
            let operands = try wire { () throws(WireError) in try ServeOperands(&reader) }
            watch.service.open(listener: try slots[operands.listener], verdict: try slots[operands.verdict])
            try slots.hold(operands.listener)
            try slots.hold(operands.verdict)
        case .keepLog:
            let operands = try wire { () throws(WireError) in try KeepLogOperands(&reader) }
            watch.service.log.open(try slots[operands.first], try slots[operands.second], operands)
            try slots.hold(operands.first)
            try slots.hold(operands.second)
        case .logStream:
            let operands = try wire { () throws(WireError) in try LogStreamOperands(&reader) }
            try watch.service.add(stream: try slots[operands.slot], operands.stream)
            try slots.hold(operands.slot)
        case .keepInput:
            let slot = try wire { () throws(WireError) in try reader.uint32() }
            watch.service.input = try slots[slot]
            try slots.hold(slot)
        case .restartAgent: watch.restarts.most = try wire { () throws(WireError) in try reader.uint32() }
        default: throw StepError(EBADMSG)
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
            let slot = try wire { () throws(WireError) in try reader.uint32() }
            try watch.guards.open(try slots[slot], mounts.masks)
        case .requireMounted:
            try watch.guards.requireMounted(try wire { () throws(WireError) in try reader.string() })
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

    /// Keeps an agent that is root inside from setting init's resource limits, of which that of CPU time would end init, and
    /// that of file sizes its log and last word: prlimit(2) lets a process do so whose ids are the other's real, effective
    /// and saved ones. Where a single id is mapped there is no other to save.
    private func keepLimits() {
        guard mode == .namespaces else { return }
        _ = mt_syscall(Int(SYS_setresgid), -1, -1, 65534, 0, 0, 0)
    }

    private mutating func startAgent(_ mode: AgentStartMode) throws(StepError) {
        // Nothing in the sandbox may look into init from now on: /proc/1 and ptrace ask this. prctl(2)
        try sys(Int(SYS_prctl), Int(PR_SET_DUMPABLE), 0, 0, 0, 0)
        keepLimits()
        try watch.prepare()
        let page = try AgentStart.makePage()
        var start = AgentStart(
            program: program, firstInstruction: index + 1, instructionCount: instructionCount, slots: slots, page: page,
            mode: self.mode)
        let pid =
            switch mode {
            case .copied: try start.spawn(MT_SPAWN_COPIED)
            case .sharingMemory: try start.spawn(MT_SPAWN_SHARED)
            case .supervised: try start.spawnSupervised()
            }
        let errno = mt_agent_errno(page)
        if errno != 0 {
            reportFailure(instruction: page.pointee.failed_index, errno: errno)
            watch.leave()
        }
        try oomScore.restore()
        if watch.service.isThere {
            // What else is started later is started from them.
            watch.service.starter = AgentStarter(
                program: agentPart, instructionCount: instructionCount - index, slots: slots, root: mounts,
                oomScore: oomScore, page: page, mode: self.mode)
        } else {
            for slot in 0..<slots.capacity { slots.release(UInt32(slot), except: watch.memory) }
        }
        watch.agent = Int32(pid)
        watch.untilTheEnd()
    }
}
