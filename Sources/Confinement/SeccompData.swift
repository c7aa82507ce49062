// SPDX-License-Identifier: Apache-2.0

/// What a filter decides on, and what a notification tells of the call: `struct seccomp_data` of linux/seccomp.h.
public struct SeccompData: Hashable, Sendable {
    /// The call's number in the tables of `architecture`; x32 calls carry bit 30.
    public var number: Int32
    /// AUDIT_ARCH_*: the ABI the call was made through.
    public var architecture: UInt32
    /// Where the process made the call.
    public var instructionPointer: UInt64
    /// The six registers, as they were: what a call takes as an `int` has anything in its upper half.
    public let arguments: [UInt64]

    /// - Parameter arguments: at most six; the others are zero.
    public init(
        number: Int32, architecture: SeccompProfile.Architecture = .native, instructionPointer: UInt64 = 0,
        arguments: [UInt64] = []
    ) {
        self.init(
            number: number, auditArchitecture: architecture.token, instructionPointer: instructionPointer,
            arguments: arguments)
    }

    public init(
        number: Int32, auditArchitecture: UInt32, instructionPointer: UInt64 = 0, arguments: [UInt64] = []
    ) {
        precondition(arguments.count <= 6, "a system call has six arguments")
        self.number = number
        self.architecture = auditArchitecture
        self.instructionPointer = instructionPointer
        self.arguments = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
    }

    /// The bytes of the structure, as they stand in `struct seccomp_notif` from its offset 16 on.
    public static let size = 64

    /// Reads the structure; `nil` for any other length than 64 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.size else { return nil }
        let bytes = Array(bytes)
        func number(_ offset: Int, _ size: Int) -> UInt64 {
            (0..<size).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
        }
        self.init(
            number: Int32(truncatingIfNeeded: number(0, 4)), auditArchitecture: UInt32(number(4, 4)),
            instructionPointer: number(8, 8), arguments: (0..<6).map { number(16 + 8 * $0, 8) })
    }

    /// The 32-bit word at a byte offset, as `ld [k]` loads it on a little-endian machine.
    ///
    /// - Parameter offset: a multiple of 4 below 64: what `FilterProgram` makes sure of.
    func word(at offset: UInt32) -> UInt32 {
        switch offset {
        case 0: UInt32(bitPattern: number)
        case 4: architecture
        case 8: UInt32(truncatingIfNeeded: instructionPointer)
        case 12: UInt32(truncatingIfNeeded: instructionPointer >> 32)
        default: UInt32(truncatingIfNeeded: arguments[Int(offset - 16) / 8] >> (offset % 8 == 0 ? 0 : 32))
        }
    }
}
