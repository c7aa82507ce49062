// SPDX-License-Identifier: Apache-2.0

/// One instruction of classic BPF: `struct sock_filter` of linux/filter.h, decoded.
struct FilterInstruction: Hashable, Sendable {
    var operation: FilterOperation
    /// How many instructions a comparison skips when it holds, and when not.
    var ifTrue: UInt8
    var ifFalse: UInt8
    /// `k`.
    var constant: UInt32

    init(_ operation: FilterOperation, _ constant: UInt32 = 0, ifTrue: UInt8 = 0, ifFalse: UInt8 = 0) {
        self.operation = operation
        self.ifTrue = ifTrue
        self.ifFalse = ifFalse
        self.constant = constant
    }

    static let size = 8

    /// - Parameter bytes: eight, in the machine's order.
    /// - Returns: `nil` for a code that the kernel takes in no seccomp filter.
    init?(bytes: ArraySlice<UInt8>) {
        let start = bytes.startIndex
        let code = UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8
        guard let operation = FilterOperation(rawValue: code) else { return nil }
        let constant = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + 4 + $1]) << UInt32(8 * $1) }
        self.init(operation, constant, ifTrue: bytes[start + 2], ifFalse: bytes[start + 3])
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: operation.rawValue))
        bytes.append(UInt8(truncatingIfNeeded: operation.rawValue >> 8))
        bytes.append(ifTrue)
        bytes.append(ifFalse)
        for index in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: constant >> UInt32(8 * index))) }
    }
}

/// The codes of classic BPF that the kernel takes in a seccomp filter. There are an accumulator A, an index X and
/// sixteen words of memory; `k` is the instruction's constant.
///
/// - SeeAlso: kernel/seccomp.c `seccomp_check_filter`, linux/bpf_common.h; Linux 3.5
enum FilterOperation: UInt16, Hashable, Sendable {
    /// A ← the word of `struct seccomp_data` at offset k.
    case loadWord = 0x20
    /// A ← 64, the size of the structure; X ← the same.
    case loadLength = 0x80, loadIndexLength = 0x81
    case loadConstant = 0x00, loadIndexConstant = 0x01
    case loadMemory = 0x60, loadIndexMemory = 0x61
    case storeMemory = 0x02, storeIndexMemory = 0x03
    case indexFromAccumulator = 0x07, accumulatorFromIndex = 0x87

    case add = 0x04, subtract = 0x14, multiply = 0x24, divide = 0x34
    case or = 0x44, and = 0x54, exclusiveOr = 0xa4
    case shiftLeft = 0x64, shiftRight = 0x74, negate = 0x84
    case addIndex = 0x0c, subtractIndex = 0x1c, multiplyByIndex = 0x2c, divideByIndex = 0x3c
    case orIndex = 0x4c, andIndex = 0x5c, exclusiveOrIndex = 0xac
    case shiftLeftByIndex = 0x6c, shiftRightByIndex = 0x7c

    /// Skips k instructions.
    case jump = 0x05
    case jumpIfEqual = 0x15, jumpIfGreater = 0x25, jumpIfGreaterOrEqual = 0x35, jumpIfAnyBit = 0x45
    case jumpIfEqualToIndex = 0x1d, jumpIfGreaterThanIndex = 0x2d, jumpIfGreaterOrEqualToIndex = 0x3d
    case jumpIfAnyBitOfIndex = 0x4d

    case returnConstant = 0x06, returnAccumulator = 0x16

    var isComparison: Bool {
        switch self {
        case .jumpIfEqual, .jumpIfGreater, .jumpIfGreaterOrEqual, .jumpIfAnyBit, .jumpIfEqualToIndex,
            .jumpIfGreaterThanIndex, .jumpIfGreaterOrEqualToIndex, .jumpIfAnyBitOfIndex:
            true
        default: false
        }
    }
}
