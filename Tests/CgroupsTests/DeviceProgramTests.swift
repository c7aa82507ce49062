// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

/// The program for v2's device rules: its bytes, and what it decides, run here by an interpreter of our own.
@Suite struct DeviceProgramTests {
    @Test func `the bytes are the kernel's instructions`() {
        let program = DeviceProgram([DeviceRule(.character, major: 1, minor: 3, access: [.read, .write])])
        #expect(
            program.bytes == [
                0x61, 0x12, 0x00, 0x00, 0, 0, 0, 0,  // r2 = *(u32 *)(r1 + 0)     access << 16 | kind
                0x61, 0x13, 0x04, 0x00, 0, 0, 0, 0,  // r3 = *(u32 *)(r1 + 4)     major
                0x61, 0x14, 0x08, 0x00, 0, 0, 0, 0,  // r4 = *(u32 *)(r1 + 8)     minor
                0xbf, 0x25, 0x00, 0x00, 0, 0, 0, 0,  // r5 = r2
                0x57, 0x05, 0x00, 0x00, 0xff, 0xff, 0, 0,  // r5 &= 0xffff            kind
                0x77, 0x02, 0x00, 0x00, 16, 0, 0, 0,  // r2 >>= 16                 access
                0x55, 0x05, 0x05, 0x00, 2, 0, 0, 0,  // if r5 != 2 (char) goto refuse
                0x45, 0x02, 0x04, 0x00, 1, 0, 0, 0,  // if r2 & 1 (mknod) goto refuse
                0x55, 0x03, 0x03, 0x00, 1, 0, 0, 0,  // if r3 != 1 goto refuse
                0x55, 0x04, 0x02, 0x00, 3, 0, 0, 0,  // if r4 != 3 goto refuse
                0xb7, 0x00, 0x00, 0x00, 1, 0, 0, 0,  // r0 = 1
                0x95, 0x00, 0x00, 0x00, 0, 0, 0, 0,  // exit
                0xb7, 0x00, 0x00, 0x00, 0, 0, 0, 0,  // refuse: r0 = 0
                0x95, 0x00, 0x00, 0x00, 0, 0, 0, 0,  // exit
            ])
    }

    @Test func `no rule allows nothing`() {
        #expect(DeviceProgram([]).instructions.count == 8)
        #expect(!Request(kind: 2, access: 2, major: 1, minor: 3).isAllowed(by: DeviceProgram([])))
    }

    @Test func `nothing follows a rule that allows everything, because the verifier refuses what never runs`() {
        let all = DeviceRule(.all, access: .all)
        let program = DeviceProgram([all, DeviceRule(.block, major: 7, access: .all)])
        #expect(program == DeviceProgram([all]))
        #expect(program.instructions.suffix(2) == [.set(.result, 1), .exit])
        #expect(program.instructions.count == 8)
    }

    /// Rules with every part present and absent; requests around them.
    @Test func `the program decides as the rules say, for every kind of rule and request`() {
        let rules = [
            DeviceRule(.character, major: 1, minor: 3, access: .all), DeviceRule(.block, major: 7, access: [.read]),
            DeviceRule(.character, minor: 9, access: [.read, .write]),
            DeviceRule(.all, major: 5, minor: 1, access: [.write]),
            DeviceRule(.block, access: [.mknod]), DeviceRule(.all, access: [.mknod]),
            DeviceRule(.character, major: 4095, minor: 1_048_575, access: .all),
        ]
        let requests = [UInt32(1), 2].flatMap { kind in
            (UInt32(1)...7).flatMap { access in
                [UInt32(0), 1, 5, 7, 4095].flatMap { major in
                    [UInt32(0), 1, 3, 9, 1_048_575].map { Request(kind: kind, access: access, major: major, minor: $0) }
                }
            }
        }
        var verdicts: Set<Bool> = []
        for first in rules.indices {
            for last in first..<rules.count {
                let some = Array(rules[first...last])
                let program = DeviceProgram(some)
                for request in requests {
                    let expected = some.contains(where: request.fits)
                    verdicts.insert(expected)
                    #expect(request.isAllowed(by: program) == expected, "\(some) \(request)")
                }
            }
        }
        #expect(verdicts == [true, false])
    }

    private struct Request {
        var kind: UInt32
        var access: UInt32
        var major: UInt32
        var minor: UInt32

        /// The rule's meaning, in words of its own.
        func fits(_ rule: DeviceRule) -> Bool {
            let kinds: [UInt32] = rule.kind == .all ? [1, 2] : rule.kind == .block ? [1] : [2]
            return kinds.contains(kind) && rule.major ?? major == major && rule.minor ?? minor == minor
                && access & ~UInt32(rule.access.rawValue) == 0
        }

        /// Runs the program; what it must not do (a bad jump, no end) is a refusal nobody expects, or a trap.
        func isAllowed(by program: DeviceProgram) -> Bool {
            let context: [Int16: UInt64] = [0: UInt64(access << 16 | kind), 4: UInt64(major), 8: UInt64(minor)]
            var registers = [UInt64?](repeating: nil, count: 11)
            var next = 0
            while true {
                let instruction = program.instructions[next]
                let target = Int(instruction.registers & 15)
                let source = Int(instruction.registers >> 4)
                let immediate = UInt64(bitPattern: Int64(instruction.immediate))
                next += 1
                switch instruction.code {
                case 0x61: registers[target] = source == 1 ? context[instruction.offset]! : nil
                case 0xbf: registers[target] = registers[source]!
                case 0xb7: registers[target] = immediate
                case 0x57: registers[target] = registers[target]! & immediate
                case 0x77: registers[target] = registers[target]! >> immediate
                case 0x55: if registers[target]! != immediate { next += Int(instruction.offset) }
                case 0x45: if registers[target]! & immediate != 0 { next += Int(instruction.offset) }
                case 0x95: return registers[0]! == 1
                default: fatalError("unknown instruction \(instruction.code)")
                }
            }
        }
    }
}
