// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A program as it arrived: checked in its outline, its descriptors in their slots.
struct ReceivedProgram {
    var header: ProgramHeader
    /// From the first instruction on.
    var instructions: WireReader
    var slots: Slots
    /// What `instructions` lies in.
    var memory: UnsafeMutableRawPointer
}

/// Receives the records that carry the program, puts it together and checks that every instruction lies inside it.
func receiveProgram() throws(StepError) -> ReceivedProgram {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: RecordLayout.largest, alignment: 16)
    defer { buffer.deallocate() }
    var receiver = ProgramReceiver()
    defer { receiver.free() }
    while true {
        var room = receiver.room
        let count = mt_receive_descriptors(
            Int32(controlSocket), buffer, RecordLayout.largest, receiver.place, &room, 0)
        if count == -Int(EINTR) { continue }
        if count == 0 { exitNow(125) }  // the launcher is gone before it said anything
        if count < 0 { throw StepError(Int32(-count)) }
        receiver.count(descriptors: room)
        var reader = WireReader(buffer, count: count)
        let record = try wire { () throws(WireError) in try RecordHeader(&reader) }
        guard record.kind == (receiver.isBegun ? .programPart : .program) else { throw StepError(EBADMSG) }
        if try receiver.take(reader, from: buffer) { return try receiver.outline() }
    }
}

/// Puts a program together from the payloads of its records.
struct ProgramReceiver {
    private let descriptors = UnsafeMutablePointer<Int32>.allocate(capacity: ProgramHeader.mostSlots)
    private var descriptorCount = 0
    private var program: UnsafeMutableRawPointer?
    private var length = 0
    private var received = 0
    /// The slot of the first descriptor that comes along.
    var firstSlot: UInt32 = 0

    var isBegun: Bool { program != nil }
    /// How many descriptors may come with the next record, and where they are to be put.
    var room: Int { min(ProgramHeader.mostSlots - descriptorCount, RecordLayout.mostDescriptors) }
    var place: UnsafeMutablePointer<Int32> { descriptors + descriptorCount }
    mutating func count(descriptors count: Int) { descriptorCount += count }

    /// Takes the payload of one record; the first begins with the program's length. True when the program is whole.
    mutating func take(_ payload: WireReader, from buffer: UnsafeMutableRawPointer) throws(StepError) -> Bool {
        var reader = payload
        if program == nil {
            length = Int(try wire { () throws(WireError) in try reader.uint32() })
            guard length >= ProgramHeader.size, length <= ProgramHeader.largestProgram else { throw StepError(EBADMSG) }
            program = .allocate(byteCount: length, alignment: 16)
        }
        let part = reader.remaining
        guard received + part <= length else { throw StepError(EBADMSG) }
        program?.advanced(by: received).copyMemory(from: buffer + reader.offset, byteCount: part)
        // The count is kept from the reader, whose end is the record's.
        received += part
        return received == length
    }

    /// The program, whose descriptors are its own from here on.
    mutating func outline() throws(StepError) -> ReceivedProgram {
        guard let program else { throw StepError(EBADMSG) }
        var reader = WireReader(program, count: length)
        let header = try wire { () throws(WireError) in try ProgramHeader(&reader) }
        guard Int(header.length) == length, Int(header.descriptorCount) == descriptorCount,
            Int(header.slotCount) >= Int(firstSlot) + descriptorCount
        else { throw StepError(EBADMSG) }
        let instructions = reader
        var index = 0
        while index < Int(header.instructionCount) {
            _ = try nextInstruction(&reader)
            index += 1
        }
        try wire { () throws(WireError) in try reader.requireEnd() }
        let slots = Slots(count: Int(header.slotCount))
        for index in 0..<descriptorCount { try slots.fill(firstSlot + UInt32(index), Int(descriptors[index])) }
        descriptorCount = 0
        self.program = nil
        return ReceivedProgram(header: header, instructions: instructions, slots: slots, memory: program)
    }

    /// Closes what has arrived of a program that is not whole, and gives the memory back.
    mutating func free() {
        for index in 0..<descriptorCount { close(Int(descriptors[index])) }
        descriptorCount = 0
        descriptors.deallocate()
        program?.deallocate()
        program = nil
    }
}
