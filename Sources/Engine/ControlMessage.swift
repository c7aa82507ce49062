// SPDX-License-Identifier: Apache-2.0
import SetupProgram

/// The host's side of the records: writes its own, reads init's.
enum ControlMessage: Equatable {
    case failed(UInt32, Int32)
    case started(UInt32)
    case stopped(Int32)
    case exited(ExitRecord)
    case descriptor(DescriptorPurpose)

    /// Reads a record of init's: anything but the exact form of one that init may send is an error.
    init(_ bytes: [UInt8]) throws(WireError) {
        let result: Result<ControlMessage, WireError> = bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return .failure(.truncated) }
            do throws(WireError) {
                var reader = WireReader(base, count: buffer.count)
                return .success(try ControlMessage(&reader))
            } catch { return .failure(error) }
        }
        self = try result.get()
    }

    private init(_ reader: inout WireReader) throws(WireError) {
        switch try RecordHeader(&reader).kind {
        case .failed: self = .failed(try reader.uint32(), Int32(bitPattern: try reader.uint32()))
        case .started: self = .started(try reader.uint32())
        case .stopped:
            let signal = try reader.uint32()
            guard signal > 0, signal <= 64 else { throw .badValue }
            self = .stopped(Int32(signal))
        case .exited:
            self = .exited(try ExitRecord(&reader))
            return
        case .descriptor:
            guard let purpose = DescriptorPurpose(rawValue: try reader.uint32()) else { throw .badValue }
            self = .descriptor(purpose)
        case .program, .programPart, .signal, .terminate, .exec, .execPart, .signalExec, .queryProgram, .takeInput,
            .closeInput, .queryProcesses, .endRestarts, .openPath, .execStarted, .execExited, .agentProgram, .processes,
            .refused,
            .done:
            throw .badOrder
        }
        try reader.requireEnd()
    }

    static func record(_ kind: RecordKind, _ body: (inout WireWriter) -> Void) -> [UInt8] {
        var payload = WireWriter()
        body(&payload)
        var writer = WireWriter()
        writer.reserve(payload.bytes.count + RecordLayout.headerSize)
        writer.uint32(RecordLayout.magic)
        writer.uint16(RecordLayout.version)
        writer.uint16(kind.rawValue)
        writer.uint32(UInt32(payload.bytes.count + RecordLayout.headerSize))
        writer.raw(payload.bytes)
        return writer.bytes
    }

    /// A part of a program; the first one carries the program's length.
    static func program(_ part: ArraySlice<UInt8>, total: UInt32?) -> [UInt8] {
        record(total == nil ? .programPart : .program) { writer in
            if let total { writer.uint32(total) }
            writer.raw(part)
        }
    }

    static let terminate = record(.terminate) { _ in }

    static func signal(_ number: Int32, scope: SignalScope) -> [UInt8] {
        record(.signal) { writer in
            writer.uint32(UInt32(number))
            writer.uint32(scope.rawValue)
        }
    }
}
