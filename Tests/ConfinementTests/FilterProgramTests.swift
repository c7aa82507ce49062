// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import Testing

@testable import Confinement

/// A number that no system call has: the random filters below decide on it alone.
private let probe: Int32 = 0x0fff_fff0

/// What goes before a random filter: every other call is allowed.
private let guardrail: [FilterInstruction] = [
    FilterInstruction(.loadWord, 0), FilterInstruction(.jumpIfEqual, UInt32(probe), ifTrue: 1),
    FilterInstruction(.returnConstant, 0x7fff_0000),
]

private func bytes(_ instructions: [FilterInstruction]) -> [UInt8] {
    var bytes: [UInt8] = []
    for instruction in instructions { instruction.append(to: &bytes) }
    return bytes
}

@Suite struct `A filter program` {
    @Test func `reads back what it writes`() throws {
        let filter = try SeccompCompiler.compile(.default())
        #expect(try FilterProgram(filter).bytes == filter)
        #expect(try FilterProgram(filter).count == filter.count / 8)
    }

    @Test(
        arguments: [
            ([], "0 instructions; the kernel takes 1 to 4096"),
            ([6, 0, 0], "3 bytes are no whole instructions"),
            ([0x28, 0, 0, 0, 0, 0, 0, 0], "instruction 0: the kernel takes no code 0x28"),  // ldh [0]
            ([0x94, 0, 0, 0, 1, 0, 0, 0], "instruction 0: the kernel takes no code 0x94"),  // mod #1
            ([0x20, 0, 0, 0, 2, 0, 0, 0], "instruction 0: struct seccomp_data has no word at 2"),
            ([0x20, 0, 0, 0, 64, 0, 0, 0], "instruction 0: struct seccomp_data has no word at 64"),
            ([0x34, 0, 0, 0, 0, 0, 0, 0], "instruction 0: divides by zero"),
            ([0x64, 0, 0, 0, 32, 0, 0, 0], "instruction 0: shifts by 32 bits"),
            ([0x02, 0, 0, 0, 16, 0, 0, 0], "instruction 0: there is no memory word 16"),
            ([0x60, 0, 0, 0, 3, 0, 0, 0], "instruction 1: memory word 3 may not have been stored"),
            ([0x05, 0, 0, 0, 1, 0, 0, 0], "instruction 0: jumps past the end"),
            ([0x15, 0, 1, 0, 0, 0, 0, 0], "instruction 0: jumps past the end"),
            ([0x15, 0, 0, 255, 0, 0, 0, 0], "instruction 0: jumps past the end"),
            ([0x05, 0, 0, 0, 255, 255, 255, 255], "instruction 0: jumps past the end"),
        ] as [([UInt8], String)])
    func `is refused, with the reason, where the kernel refuses it`(start: [UInt8], reason: String) {
        let allow: [UInt8] = [6, 0, 0, 0, 0, 0, 0xff, 0x7f]
        let prefix: [UInt8] = start.first == 0x60 ? [0, 0, 0, 0, 0, 0, 0, 0] : []
        let filter = start.isEmpty || start.count % 8 != 0 ? start : prefix + start + allow
        let error = #expect(throws: ConfinementError.self) { try FilterProgram(filter) }
        #expect(error?.code == .malformedFilter)
        #expect(error?.subject == reason)
        guard filter.count % 8 == 0 else { return }
        #expect(FilteredThread.run(filter) == -Int(EINVAL))
    }

    @Test func `ends with a return`() {
        #expect(throws: ConfinementError.self) { try FilterProgram(bytes([FilterInstruction(.loadWord, 0)])) }
        let long = [FilterInstruction](repeating: FilterInstruction(.returnConstant, 0), count: 4097)
        #expect(throws: ConfinementError.self) { try FilterProgram(bytes(long)) }
    }

