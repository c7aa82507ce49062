// SPDX-License-Identifier: Apache-2.0
import SetupProgram

/// What init answers over its socket: anything but the exact form of a record that it may send is an error.
enum ServiceMessage: Equatable {
    case done
    case refused(Int32)
    case failed(UInt32, Int32)
    case started(UInt32)
    case exited(ExecExitRecord)
    case descriptor(DescriptorPurpose)
    case program(part: [UInt8], total: UInt32, instructionCount: UInt32, slotCount: UInt32)
    case processes([UInt32])

    init(_ bytes: [UInt8]) throws(WireError) {
        let result: Result<ServiceMessage, WireError> = bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return .failure(.truncated) }
            do throws(WireError) {
                var reader = WireReader(base, count: buffer.count)
                let message = try ServiceMessage(&reader)
                try reader.requireEnd()
                return .success(message)
            } catch { return .failure(error) }
        }
        self = try result.get()
    }

    private init(_ reader: inout WireReader) throws(WireError) {
        switch try RecordHeader(&reader).kind {
        case .done: self = .done
        case .refused: self = .refused(Int32(bitPattern: try reader.uint32()))
        case .failed: self = .failed(try reader.uint32(), Int32(bitPattern: try reader.uint32()))
        case .execStarted: self = .started(try reader.uint32())
        case .execExited: self = .exited(try ExecExitRecord(&reader))
        case .descriptor:
            guard let purpose = DescriptorPurpose(rawValue: try reader.uint32()) else { throw .badValue }
            self = .descriptor(purpose)
        case .agentProgram:
            let record = try AgentProgramRecord(&reader)
            self = .program(
                part: Array(UnsafeRawBufferPointer(start: record.part.start, count: record.part.remaining)),
                total: record.total, instructionCount: record.instructionCount, slotCount: record.slotCount)
        case .processes:
            var numbers: [UInt32] = []
            while reader.remaining > 0 { numbers.append(try reader.uint32()) }
            self = .processes(numbers)
        default: throw .badOrder
        }
    }

    // MARK: What is asked

    static let terminate = ControlMessage.terminate
    static let takeInput = ControlMessage.record(.takeInput) { _ in }
    static let closeInput = ControlMessage.record(.closeInput) { _ in }
    static let endRestarts = ControlMessage.record(.endRestarts) { _ in }
    static let queryProcesses = ControlMessage.record(.queryProcesses) { _ in }

    static func openPath(_ path: String, flags: UInt32, mode: UInt32, uid: UInt32, gid: UInt32) -> [UInt8] {
        ControlMessage.record(.openPath) { writer in
            writer.uint32(flags)
            writer.uint32(mode)
            writer.uint32(uid)
            writer.uint32(gid)
            writer.uint32(UInt32(path.utf8.count))
            writer.raw(path.utf8)
            writer.raw(CollectionOfOne(0))
        }
    }

    static func queryProgram(from offset: Int) -> [UInt8] {
        ControlMessage.record(.queryProgram) { $0.uint32(UInt32(offset)) }
    }

    static func signalExec(_ number: Int32, toGroup: Bool) -> [UInt8] {
        ControlMessage.record(.signalExec) { writer in
            writer.uint32(UInt32(number))
            writer.uint32(toGroup ? 1 : 0)
        }
    }

    /// A part of a program that starts a process; the first says where its descriptors go, and how long it is.
    static func exec(_ part: ArraySlice<UInt8>, begin: (firstSlot: UInt32, total: UInt32)?) -> [UInt8] {
        ControlMessage.record(begin == nil ? .execPart : .exec) { writer in
            if let begin {
                writer.uint32(begin.firstSlot)
                writer.uint32(begin.total)
            }
            writer.raw(part)
        }
    }
}
