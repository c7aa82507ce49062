// SPDX-License-Identifier: Apache-2.0

extension FilterProgram {
    /// Everything that the filter may say about a call of one number, whatever its arguments: at least what it does say.
    ///
    /// Follows every way that is open when only the architecture and the number are known. Of what is computed nothing is
    /// known, and a computed return may be anything: `killProcess` stands for it.
    func possibleDecisions(on architecture: SeccompProfile.Architecture, _ number: Int32) -> Set<FilterReturn> {
        var decisions: Set<FilterReturn> = []
        var seen: Set<Place> = []
        var ahead = [Place(position: 0, accumulator: 0)]
        while let place = ahead.popLast() {
            guard seen.insert(place).inserted else { continue }
            let instruction = instructions[place.position]
            let next = place.position + 1
            switch instruction.operation {
            case .returnConstant: decisions.insert(FilterReturn(returnValue: instruction.constant))
            case .returnAccumulator: decisions.insert(.killProcess)
            case .loadWord:
                let word: UInt32? =
                    switch instruction.constant {
                    case 0: UInt32(bitPattern: number)
                    case 4: architecture.token
                    default: nil
                    }
                ahead.append(Place(position: next, accumulator: word))
            case .jump: ahead.append(Place(position: next + Int(instruction.constant), accumulator: place.accumulator))
            case let operation where operation.isComparison:
                let holds = place.accumulator.flatMap { operation.holds($0, instruction.constant) }
                if holds != false { ahead.append(place.moved(to: next + Int(instruction.ifTrue))) }
                if holds != true { ahead.append(place.moved(to: next + Int(instruction.ifFalse))) }
            case .divideByIndex:
                // A division by zero kills the thread.
                decisions.insert(.killThread)
                ahead.append(Place(position: next, accumulator: nil))
            default: ahead.append(Place(position: next, accumulator: nil))
            }
        }
        return decisions
    }

    /// An instruction that may come next, and the accumulator there where it is known.
    private struct Place: Hashable {
        var position: Int
        var accumulator: UInt32?

        func moved(to position: Int) -> Place { Place(position: position, accumulator: accumulator) }
    }
}

extension FilterOperation {
    /// What a comparison with a constant finds; `nil` for one with the index.
    fileprivate func holds(_ value: UInt32, _ constant: UInt32) -> Bool? {
        switch self {
        case .jumpIfEqual: value == constant
        case .jumpIfGreater: value > constant
        case .jumpIfGreaterOrEqual: value >= constant
        case .jumpIfAnyBit: value & constant != 0
        default: nil
        }
    }
}
