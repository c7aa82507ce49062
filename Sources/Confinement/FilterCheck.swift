// SPDX-License-Identifier: Apache-2.0

/// The kernel's rules for a seccomp filter beyond the codes of its instructions.
///
/// - SeeAlso: net/core/filter.c `bpf_check_classic` and `check_load_and_stores`; kernel/seccomp.c `seccomp_check_filter`
enum FilterCheck {
    /// BPF_MEMWORDS.
    static let memoryWords: UInt32 = 16

    /// What is wrong with a program, in words; `nil` for one that the kernel takes.
    static func fault(in program: [FilterInstruction]) -> String? {
        guard !program.isEmpty, program.count <= SeccompCompiler.maximumInstructions else {
            return "\(program.count) instructions; the kernel takes 1 to \(SeccompCompiler.maximumInstructions)"
        }
        for (index, instruction) in program.enumerated() {
            if let fault = fault(in: instruction, at: index, of: program.count) {
                return "instruction \(index): \(fault)"
            }
        }
        // Jumps lead forward only, so a program whose last instruction returns always ends.
        guard let last = program.last?.operation, last == .returnConstant || last == .returnAccumulator else {
            return "the last instruction is no return"
        }
        return uninitializedLoad(in: program)
    }

    private static func fault(in instruction: FilterInstruction, at index: Int, of count: Int) -> String? {
        let constant = instruction.constant
        switch instruction.operation {
        case .loadWord where constant % 4 != 0 || constant >= UInt32(SeccompData.size):
            return "struct seccomp_data has no word at \(constant)"
        case .divide where constant == 0: return "divides by zero"
        case .shiftLeft where constant >= 32, .shiftRight where constant >= 32: return "shifts by \(constant) bits"
        case .loadMemory where constant >= memoryWords, .loadIndexMemory where constant >= memoryWords,
            .storeMemory where constant >= memoryWords, .storeIndexMemory where constant >= memoryWords:
            return "there is no memory word \(constant)"
        case .jump where Int(constant) >= count - index - 1: return "jumps past the end"
        case let operation where operation.isComparison:
            let farthest = Int(max(instruction.ifTrue, instruction.ifFalse))
            return index + 1 + farthest >= count ? "jumps past the end" : nil
        default: return nil
        }
    }

    /// A load from a memory word that not every way to it has stored: the kernel would show its stack.
    private static func uninitializedLoad(in program: [FilterInstruction]) -> String? {
        var storedOnArrival = [UInt16](repeating: .max, count: program.count)
        var stored: UInt16 = 0
        for (index, instruction) in program.enumerated() {
            stored &= storedOnArrival[index]
            switch instruction.operation {
            case .storeMemory, .storeIndexMemory: stored |= 1 << UInt16(instruction.constant)
            case .loadMemory, .loadIndexMemory:
                guard stored & 1 << UInt16(instruction.constant) != 0 else {
                    return "instruction \(index): memory word \(instruction.constant) may not have been stored"
                }
            case .jump:
                storedOnArrival[index + 1 + Int(instruction.constant)] &= stored
                stored = .max
            case let operation where operation.isComparison:
                storedOnArrival[index + 1 + Int(instruction.ifTrue)] &= stored
                storedOnArrival[index + 1 + Int(instruction.ifFalse)] &= stored
                stored = .max
            default: break
            }
        }
        return nil
    }
}
