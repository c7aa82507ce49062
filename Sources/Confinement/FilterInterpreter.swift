// SPDX-License-Identifier: Apache-2.0

extension FilterProgram {
    /// What the filter says about a call.
    public func decision(on call: SeccompData) -> FilterReturn {
        FilterReturn(returnValue: returnValue(for: call))
    }

    /// The filter's return value for a call: SECCOMP_RET_* and 16 bits of data.
    ///
    /// - SeeAlso: net/core/filter.c `bpf_convert_filter`, whose semantics these are: numbers have 32 bits and wrap, a
    ///   division by an index of zero returns 0 (which kills the thread), a shift takes the index's low five bits.
    public func returnValue(for call: SeccompData) -> UInt32 {
        var machine = Machine()
        var position = 0
        // The check of the program has seen that every way leads to a return, and to nothing past the end.
        while true {
            let instruction = instructions[position]
            position += 1
            if let value = machine.step(instruction, on: call, position: &position) { return value }
        }
    }

    private struct Machine {
        private var accumulator: UInt32 = 0
        private var index: UInt32 = 0
        private var memory = [UInt32]()

        /// Executes one instruction.
        ///
        /// - Returns: the filter's value, where this instruction returns it.
        mutating func step(
            _ instruction: FilterInstruction, on call: SeccompData, position: inout Int
        ) -> UInt32? {
            let constant = instruction.constant
            func branch(_ condition: Bool) { position += Int(condition ? instruction.ifTrue : instruction.ifFalse) }
            switch instruction.operation {
            case .loadWord: accumulator = call.word(at: constant)
            case .loadLength: accumulator = UInt32(SeccompData.size)
            case .loadIndexLength: index = UInt32(SeccompData.size)
            case .loadConstant: accumulator = constant
            case .loadIndexConstant: index = constant
            case .loadMemory: accumulator = memory[Int(constant)]
            case .loadIndexMemory: index = memory[Int(constant)]
            case .storeMemory: store(accumulator, constant)
            case .storeIndexMemory: store(index, constant)
            case .indexFromAccumulator: index = accumulator
            case .accumulatorFromIndex: accumulator = index

            case .add: accumulator &+= constant
            case .addIndex: accumulator &+= index
            case .subtract: accumulator &-= constant
            case .subtractIndex: accumulator &-= index
            case .multiply: accumulator &*= constant
            case .multiplyByIndex: accumulator &*= index
            case .divide: accumulator /= constant
            case .divideByIndex:
                guard index != 0 else { return 0 }
                accumulator /= index
            case .or: accumulator |= constant
            case .orIndex: accumulator |= index
            case .and: accumulator &= constant
            case .andIndex: accumulator &= index
            case .exclusiveOr: accumulator ^= constant
            case .exclusiveOrIndex: accumulator ^= index
            case .shiftLeft: accumulator &<<= constant
            case .shiftLeftByIndex: accumulator &<<= index
            case .shiftRight: accumulator &>>= constant
            case .shiftRightByIndex: accumulator &>>= index
            case .negate: accumulator = 0 &- accumulator

            case .jump: position += Int(constant)
            case .jumpIfEqual: branch(accumulator == constant)
            case .jumpIfEqualToIndex: branch(accumulator == index)
            case .jumpIfGreater: branch(accumulator > constant)
            case .jumpIfGreaterThanIndex: branch(accumulator > index)
            case .jumpIfGreaterOrEqual: branch(accumulator >= constant)
            case .jumpIfGreaterOrEqualToIndex: branch(accumulator >= index)
            case .jumpIfAnyBit: branch(accumulator & constant != 0)
            case .jumpIfAnyBitOfIndex: branch(accumulator & index != 0)

            case .returnConstant: return constant
            case .returnAccumulator: return accumulator
            }
            return nil
        }

        private mutating func store(_ value: UInt32, _ word: UInt32) {
            // Filters that libseccomp makes use no memory: it costs nothing until one does.
            if memory.isEmpty { memory = [UInt32](repeating: 0, count: Int(FilterCheck.memoryWords)) }
            memory[Int(word)] = value
        }
    }
}
