// SPDX-License-Identifier: Apache-2.0
@testable import Confinement

/// What a filter is asked: `struct seccomp_data` of linux/seccomp.h.
struct SystemCall {
    var number: UInt32
    var architecture = SeccompProfile.Architecture.native.token
    var arguments: [UInt64] = []

    /// The 32-bit word at a byte offset of the structure, on a little-endian machine.
    func word(at offset: UInt32) -> UInt32? {
        guard offset % 4 == 0 else { return nil }
        switch offset {
        case 0: return number
        case 4: return architecture
        case 8, 12: return 0
        case 16..<64:
            let index = Int(offset - 16) / 8
            let value = index < arguments.count ? arguments[index] : 0
            return UInt32(truncatingIfNeeded: offset % 8 == 0 ? value : value >> 32)
        default: return nil
        }
    }
}

/// The part of classic BPF that the kernel lets a seccomp filter use, and libseccomp emits.
struct FilterInterpreter {
    struct Invalid: Error {
        var reason: String
    }

    private struct Instruction {
        var code: UInt16
        var ifTrue: Int
        var ifFalse: Int
        var constant: UInt32
    }

    private let program: [Instruction]

    init(_ bytes: [UInt8]) throws {
        guard bytes.count % 8 == 0, !bytes.isEmpty else { throw Invalid(reason: "\(bytes.count) bytes") }
        program = stride(from: 0, to: bytes.count, by: 8).map { start in
            let constant = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + 4 + $1]) << UInt32(8 * $1) }
            return Instruction(
                code: UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8,
                ifTrue: Int(bytes[start + 2]), ifFalse: Int(bytes[start + 3]), constant: constant)
        }
    }

    /// The filter's return value for one call.
    func run(_ call: SystemCall) throws -> UInt32 {
        var accumulator: UInt32 = 0
        var position = 0
        while program.indices.contains(position) {
            let instruction = program[position]
            position += 1
            let constant = instruction.constant
            func branch(_ condition: Bool) { position += condition ? instruction.ifTrue : instruction.ifFalse }
            switch instruction.code {
            case 0x20:  // ld [k]
                guard let word = call.word(at: constant) else { throw Invalid(reason: "load at \(constant)") }
                accumulator = word
            case 0x54: accumulator &= constant
            case 0x05: position += Int(constant)
            case 0x15: branch(accumulator == constant)
            case 0x25: branch(accumulator > constant)
            case 0x35: branch(accumulator >= constant)
            case 0x45: branch(accumulator & constant != 0)
            case 0x06: return constant
            default: throw Invalid(reason: "instruction code \(instruction.code)")
            }
        }
        throw Invalid(reason: "ran past the end")
    }
}

/// A compiled profile that answers by name.
struct CompiledProfile {
    let interpreter: FilterInterpreter

    init(_ profile: SeccompProfile) throws {
        interpreter = try FilterInterpreter(SeccompCompiler.compile(profile))
    }

    /// What a native call gets; `nil` for calls this architecture does not have.
    func action(_ name: String, _ arguments: UInt64...) throws -> SeccompProfile.Action? {
        guard case .number(let number) = try SystemCallNumbers.resolve(name) else { return nil }
        return try action(SystemCall(number: UInt32(number), arguments: arguments))
    }

    func action(_ call: SystemCall) throws -> SeccompProfile.Action? {
        let value = try interpreter.run(call)
        switch value {
        case 0x7fff_0000: return .allow
        case 0x7ffc_0000: return .log
        case 0x8000_0000: return .killProcess
        case 0: return .killThread
        case 0x0003_0000: return .trap
        case 0x0005_0001...0x0005_0fff: return .errno(.init(rawValue: Int32(value & 0xffff)))
        default: throw FilterInterpreter.Invalid(reason: "returned \(String(value, radix: 16))")
        }
    }
}
