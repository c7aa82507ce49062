// SPDX-License-Identifier: Apache-2.0

/// A linear program for init, with what init must know before the first step.
public struct SetupProgram: Sendable, Equatable {
    public var mode: ProgramMode
    public var instructions: [Instruction]
    /// How many descriptors come with the program.
    public var descriptorCount: UInt32
    /// How many slots the instructions use in all.
    public var slotCount: UInt32
    /// What slots hold, for printing only: not on the wire.
    public var slotNames: [Slot: String]

    public init(
        instructions: [Instruction], descriptorCount: UInt32, slotCount: UInt32, slotNames: [Slot: String] = [:],
        mode: ProgramMode = .namespaces
    ) {
        self.mode = mode
        self.slotNames = slotNames
        self.instructions = instructions
        self.descriptorCount = descriptorCount
        self.slotCount = slotCount
    }

    /// The program's bytes, as `ProgramHeader` and `Opcode` lay them out.
    ///
    /// - Throws: `.badValue` for a program larger than init takes, or with a NUL byte in a string.
    public func encoded(
        launcherMountNamespace: NamespaceIdentity, launcherUserNamespace: NamespaceIdentity
    ) throws(WireError) -> [UInt8] {
        var writer = WireWriter()
        writer.reserve(8192)
        for instruction in instructions { try writer.append(instruction) }
        let length = writer.bytes.count + ProgramHeader.size
        guard length <= ProgramHeader.largestProgram, instructions.count <= Int(UInt16.max) else { throw .badValue }
        guard slotCount <= UInt32(ProgramHeader.mostSlots), descriptorCount <= slotCount else { throw .badSlot }
        var header = WireWriter()
        header.reserve(length)
        header.uint32(ProgramHeader.magic)
        header.uint16(ProgramHeader.version)
        header.uint16(UInt16(instructions.count))
        header.uint32(UInt32(length))
        header.uint32(descriptorCount)
        header.uint32(slotCount)
        header.uint32(mode.rawValue)
        for identity in [launcherMountNamespace, launcherUserNamespace] {
            header.uint64(identity.device)
            header.uint64(identity.inode)
        }
        header.raw(writer.bytes)
        return header.bytes
    }
}

/// Appends little-endian numbers and strings to a buffer.
public struct WireWriter {
    public private(set) var bytes: [UInt8] = []
    public init() {}

