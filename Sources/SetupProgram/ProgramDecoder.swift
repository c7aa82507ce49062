// SPDX-License-Identifier: Apache-2.0

extension SetupProgram {
    /// Reads a program back from its bytes, with every bound checked: what init does, on the host's side.
    public init(decoding bytes: [UInt8]) throws(WireError) {
        let result: Result<SetupProgram, WireError> = bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return .failure(.truncated) }
            do throws(WireError) { return .success(try SetupProgram(base, count: buffer.count)) } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }

    private init(_ base: UnsafeRawPointer, count: Int) throws(WireError) {
        var reader = WireReader(base, count: count)
        let header = try ProgramHeader(&reader)
        guard Int(header.length) == count else { throw .truncated }
        descriptorCount = header.descriptorCount
        slotCount = header.slotCount
        mode = header.mode
        instructions = []
        slotNames = [:]
        for _ in 0..<header.instructionCount {
            let head = try InstructionHeader(&reader)
            var operands = try reader.part(count: head.length)
            instructions.append(try Instruction(head.opcode, &operands))
            try operands.requireEnd()
        }
        try reader.requireEnd()
    }
}

extension Instruction {
    init(_ opcode: Opcode, _ reader: inout WireReader) throws(WireError) {
        switch opcode {
        case .unshareNamespaces: self = .unshareNamespaces(flags: try reader.uint64())
        case .setTimeOffsets:
            let operands = try TimeOffsetOperands(&reader)
            self = .setTimeOffsets(monotonic: operands.monotonic, boottime: operands.boottime)
        case .joinCgroup: self = .joinCgroup(Slot(try reader.uint32()))
        case .joinSessionKeyring: self = .joinSessionKeyring
        case .setHostname: self = .setHostname(try reader.text())
        case .raiseLoopback: self = .raiseLoopback
        case .setPropagation: self = .setPropagation(flags: try reader.uint64())
        case .createFileSystem:
            let operands = try CreateFileSystemOperands(&reader)
            self = .createFileSystem(
                Slot(operands.slot), type: operands.type.text, options: try operands.options.texts(),
                attributes: operands.attributes)
        case .cloneHostTree:
            let operands = try CloneHostTreeOperands(&reader)
            self = .cloneHostTree(
                Slot(operands.slot), path: operands.path.text, device: operands.device, inode: operands.inode,
                recursive: operands.recursive)
        case .cloneTree:
            let operands = try CloneTreeOperands(&reader)
            self = .cloneTree(Slot(operands.slot), path: operands.path.text)
        case .setMountAttributes:
            let operands = try MountAttributeOperands(&reader)
            self = .setMountAttributes(
                Slot(operands.slot), set: operands.set, clear: operands.clear, recursive: operands.recursive)
        case .attachRoot: self = .attachRoot(Slot(try reader.uint32()))
        case .attach:
            let operands = try AttachOperands(&reader)
            self = .attach(Slot(operands.slot), path: operands.path.text, create: operands.create)
        case .enterRoot: self = .enterRoot(path: try reader.text())
        case .pivotRoot: self = .pivotRoot
        case .detachOldRoot: self = .detachOldRoot
        case .makeDirectory:
            let operands = try MakeDirectoryOperands(&reader)
            self = .makeDirectory(
                path: operands.path.text, mode: operands.mode, uid: operands.uid, gid: operands.gid)
        case .writeFile:
            let operands = try WriteFileOperands(&reader)
            self = .writeFile(
                path: operands.path.text, mode: operands.mode, uid: operands.uid, gid: operands.gid,
                contents: operands.contents.array)
        case .makeSymlink:
            let operands = try TwoStringOperands(&reader)
            self = .makeSymlink(path: operands.first.text, target: operands.second.text)
        case .bindOntoItself:
            let operands = try BindOntoItselfOperands(&reader)
            self = .bindOntoItself(
                path: operands.path.text, set: operands.set, clear: operands.clear, optional: operands.optional)
        case .makeMask: self = .makeMask(path: try reader.text())
        case .mask:
            let operands = try MaskOperands(&reader)
            self = .mask(path: operands.path.text, optional: operands.optional)
        case .setRootAttributes:
            let operands = try RootAttributeOperands(&reader)
            self = .setRootAttributes(set: operands.set, clear: operands.clear)
        case .writeControlFile:
            let operands = try ControlFileOperands(&reader)
            self = .writeControlFile(
                path: operands.path.text, text: operands.text.text, optional: operands.optional)
        case .openGuards: self = .openGuards(Slot(try reader.uint32()))
        case .requireMounted: self = .requireMounted(path: try reader.text())
        case .guardName:
            let operands = try GuardOperands(&reader)
            self = .guardName(
                path: operands.path.text, action: operands.action, holdsGuards: operands.holdsGuards)
        case .requireFileSystem:
            let operands = try RequireFileSystemOperands(&reader)
            self = .requireFileSystem(path: operands.path.text, magic: operands.magic)
        case .closeSlot: self = .closeSlot(Slot(try reader.uint32()))
        case .unmount: self = .unmount(path: try reader.text())
        case .setAttributesAt:
            let operands = try PathAttributeOperands(&reader)
            self = .setAttributesAt(path: operands.path.text, set: operands.set, clear: operands.clear)
        case .keepRoom:
            let operands = try KeepRoomOperands(&reader)
            self = .keepRoom(path: operands.path.text, count: operands.count)
        case .openTerminal:
            let operands = try OpenTerminalOperands(&reader)
            self = .openTerminal(
                Slot(operands.slot), uid: operands.uid, gid: operands.gid, rows: operands.rows,
                columns: operands.columns)
        case .watchMemory: self = .watchMemory(Slot(try reader.uint32()))
        case .setDeadline: self = .setDeadline(nanoseconds: try reader.uint64())
        case .watchCPUTime:
            let operands = try WatchCPUTimeOperands(&reader)
            self = .watchCPUTime(
                Slot(operands.slot), isUnified: operands.isUnified, nanoseconds: operands.nanoseconds,
                parallelism: operands.parallelism)
        case .watchDisk: self = .watchDisk(path: try reader.text())
        case .setOOMScoreAdjustment: self = .setOOMScoreAdjustment(Int32(bitPattern: try reader.uint32()))
        case .outliveLauncher: self = .outliveLauncher
        case .holdSlot: self = .holdSlot(Slot(try reader.uint32()))
        case .serve:
            let operands = try ServeOperands(&reader)
            self = .serve(listener: Slot(operands.listener), verdict: Slot(operands.verdict))
        case .keepLog:
            let operands = try KeepLogOperands(&reader)
            self = .keepLog(
                first: Slot(operands.first), second: Slot(operands.second), capacity: operands.capacity,
                generation: operands.generation, limit: operands.limit)
        case .logStream:
            let operands = try LogStreamOperands(&reader)
            self = .logStream(Slot(operands.slot), operands.stream)
        case .keepInput: self = .keepInput(Slot(try reader.uint32()))
        case .restartAgent: self = .restartAgent(most: try reader.uint32())
        case .fail: self = .fail(errno: try reader.uint32())
        case .startAgent: self = .startAgent(try AgentStartMode(&reader))
        default: self = try Instruction(agent: opcode, &reader)
        }
    }

