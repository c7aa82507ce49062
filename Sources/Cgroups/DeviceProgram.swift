// SPDX-License-Identifier: Apache-2.0

/// Device rules as an eBPF program of type `BPF_PROG_TYPE_CGROUP_DEVICE`: 1 allows, 0 refuses. Pure.
///
/// The kernel hands over `struct bpf_cgroup_dev_ctx`: `access_type` (what is asked for, shifted left by 16, and the kind of
/// device), `major`, `minor`; 32 bits each. The program compares these with one rule after the other.
/// linux/bpf.h; Documentation/bpf/standardization/instruction-set.rst
struct DeviceProgram: Sendable, Equatable {
    /// One instruction, `struct bpf_insn`.
    struct Instruction: Sendable, Equatable {
        var code: UInt8
        /// The register written to (low four bits) and the one read from.
        var registers: UInt8 = 0
        /// Instructions to skip when a jump is taken.
        var offset: Int16 = 0
        var immediate: Int32 = 0
    }

    private(set) var instructions: [Instruction] = []

    init(_ rules: [DeviceRule]) {
        instructions = [
            .load(.accessType, from: 0),
            .load(.major, from: 4),
            .load(.minor, from: 8),
            .move(.kind, .accessType),
            .and(.kind, 0xffff),
            .shiftRight(.accessType, 16),
        ]
        for rule in rules {
            append(rule)
            // What follows a rule that allows everything would never run, which the kernel's verifier refuses.
            if Self.conditions(of: rule).isEmpty { return }
        }
        instructions += [.set(.result, 0), .exit]
    }

    /// The program as the kernel reads it, in this machine's byte order; both architectures supported are little-endian.
    var bytes: [UInt8] {
        instructions.flatMap { instruction -> [UInt8] in
            let offset = UInt16(bitPattern: instruction.offset)
            let immediate = UInt32(bitPattern: instruction.immediate)
            return [instruction.code, instruction.registers, UInt8(offset & 0xff), UInt8(offset >> 8)]
                + (0..<4).map { UInt8(truncatingIfNeeded: immediate >> (8 * $0)) }
        }
    }

    /// Allows what the rule names; anything else goes on behind it.
    private mutating func append(_ rule: DeviceRule) {
        let conditions = Self.conditions(of: rule)
        for (index, condition) in conditions.enumerated() {
            var condition = condition
            // Past the conditions that are left, and past the two instructions that allow.
            condition.offset = Int16(conditions.count - index - 1 + 2)
            instructions.append(condition)
        }
        instructions += [.set(.result, 1), .exit]
    }

    /// What must hold: a jump each, taken where it does not.
    private static func conditions(of rule: DeviceRule) -> [Instruction] {
        var conditions: [Instruction] = []
        switch rule.kind {
        case .block: conditions.append(.jump(.kind, unequalTo: 1))
        case .character: conditions.append(.jump(.kind, unequalTo: 2))
        case .all: break
        }
        if rule.access != .all {
            // Something is asked for that the rule does not have.
            let others = DeviceRule.Access.all.subtracting(rule.access)
            conditions.append(.jump(.accessType, hasAnyOf: Int32(others.rawValue)))
        }
        if let major = rule.major { conditions.append(.jump(.major, unequalTo: Int32(bitPattern: major))) }
        if let minor = rule.minor { conditions.append(.jump(.minor, unequalTo: Int32(bitPattern: minor))) }
        return conditions
    }
}

extension DeviceProgram.Instruction {
    /// What is kept where. r0 is the answer and r1 the context, by the kernel's convention.
    enum Register: UInt8 {
        case result = 0
        case context = 1
        case accessType = 2
        case major = 3
        case minor = 4
        case kind = 5
    }

    /// BPF_LDX | BPF_MEM | BPF_W: 32 bits of the context.
    static func load(_ target: Register, from offset: Int16) -> Self {
        Self(code: 0x61, registers: target.rawValue | Register.context.rawValue << 4, offset: offset)
    }

    /// BPF_ALU64 | BPF_MOV | BPF_X
    static func move(_ target: Register, _ source: Register) -> Self {
        Self(code: 0xbf, registers: target.rawValue | source.rawValue << 4)
    }

    /// BPF_ALU64 | BPF_MOV | BPF_K
    static func set(_ target: Register, _ value: Int32) -> Self {
        Self(code: 0xb7, registers: target.rawValue, immediate: value)
    }

    /// BPF_ALU64 | BPF_AND | BPF_K
    static func and(_ target: Register, _ mask: Int32) -> Self {
        Self(code: 0x57, registers: target.rawValue, immediate: mask)
    }

    /// BPF_ALU64 | BPF_RSH | BPF_K
    static func shiftRight(_ target: Register, _ count: Int32) -> Self {
        Self(code: 0x77, registers: target.rawValue, immediate: count)
    }

    /// BPF_JMP | BPF_JNE | BPF_K
    static func jump(_ left: Register, unequalTo right: Int32) -> Self {
        Self(code: 0x55, registers: left.rawValue, immediate: right)
    }

    /// BPF_JMP | BPF_JSET | BPF_K
    static func jump(_ left: Register, hasAnyOf bits: Int32) -> Self {
        Self(code: 0x45, registers: left.rawValue, immediate: bits)
    }

    /// BPF_JMP | BPF_EXIT
    static let exit = Self(code: 0x95)
}