    public mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }
    public mutating func uint16(_ value: UInt16) { number(value.littleEndian) }
    public mutating func uint32(_ value: UInt32) { number(value.littleEndian) }
    public mutating func uint64(_ value: UInt64) { number(value.littleEndian) }
    public mutating func raw(_ more: some Collection<UInt8>) { bytes.append(contentsOf: more) }
    mutating func flag(_ value: Bool) { uint32(value ? 1 : 0) }
    mutating func slot(_ slot: Slot?) { uint32(slot?.index ?? noSlot) }

    private mutating func number<Number: FixedWidthInteger>(_ value: Number) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ value: String) throws(WireError) {
        let utf8 = value.utf8
        guard !utf8.contains(0) else { throw .malformedString }
        uint32(UInt32(utf8.count))
        bytes.append(contentsOf: utf8)
        bytes.append(0)
    }

    mutating func strings(_ values: [String]) throws(WireError) {
        uint32(UInt32(values.count))
        for value in values { try string(value) }
    }

    mutating func blob(_ value: [UInt8]) {
        uint32(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func append(_ instruction: Instruction) throws(WireError) {
        uint16(instruction.opcode.rawValue)
        uint16(0)
        let lengthAt = bytes.count
        uint32(0)
        try operands(of: instruction)
        let length = UInt32(bytes.count - lengthAt - 4)
        for index in 0..<4 { bytes[lengthAt + index] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(index))) }
    }

    private mutating func operands(of instruction: Instruction) throws(WireError) {
        switch instruction {
        case .joinSessionKeyring, .raiseLoopback, .pivotRoot, .detachOldRoot, .resetSignals,
            .setNoNewPrivileges, .outliveLauncher:
            break
        case .fail(let errno): uint32(errno)
        case .landlock(let step): try step.write(to: &self)
        case .setOOMScoreAdjustment(let value): uint32(UInt32(bitPattern: value))
        case .unshareNamespaces(let flags), .setPropagation(let flags): uint64(flags)
        case .setTimeOffsets(let monotonic, let boottime):
            uint64(UInt64(bitPattern: monotonic))
            uint64(UInt64(bitPattern: boottime))
        case .setHostname(let text), .enterRoot(let text), .makeMask(let text), .setWorkingDirectory(let text),
            .requireMounted(let text), .unmount(let text):
            try string(text)
        case .createFileSystem(let slot, let type, let options, let attributes):
            uint32(slot.index)
            try string(type)
            try strings(options)
            uint64(attributes)
        case .cloneHostTree(let slot, let path, let device, let inode, let recursive):
            uint32(slot.index)
            try string(path)
            uint64(device)
            uint64(inode)
            flag(recursive)
        case .cloneTree(let slot, let path):
            uint32(slot.index)
            try string(path)
        case .setMountAttributes(let slot, let set, let clear, let recursive):
            uint32(slot.index)
            uint64(set)
            uint64(clear)
            flag(recursive)
        case .joinCgroup(let slot), .attachRoot(let slot), .closeSlot(let slot), .watchMemory(let slot),
            .holdSlot(let slot), .keepInput(let slot), .openGuards(let slot):
            uint32(slot.index)
        case .attach(let slot, let path, let create):
            uint32(slot.index)
            try string(path)
            uint32(create.rawValue)
        case .makeDirectory(let path, let mode, let uid, let gid):
            try string(path)
            for value in [mode, uid, gid] { uint32(value) }
        case .writeFile(let path, let mode, let uid, let gid, let contents, _):
            try string(path)
            for value in [mode, uid, gid] { uint32(value) }
            blob(contents)
        case .writeControlFile(let path, let text, let optional):
            try string(path)
            try string(text)
            flag(optional)
        case .makeSymlink(let first, let second):
            try string(first)
            try string(second)
        case .bindOntoItself(let path, let set, let clear, let optional):
            try string(path)
            uint64(set)
            uint64(clear)
            flag(optional)
        case .mask(let path, let optional):
            try string(path)
            flag(optional)
        case .guardName(let path, let action, let holdsGuards):
            try string(path)
            uint32(action.rawValue)
            flag(holdsGuards)
        case .requireFileSystem(let path, let magic):
            try string(path)
            uint64(magic)
        case .setAttributesAt(let path, let set, let clear):
            try string(path)
            uint64(set)
            uint64(clear)
        case .keepRoom(let path, let count):
            try string(path)
            uint32(count)
        case .setRootAttributes(let set, let clear):
            uint64(set)
            uint64(clear)
        case .openTerminal(let slot, let uid, let gid, let rows, let columns):
            for value in [slot.index, uid, gid, rows, columns] { uint32(value) }
        case .setDeadline(let nanoseconds): uint64(nanoseconds)
        case .watchCPUTime(let slot, let isUnified, let nanoseconds, let parallelism):
            uint32(slot.index)
            uint32(isUnified ? 1 : 0)
            uint64(nanoseconds)
            uint32(parallelism)
        case .watchDisk(let path): try string(path)
        case .serve(let listener, let verdict):
            uint32(listener.index)
            uint32(verdict.index)
        case .keepLog(let first, let second, let capacity, let generation, let limit):
            uint32(first.index)
            uint32(second.index)
            for value in [capacity, generation, limit] { uint64(value) }
        case .restartAgent(let most): uint32(most)
        case .logStream(let slot, let stream):
            uint32(slot.index)
            uint32(UInt32(stream.rawValue))
        case .startAgent(let mode): uint32(mode.rawValue)
        case .newSession, .setStandardDescriptors, .setResourceLimit, .setNice,
            .dropBoundingCapabilities, .setIdentity, .setCapabilities, .setSecurebits, .setUmask,
            .setParentDeathSignal, .installFilter,
            .closeDescriptors,
            .execute:
            try agentOperands(of: instruction)
        }
    }

    private mutating func agentOperands(of instruction: Instruction) throws(WireError) {
        switch instruction {
        case .newSession(let terminal): slot(terminal)
        case .setStandardDescriptors(let input, let output, let error):
            for value in [input, output, error] { slot(value) }
        case .setResourceLimit(let resource, let soft, let hard):
            uint32(resource)
            uint64(soft)
            uint64(hard)
        case .dropBoundingCapabilities(let keep, let last):
            uint64(keep)
            uint32(last)
        case .setIdentity(let uid, let gid, let groups):
            uint32(uid)
            uint32(gid)
            flag(groups != nil)
            uint32(UInt32(groups?.count ?? 0))
            for group in groups ?? [] { uint32(group) }
        case .setCapabilities(let effective, let permitted, let inheritable, let ambient):
            for value in [effective, permitted, inheritable, ambient] { uint64(value) }
        case .setSecurebits(let bits): uint32(bits.rawValue)
        case .setNice(let value): uint32(UInt32(bitPattern: value))
        case .setUmask(let mode): uint32(mode)
        case .setParentDeathSignal(let signal): uint32(signal)
        case .installFilter(let flags, let instructions, _):
            uint32(flags)
            blob(instructions)
        case .closeDescriptors(let first): uint32(first)
        case .execute(let arguments, let environment, let searchPath, _):
            try strings(arguments)
            try strings(environment)
            try strings(searchPath)
        default: break  // every other instruction is init's, written above
        }
    }
}