    @Test func `has just the instructions that the kernel takes`() {
        for code in Array(0...0x1ff) + [0x1020, 0x8006, 0xffff] {
            var filter = bytes(guardrail + [FilterInstruction(.storeMemory, 4)])
            filter += [UInt8(truncatingIfNeeded: code), UInt8(truncatingIfNeeded: code >> 8), 0, 0, 4, 0, 0, 0]
            // Room for a jump over four.
            filter += bytes([FilterInstruction](repeating: FilterInstruction(.returnConstant, 0x0005_0001), count: 5))
            let ours = (try? FilterProgram(filter)) != nil
            #expect(FilteredThread.run(filter) == (ours ? 0 : -Int(EINVAL)), "code \(String(code, radix: 16))")
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `is taken exactly when the kernel takes it`(seed: UInt64) {
        var generator = Generator(seed: seed)
        var taken = 0
        for _ in 0..<60 {
            let body = (0..<Int.random(in: 1...6, using: &generator)).map { _ in randomInstruction(&generator) }
            let filter = bytes(guardrail + body + [FilterInstruction(.returnConstant, 0x0005_0001)])
            let result = FilteredThread.run(filter)
            let ours = (try? FilterProgram(filter)) != nil
            #expect(result == (ours ? 0 : -Int(EINVAL)), "\(filter)")
            taken += ours ? 1 : 0
        }
        #expect(taken > 5 && taken < 55, "the random programs are too tame, or too wild: \(taken) of 60")
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `decides as the kernel's run of it does`(seed: UInt64) throws {
        var generator = Generator(seed: seed)
        for _ in 0..<25 {
            let filter = bytes(guardrail + randomComputation(&generator))
            let program = try FilterProgram(filter)
            let calls = (0..<20).map { _ in
                (0..<6).map { _ in UInt64.random(in: .min ... .max, using: &generator) & generator.next() }
            }
            nonisolated(unsafe) var results: [Int] = []
            let installed = FilteredThread.run(filter) {
                for arguments in calls {
                    let words = arguments.map { Int(bitPattern: UInt($0)) }
                    results.append(
                        mt_syscall(Int(probe), words[0], words[1], words[2], words[3], words[4], words[5]))
                }
            }
            try #require(installed == 0)
            try #require(results.count == calls.count)
            for (arguments, result) in zip(calls, results) {
                let decision = program.decision(on: SeccompData(number: probe, arguments: arguments))
                #expect(decision == .errno(Errno(rawValue: Int32(-result))), "\(filter) on \(arguments)")
            }
        }
    }

    @Test func `kills the thread that divides by an index of zero, and shifts by five bits of it`() throws {
        let divide = try FilterProgram([
            .init(.loadIndexConstant, 0), .init(.divideByIndex), .init(.returnConstant, 0x7fff_0000),
        ])
        #expect(divide.decision(on: SeccompData(number: 0)) == .killThread)
        let shift = try FilterProgram([
            .init(.loadConstant, 1), .init(.loadIndexConstant, 33), .init(.shiftLeftByIndex), .init(.returnAccumulator),
        ])
        #expect(shift.returnValue(for: SeccompData(number: 0)) == 2)
    }

    @Test func `reads every word of the call`() throws {
        let call = SeccompData(
            number: -2, architecture: .aarch64, instructionPointer: 0x1_0000_0002,
            arguments: (0..<6).map { 0x10_0000_0000 * ($0 + 1) + $0 })
        let words: [UInt32] = [0xffff_fffe, 0xc000_00b7, 2, 1, 0, 16, 1, 32, 2, 48, 3, 64, 4, 80, 5, 96]
        for (index, word) in words.enumerated() {
            let load = try FilterProgram([.init(.loadWord, UInt32(4 * index)), .init(.returnAccumulator)])
            #expect(load.returnValue(for: call) == word)
        }
        let bytes = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        #expect(SeccompData(bytes: bytes) == call)
        #expect(SeccompData(bytes: bytes.dropLast()) == nil)
        #expect(MemoryLayout<seccomp_data>.size == SeccompData.size)
    }

    @Test func `reads the return value as the kernel does`() {
        let values: [(UInt32, FilterReturn)] = [
            (UInt32(SECCOMP_RET_KILL_PROCESS), .killProcess), (UInt32(SECCOMP_RET_KILL_THREAD), .killThread),
            (UInt32(SECCOMP_RET_TRAP) | 7, .trap(7)), (UInt32(SECCOMP_RET_ERRNO) | 1, .errno(.notPermitted)),
            (UInt32(SECCOMP_RET_ERRNO) | 0xffff, .errno(Errno(rawValue: 4095))),
            (UInt32(SECCOMP_RET_USER_NOTIF) | 9, .notify), (UInt32(SECCOMP_RET_TRACE) | 3, .trace(3)),
            (UInt32(SECCOMP_RET_LOG) | 1, .log), (UInt32(SECCOMP_RET_ALLOW) | 5, .allow), (0x1234_0000, .killProcess),
        ]
        for (value, meaning) in values { #expect(FilterReturn(returnValue: value) == meaning) }
    }
}

/// Any instruction: also such as the kernel refuses.
private func randomInstruction(_ generator: inout Generator) -> FilterInstruction {
    let constants: [UInt32] = [0, 1, 2, 4, 8, 15, 16, 31, 32, 60, 64, .max]
    let jumps: [UInt8] = [0, 0, 0, 1, 2, 3, 255]
    // Most must be valid, or hardly a program would be.
    let constant: UInt32 =
        Int.random(in: 0..<4, using: &generator) == 0
        ? constants.randomElement(using: &generator)! : [1, 4, 8, 12].randomElement(using: &generator)!
    var operation = FilterOperation.everything.randomElement(using: &generator)!
    if operation == .jump { operation = [.jump, .loadWord].randomElement(using: &generator)! }
    return FilterInstruction(
        operation, operation == .jump ? constant % 5 : constant, ifTrue: jumps.randomElement(using: &generator)! % 4,
        ifFalse: jumps.randomElement(using: &generator)! % 4)
}

/// A valid program over all instructions that ends in an errno made of what it computed.
private func randomComputation(_ generator: inout Generator) -> [FilterInstruction] {
    let count = Int.random(in: 8...40, using: &generator)
    // Every word of memory is stored first, so that any may be loaded.
    var program = (0..<16).map { FilterInstruction(.storeMemory, UInt32($0)) }
    let skipped: Set<FilterOperation> = [.returnConstant, .returnAccumulator, .divideByIndex]
    let operations = FilterOperation.everything.filter { !skipped.contains($0) }
    for index in 0..<count {
        let operation = operations.randomElement(using: &generator)!
        let room = count - index - 1
        let constant: UInt32 =
            switch operation {
            // Not the instruction pointer, which the test cannot know.
            case .loadWord: [0, 4, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60].randomElement(using: &generator)!
            case .shiftLeft, .shiftRight: .random(in: 0..<32, using: &generator)
            case .loadMemory, .loadIndexMemory, .storeMemory, .storeIndexMemory: .random(in: 0..<16, using: &generator)
            case .divide: .random(in: 1...9, using: &generator)
            case .jump: UInt32(Int.random(in: 0...min(3, room), using: &generator))
            default: UInt32(truncatingIfNeeded: generator.next() & generator.next())
            }
        func skip() -> UInt8 { UInt8(Int.random(in: 0...min(3, room), using: &generator)) }
        program.append(FilterInstruction(operation, constant, ifTrue: skip(), ifFalse: skip()))
    }
    return program + [.init(.and, 0xfff), .init(.or, 0x0005_0000), .init(.returnAccumulator)]
}

extension FilterOperation {
    static let everything = (UInt16(0)...0xff).compactMap(FilterOperation.init)
}
