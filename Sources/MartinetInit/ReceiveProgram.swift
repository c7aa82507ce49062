// SPDX-License-Identifier: Apache-2.0
import CLinux

/// A program as it arrived: checked in its outline, its descriptors in their slots.
struct ReceivedProgram {
    var header: ProgramHeader
    /// From the first instruction on.
    var instructions: WireReader
    var slots: Slots
}

/// Receives the records that carry the program, puts it together and checks that every instruction lies inside it.
func receiveProgram() throws(StepError) -> ReceivedProgram {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: RecordLayout.largest, alignment: 16)
    defer { buffer.deallocate() }
    let descriptors = UnsafeMutablePointer<Int32>.allocate(capacity: ProgramHeader.mostSlots)
    defer { descriptors.deallocate() }
    var descriptorCount = 0
    var program: UnsafeMutableRawPointer?
    var length = 0
    var received = 0
    repeat {
        var room = min(ProgramHeader.mostSlots - descriptorCount, RecordLayout.mostDescriptors)
        let count = mt_receive_descriptors(
            Int32(controlSocket), buffer, RecordLayout.largest, descriptors + descriptorCount, &room, 0)
        if count == -Int(EINTR) { continue }
        if count == 0 { exitNow(125) }  // the launcher is gone before it said anything
        if count < 0 { throw StepError(Int32(-count)) }
        descriptorCount += room
        var reader = WireReader(buffer, count: count)
        let record = try wire { () throws(WireError) in try RecordHeader(&reader) }
        if program == nil {
            guard record.kind == .program else { throw StepError(EBADMSG) }
            length = Int(try wire { () throws(WireError) in try reader.uint32() })
            guard length >= ProgramHeader.size, length <= ProgramHeader.largestProgram else { throw StepError(EBADMSG) }
            program = .allocate(byteCount: length, alignment: 16)
        } else {
            guard record.kind == .programPart else { throw StepError(EBADMSG) }
        }
        let part = reader.remaining
        guard received + part <= length else { throw StepError(EBADMSG) }
        program?.advanced(by: received).copyMemory(from: buffer + reader.offset, byteCount: part)
        // The count is kept from the reader, whose end is the record's.
        received += part
    } while received < length || program == nil
    guard let program else { throw StepError(EBADMSG) }
    return try outline(program, length, descriptors, descriptorCount)
}

private func outline(
    _ program: UnsafeMutableRawPointer, _ length: Int, _ descriptors: UnsafeMutablePointer<Int32>, _ count: Int
) throws(StepError) -> ReceivedProgram {
    var reader = WireReader(program, count: length)
    let header = try wire { () throws(WireError) in try ProgramHeader(&reader) }
    guard Int(header.length) == length, Int(header.descriptorCount) == count else { throw StepError(EBADMSG) }
    let slots = Slots(count: Int(header.slotCount))
    for index in 0..<count { try slots.fill(UInt32(index), Int(descriptors[index])) }
    let instructions = reader
    var index = 0
    while index < Int(header.instructionCount) {
        _ = try nextInstruction(&reader)
        index += 1
    }
    try wire { () throws(WireError) in try reader.requireEnd() }
    return ReceivedProgram(header: header, instructions: instructions, slots: slots)
}
