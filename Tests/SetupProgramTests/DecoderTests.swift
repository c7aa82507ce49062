// SPDX-License-Identifier: Apache-2.0
import SetupProgram
import Testing

/// Bytes that no compiler made: each must be an error, or a program that encodes to what it says. ATTACKS.md 46
@Suite struct DecoderTests {
    private static let identity = NamespaceIdentity(device: 4, inode: 5)

    private static func bytes(
        _ instructions: [Instruction], descriptorCount: UInt32 = 0, slotCount: UInt32 = 8
    ) throws(WireError) -> [UInt8] {
        try SetupProgram(instructions: instructions, descriptorCount: descriptorCount, slotCount: slotCount)
            .encoded(launcherMountNamespace: identity, launcherUserNamespace: identity)
    }

    private static func decodingError(_ bytes: [UInt8]) -> WireError? {
        do throws(WireError) { _ = try SetupProgram(decoding: bytes) } catch { return error }
        return nil
    }

    @Test func `a program has exactly these bytes`() throws {
        let program = try Self.bytes([.setHostname("ab"), .pivotRoot, .attach(Slot(2), path: "/x", create: .file)])
        #expect(
            program == [
                0x4d, 0x54, 0x50, 0x31,  // magic "MTP1"
                1, 0,  // version
                3, 0,  // instructions
                102, 0, 0, 0,  // length of it all
                0, 0, 0, 0,  // descriptors
                8, 0, 0, 0,  // slots
                0, 0, 0, 0,  // for namespaces
                4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0,  // the launcher's mount namespace
                4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0,  // the launcher's user namespace
                4, 0, 0, 0, 7, 0, 0, 0,  // setHostname, 7 bytes
                2, 0, 0, 0, 0x61, 0x62, 0,  // "ab", NUL
                23, 0, 0, 0, 0, 0, 0, 0,  // pivotRoot, 0 bytes
                21, 0, 0, 0, 15, 0, 0, 0,  // attach, 15 bytes
                2, 0, 0, 0,  // slot
                2, 0, 0, 0, 0x2f, 0x78, 0,  // "/x", NUL
                2, 0, 0, 0,  // file
            ])
    }

    @Test func `what init is to be is one of two things`() throws {
        let program = SetupProgram(instructions: [.pivotRoot], descriptorCount: 0, slotCount: 0, mode: .subreaper)
        var bytes = try program.encodedForTest()
        #expect(bytes[20..<24] == [1, 0, 0, 0])
        #expect(try SetupProgram(decoding: bytes).mode == .subreaper)
        for mode: UInt32 in [2, 0x100, .max] {
            bytes.setUInt32(mode, at: 20)
            #expect(Self.decodingError(bytes) == .badHeader)
        }
    }

    @Test func `no bytes at all are an error`() {
        #expect(Self.decodingError([]) == .truncated)
    }

    @Test func `every truncation is an error, also where the header admits to it`() throws {
        let whole = try everything()
        for count in 0..<whole.count {
            var part = Array(whole[..<count])
            #expect(Self.decodingError(part) != nil, "\(count) bytes")
            guard count >= ProgramHeader.size else { continue }
            part.setUInt32(UInt32(count), at: 8)
            #expect(Self.decodingError(part) != nil, "\(count) bytes, and so the header says")
        }
    }

    @Test func `a program of its own bytes twice is an error`() throws {
        let whole = try everything()
        #expect(Self.decodingError(whole + whole) == .truncated)
        var trailing = whole + [0]
        trailing.setUInt32(UInt32(trailing.count), at: 8)
        #expect(Self.decodingError(trailing) == .badOrder)
    }

    @Test func `every bit of the header and of each instruction's head is looked at`() throws {
        let whole = try everything()
        var heads = Array(0..<24)  // what follows in the header are the launcher's namespaces, any numbers
        var offset = ProgramHeader.size
        while offset < whole.count {
            heads += Array(offset..<(offset + 8))
            offset += 8 + Int(whole.uint32(at: offset + 4))
        }
        let original = try SetupProgram(decoding: whole)
        for offset in heads {
            for bit in 0..<8 {
                var changed = whole
                changed[offset] ^= 1 << UInt8(bit)
                if let decoded = try? SetupProgram(decoding: changed) {
                    #expect(decoded != original, "bit \(bit) of byte \(offset)")
                }
            }
        }
    }

    @Test func `every byte of the operands may be anything`() throws {
        let whole = try everything()
        for offset in ProgramHeader.size..<whole.count {
            for value: UInt8 in [0, 0xff, whole[offset] ^ 1] {
                var changed = whole
                changed[offset] = value
                try expectErrorOrFixedPoint(changed)
            }
        }
    }

    @Test func `twenty thousand random programs are errors or programs`() throws {
        var random = FixedRandom(state: 0x6d61_7274_696e_6574)
        let seeds = try [
            everything(), Self.bytes([.joinSessionKeyring, .setIdentity(uid: 1, gid: 2, groups: [3, 4])]),
            Self.bytes([.execute(arguments: ["a", "b"], environment: ["C=d"], searchPath: ["/bin"])]),
            Self.bytes([.createFileSystem(Slot(0), type: "tmpfs", options: ["size=1", "mode=0"], attributes: 7)]),
            Self.bytes([.installFilter(flags: 0, instructions: [UInt8](repeating: 6, count: 16))]),
        ]
        var decoded = 0
        for round in 0..<20_000 {
            var bytes: [UInt8]
            if round % 4 == 0 {
                // Nothing but noise behind a header that holds.
                bytes = Array(seeds[1][..<ProgramHeader.size])
                bytes += (0..<Int.random(in: 0..<96, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                bytes[6] = UInt8.random(in: 0...4, using: &random)
            } else {
                // The large one rarely: it takes a hundred times as long.
                bytes = seeds[round % 400 == 1 ? 0 : Int.random(in: 1..<seeds.count, using: &random)]
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                if round % 8 == 1 { bytes.removeLast(Int.random(in: 0...min(40, bytes.count - 12), using: &random)) }
            }
            if bytes.count >= 12, round % 16 != 3 { bytes.setUInt32(UInt32(bytes.count), at: 8) }
            if try expectErrorOrFixedPoint(bytes) { decoded += 1 }
        }
        // Both sides of the fence were visited.
        #expect(decoded > 100 && decoded < 19_900, "\(decoded) decoded")
    }

    @Test func `a string with NUL is not encoded`() {
        let program: [Instruction] = [.setHostname("a\0b")]
        #expect(throws: WireError.malformedString) { try Self.bytes(program) }
        #expect(throws: WireError.malformedString) {
            try Self.bytes([.execute(arguments: ["x", "\0"], environment: [], searchPath: [])])
        }
    }

    @Test func `a string with NUL, or without its end, is not decoded`() throws {
        let whole = try Self.bytes([.setHostname("abc")])
        for offset in 68..<71 {
            var changed = whole
            changed[offset] = 0
            #expect(Self.decodingError(changed) == .malformedString)
        }
        var endless = whole
        endless[71] = 0x64
        #expect(Self.decodingError(endless) == .malformedString)
    }

    @Test func `lengths up to the largest number are errors`() throws {
        for length: UInt32 in [5, 0x7fff_ffff, 0x8000_0000, 0xffff_fffb, .max] {
            var hostname = try Self.bytes([.setHostname("abc")])
            hostname.setUInt32(length, at: 64)  // of the string
            #expect(Self.decodingError(hostname) == .truncated)
            hostname = try Self.bytes([.setHostname("abc")])
            hostname.setUInt32(length &+ 8, at: 60)  // of the operands
            #expect(Self.decodingError(hostname) != nil)
            var execute = try Self.bytes([.execute(arguments: ["a"], environment: [], searchPath: [])])
            execute.setUInt32(length, at: 64)  // number of arguments
            #expect(Self.decodingError(execute) != nil)
            var identity = try Self.bytes([.setIdentity(uid: 0, gid: 0, groups: [1])])
            identity.setUInt32(length, at: 76)  // number of groups
            #expect(Self.decodingError(identity) != nil)
            var filter = try Self.bytes([.installFilter(flags: 0, instructions: [0, 0, 0, 0, 0, 0, 0, 0])])
            filter.setUInt32(length, at: 68)  // bytes of filter
            #expect(Self.decodingError(filter) != nil)
        }
    }

    @Test func `slot counts have a bound, on both sides`() throws {
        #expect(throws: WireError.badSlot) { try Self.bytes([.pivotRoot], slotCount: 2049) }
        #expect(throws: WireError.badSlot) { try Self.bytes([.pivotRoot], descriptorCount: 9, slotCount: 8) }
        let whole = try Self.bytes([.pivotRoot], descriptorCount: 8, slotCount: 8)
        for (offset, value) in [(16, UInt32(2049)), (16, .max), (12, 9), (12, .max), (16, 7)] {
            var changed = whole
            changed.setUInt32(value, at: offset)
            #expect(Self.decodingError(changed) == .badSlot)
        }
        #expect(try SetupProgram(decoding: try Self.bytes([.pivotRoot], slotCount: 2048)).slotCount == 2048)
    }

    @Test func `numbers outside their field's range are errors`() throws {
        var attach = try Self.bytes([.attach(Slot(0), path: "/", create: .file)])
        attach.setUInt32(3, at: attach.count - 4)
        #expect(Self.decodingError(attach) == .badValue)
        var flag = try Self.bytes([.mask(path: "/", optional: true)])
        flag.setUInt32(2, at: flag.count - 4)
        #expect(Self.decodingError(flag) == .badValue)
        var bounding = try Self.bytes([.dropBoundingCapabilities(keep: 0, last: 63)])
        bounding.setUInt32(64, at: bounding.count - 4)
        #expect(Self.decodingError(bounding) == .badValue)
        #expect(
            Self.decodingError(try Self.bytes([.execute(arguments: [], environment: [], searchPath: [])])) == .badValue)
        for count in [0, 7, 8 * 4097] {
            let filter = [UInt8](repeating: 0, count: count)
            #expect(Self.decodingError(try Self.bytes([.installFilter(flags: 0, instructions: filter)])) == .badValue)
        }
        var port = try Self.bytes([.landlock(.allowPort(ruleset: Slot(0), port: .max, access: 1))])
        port.setUInt32(65536, at: port.count - 12)
        #expect(Self.decodingError(port) == .badValue)
        let groups = [UInt32](repeating: 1, count: 65)
        #expect(Self.decodingError(try Self.bytes([.setIdentity(uid: 0, gid: 0, groups: groups)])) == .badValue)
    }

    @Test func `an unknown opcode is an error`() throws {
        for number: UInt16 in [0, 8, 15, 47, 63, 67, 100, 254, 256, .max] {
            var changed = try Self.bytes([.pivotRoot])
            changed[56] = UInt8(truncatingIfNeeded: number)
            changed[57] = UInt8(number >> 8)
            #expect(Self.decodingError(changed) == .unknownOpcode, "\(number)")
        }
    }

    @Test func `operands longer than the instruction takes are an error`() throws {
        var changed = try Self.bytes([.pivotRoot]) + [0, 0, 0, 0]
        changed.setUInt32(UInt32(changed.count), at: 8)
        changed.setUInt32(4, at: 60)
        #expect(Self.decodingError(changed) == .badOrder)
    }

    @Test func `a program of 8 MiB is encoded, and one byte more is not`() throws {
        let room = ProgramHeader.largestProgram - ProgramHeader.size - 8 - 5
        let largest = String(repeating: "x", count: room)
        let bytes = try Self.bytes([.setHostname(largest)])
        #expect(bytes.count == ProgramHeader.largestProgram)
        #expect(Self.decodingError(bytes) == nil)
        #expect(throws: WireError.badValue) { try Self.bytes([.setHostname(largest + "x")]) }
    }

    @Test func `more instructions than their count can say are not encoded`() {
        let many = [Instruction](repeating: .pivotRoot, count: 65536)
        #expect(throws: WireError.badValue) { try Self.bytes(many) }
    }

    // MARK: Helpers

    private func everything() throws -> [UInt8] {
        let golden = try #require(GoldenCase.all.first { $0.name == "everything" })
        return try golden.make().encodedForTest()
    }

    /// Decodes; what decodes must say the same after its own encoding and decoding. True where it decoded.
    @discardableResult
    private func expectErrorOrFixedPoint(_ bytes: [UInt8]) throws -> Bool {
        guard let program = try? SetupProgram(decoding: bytes) else { return false }
        let again = try SetupProgram(decoding: program.encodedForTest())
        if again != program { Issue.record("\(bytes) decodes to a program that does not survive its encoding") }
        return true
    }
}

/// The same numbers on every run. SplitMix64
struct FixedRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

extension [UInt8] {
    mutating func setUInt32(_ value: UInt32, at offset: Int) {
        for index in 0..<4 { self[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index))) }
    }

    func uint32(at offset: Int) -> UInt32 {
        (0..<4).reduce(UInt32(0)) { $0 | UInt32(self[offset + $1]) << (8 * UInt32($1)) }
    }
}
