// SPDX-License-Identifier: Apache-2.0
import SetupProgram
import Testing

@testable import Engine

/// Records from init, which may be in the agent's hands: exactly the forms below, or an error. ATTACKS.md 46
@Suite struct ControlMessageTests {
    /// A record of init's, its length field as given or as it should be.
    private static func record(_ kind: UInt16, _ payload: [UInt8], length: UInt32? = nil) -> [UInt8] {
        var writer = WireWriter()
        writer.uint32(RecordLayout.magic)
        writer.uint16(RecordLayout.version)
        writer.uint16(kind)
        writer.uint32(length ?? UInt32(payload.count + RecordLayout.headerSize))
        writer.raw(payload)
        return writer.bytes
    }

    private static func error(_ bytes: [UInt8]) -> WireError? {
        do throws(WireError) { _ = try ControlMessage(bytes) } catch { return error }
        return nil
    }

    private static let exitPayload: [UInt8] = [
        0x89, 0, 0, 0,  // wait status: signal 9, core dumped
        1, 0, 0, 0,  // reason: deadline
        1, 0, 0, 0, 0, 0, 0, 0,  // user time
        2, 0, 0, 0, 0, 0, 0, 0,  // system time
        3, 0, 0, 0, 0, 0, 0, 0,  // peak memory
        4, 0, 0, 0, 0, 0, 0, 1,  // wall time
        5, 0, 0, 0, 0, 0, 0, 0,  // init's CPU time
        1, 0, 0, 0,  // the disk was measured
        6, 0, 0, 0, 0, 0, 0, 0,  // its bytes
        7, 0, 0, 0, 0, 0, 0, 0,  // its inodes
        1, 0, 0, 0,  // it is full
    ]

    private static let valid: [[UInt8]] = [
        record(64, [7, 0, 0, 0, 22, 0, 0, 0]), record(65, [1, 0, 0, 0]), record(66, [2, 0, 0, 0]),
        record(67, exitPayload), record(68, [19, 0, 0, 0]),
    ]

    @Test func `each record of init's is read`() throws {
        let exit = ExitRecord(
            waitStatus: 0x89, reason: .deadline, userMicroseconds: 1, systemMicroseconds: 2, peakResidentKiB: 3,
            wallNanoseconds: 0x0100_0000_0000_0004, initMicroseconds: 5,
            disk: DiskRecord(bytes: 6, inodes: 7, isFull: true))
        let expected: [ControlMessage] = [
            .failed(7, 22), .descriptor(.terminal), .started(2), .exited(exit), .stopped(19),
        ]
        #expect(try Self.valid.map { try ControlMessage($0) } == expected)
    }

    @Test func `a failure outside every instruction is read as it is`() throws {
        #expect(try ControlMessage(Self.record(64, [255, 255, 255, 255, 1, 0, 0, 0])) == .failed(.max, 1))
    }

    @Test func `every truncation is an error, also where the header admits to it`() {
        for record in Self.valid {
            for count in 0..<record.count {
                var part = Array(record[..<count])
                #expect(Self.error(part) != nil, "\(count) bytes of \(record)")
                guard count >= RecordLayout.headerSize else { continue }
                part[8] = UInt8(count)
                #expect(Self.error(part) == .truncated, "\(count) bytes of \(record), and so the header says")
            }
        }
    }

    @Test func `bytes too many are an error, whether the length counts them or not`() {
        for record in Self.valid {
            var longer = record + [0]
            #expect(Self.error(longer) == .truncated)
            longer[8] += 1
            #expect(Self.error(longer) == .badOrder)
        }
    }

    @Test func `a length that is not the record's is an error`() {
        for length: UInt32 in [0, 11, 15, 17, 65536, 0x7fff_ffff, 0x8000_0010, .max] {
            #expect(Self.error(Self.record(66, [2, 0, 0, 0], length: length)) == .truncated)
        }
    }

    @Test func `what only the host may say is not init's to say`() {
        for kind: UInt16 in [1, 2, 3, 4, 16, 17, 18, 19, 20, 21, 22, 23, 80, 81, 82, 83, 84, 85] {
            #expect(Self.error(Self.record(kind, [0, 0, 0, 0])) == .badOrder)
        }
    }

    @Test func `another magic, version or kind is an error`() {
        for (offset, expected) in [(0, WireError.badHeader), (3, .badHeader), (4, .badHeader), (5, .badHeader)] {
            var changed = Self.valid[2]
            changed[offset] ^= 1
            #expect(Self.error(changed) == expected)
        }
        for kind: UInt16 in [0, 5, 15, 24, 63, 69, 79, 86, 255, 0x4200] {
            #expect(Self.error(Self.record(kind, [0, 0, 0, 0])) == .unknownOpcode)
        }
    }

    @Test func `numbers outside their field's range are errors`() {
        for signal: UInt8 in [0, 65, 255] { #expect(Self.error(Self.record(68, [signal, 0, 0, 0])) == .badValue) }
        for purpose: UInt8 in [0, 5, 255] { #expect(Self.error(Self.record(65, [purpose, 0, 0, 0])) == .badValue) }
        var exit = Self.exitPayload
        exit[4] = 6
        #expect(Self.error(Self.record(67, exit)) == .badValue)
    }

    @Test func `every change of one byte is an error or another message`() throws {
        for record in Self.valid {
            let original = try ControlMessage(record)
            for offset in record.indices {
                for bit in 0..<8 {
                    var changed = record
                    changed[offset] ^= 1 << UInt8(bit)
                    if let message = try? ControlMessage(changed) { #expect(message != original) }
                }
            }
        }
    }

    @Test func `the host's records have exactly these bytes`() {
        #expect(
            ControlMessage.signal(15, scope: .agentGroup) == [
                0x4d, 0x54, 0x52, 0x31, 1, 0, 3, 0, 20, 0, 0, 0,  // "MTR1", version, signal, length
                15, 0, 0, 0, 1, 0, 0, 0,
            ])
        #expect(
            ControlMessage.program([0xaa, 0xbb], total: 9) == [
                0x4d, 0x54, 0x52, 0x31, 1, 0, 1, 0, 18, 0, 0, 0,  // "MTR1", version, program, length
                9, 0, 0, 0, 0xaa, 0xbb,
            ])
        #expect(
            ControlMessage.program([0xcc], total: nil) == [
                0x4d, 0x54, 0x52, 0x31, 1, 0, 2, 0, 13, 0, 0, 0, 0xcc,  // "MTR1", version, program part, length
            ])
    }
}
