// SPDX-License-Identifier: Apache-2.0
import SetupProgram
import Testing

@testable import Engine

/// What init answers over its socket: exactly the forms below, or an error. ATTACKS.md 46
@Suite struct ServiceMessageTests {
    private static func record(_ kind: RecordKind, _ payload: [UInt8]) -> [UInt8] {
        ControlMessage.record(kind) { $0.raw(payload) }
    }

    private static let exit: [UInt8] =
        [0, 3, 0, 0] + (1...4).flatMap { [UInt8($0), 0, 0, 0, 0, 0, 0, 0] }

    private static let valid: [([UInt8], ServiceMessage)] = [
        (record(.done, []), .done),
        (record(.refused, [3, 0, 0, 0]), .refused(3)),
        (record(.failed, [7, 0, 0, 0, 22, 0, 0, 0]), .failed(7, 22)),
        (record(.execStarted, [9, 0, 0, 0]), .started(9)),
        (
            record(.execExited, exit),
            .exited(
                ExecExitRecord(
                    waitStatus: 0x300, userMicroseconds: 1, systemMicroseconds: 2, peakResidentKiB: 3,
                    wallNanoseconds: 4))
        ),
        (record(.descriptor, [3, 0, 0, 0]), .descriptor(.input)),
        (
            record(.agentProgram, [5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0xaa, 0xbb]),
            .program(part: [0xaa, 0xbb], total: 5, instructionCount: 1, slotCount: 2)
        ),
        (record(.processes, [1, 0, 0, 0, 2, 0, 0, 0]), .processes([1, 2])),
    ]

    private static func error(_ bytes: [UInt8]) -> WireError? {
        do throws(WireError) { _ = try ServiceMessage(bytes) } catch { return error }
        return nil
    }

    @Test func `each answer is read`() throws {
        for (bytes, message) in Self.valid { #expect(try ServiceMessage(bytes) == message) }
    }

    @Test func `what is cut short is an error or another message`() throws {
        for (bytes, message) in Self.valid {
            for count in 0..<bytes.count {
                #expect(Self.error(Array(bytes[..<count])) != nil)
                // Also where the header admits to it.
                var admitted = Array(bytes[..<count])
                guard count >= RecordLayout.headerSize else { continue }
                admitted[8] = UInt8(count)
                if let other = try? ServiceMessage(admitted) { #expect(other != message) }
            }
        }
    }

    @Test func `what a launcher or a client says is none, nor what is too large`() {
        for kind: RecordKind in [.program, .programPart, .exec, .execPart, .signal, .terminate, .started, .exited] {
            #expect(Self.error(Self.record(kind, [0, 0, 0, 0])) == .badOrder)
        }
        #expect(Self.error(Self.record(.descriptor, [5, 0, 0, 0])) == .badValue)
        // Longer than any program, and with more slots than there are.
        #expect(Self.error(Self.record(.agentProgram, [1, 0, 0x80, 0, 1, 0, 0, 0, 2, 0, 0, 0])) == .badValue)
        #expect(Self.error(Self.record(.agentProgram, [5, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0])) == .badValue)
    }

    @Test func `what is asked has exactly these bytes`() {
        #expect(
            ServiceMessage.exec([1, 2], begin: (5, 2)) == [
                0x4d, 0x54, 0x52, 0x31, 1, 0, 16, 0, 22, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 1, 2,
            ])
        #expect(ServiceMessage.exec([3], begin: nil) == [0x4d, 0x54, 0x52, 0x31, 1, 0, 17, 0, 13, 0, 0, 0, 3])
        #expect(
            ServiceMessage.signalExec(2, toGroup: true) == [
                0x4d, 0x54, 0x52, 0x31, 1, 0, 18, 0, 20, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0,
            ])
        #expect(
            ServiceMessage.openPath("/a", flags: 0x41, mode: 0o640, uid: 1, gid: 2) == [
                0x4d, 0x54, 0x52, 0x31, 1, 0, 32, 0, 35, 0, 0, 0, 0x41, 0, 0, 0, 0xa0, 1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0,
                2,
                0, 0, 0, 0x2f, 0x61, 0,
            ])
    }
}