    private init(agent opcode: Opcode, _ reader: inout WireReader) throws(WireError) {
        switch opcode {
        case .newSession:
            let slot = try reader.uint32()
            self = .newSession(controllingTerminal: slot == noSlot ? nil : Slot(slot))
        case .setStandardDescriptors:
            let operands = try StandardDescriptorOperands(&reader)
            self = .setStandardDescriptors(
                input: Slot(operands.input), output: Slot(operands.output), error: Slot(operands.error))
        case .setResourceLimit:
            let operands = try ResourceLimitOperands(&reader)
            self = .setResourceLimit(resource: operands.resource, soft: operands.soft, hard: operands.hard)
        case .dropBoundingCapabilities:
            let operands = try BoundingOperands(&reader)
            self = .dropBoundingCapabilities(keep: operands.keep, last: operands.last)
        case .setIdentity:
            let operands = try IdentityOperands(&reader)
            var numbers = operands.groups
            var groups: [UInt32] = []
            for _ in 0..<operands.groupCount { groups.append(try numbers.uint32()) }
            self = .setIdentity(uid: operands.uid, gid: operands.gid, groups: operands.setsGroups ? groups : nil)
        case .setCapabilities:
            let operands = try CapabilityOperands(&reader)
            self = .setCapabilities(
                effective: operands.effective, permitted: operands.permitted, inheritable: operands.inheritable,
                ambient: operands.ambient)
        case .setSecurebits: self = .setSecurebits(Securebits(rawValue: try reader.uint32()))
        case .setNice: self = .setNice(Int32(bitPattern: try reader.uint32()))
        case .setWorkingDirectory: self = .setWorkingDirectory(path: try reader.text())
        case .setUmask: self = .setUmask(try reader.uint32())
        case .resetSignals: self = .resetSignals
        case .setNoNewPrivileges: self = .setNoNewPrivileges
        case .setParentDeathSignal: self = .setParentDeathSignal(try reader.uint32())
        case .installFilter:
            let operands = try FilterOperands(&reader)
            self = .installFilter(flags: operands.flags, instructions: operands.instructions.array)
        case .closeDescriptors: self = .closeDescriptors(from: try reader.uint32())
        case .execute:
            let operands = try ExecuteOperands(&reader)
            self = .execute(
                arguments: try operands.arguments.texts(), environment: try operands.environment.texts(),
                searchPath: try operands.searchPath.texts())
        default: self = .landlock(try LandlockInstruction(opcode, &reader))
        }
    }
}

extension WireString {
    var text: String { String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self) }
}

extension WireBytes {
    var array: [UInt8] { Array(UnsafeRawBufferPointer(start: start, count: count)) }
}

extension WireStringList {
    func texts() throws(WireError) -> [String] {
        var list = self
        var texts: [String] = []
        for _ in 0..<count { texts.append(try list.next().text) }
        return texts
    }
}

extension WireReader {
    mutating func text() throws(WireError) -> String { try string().text }
}
