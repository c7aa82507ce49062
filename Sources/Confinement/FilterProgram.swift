// SPDX-License-Identifier: Apache-2.0

/// A filter that the kernel would take: classic BPF, checked as the kernel checks it. Running it on a call always ends,
/// with the value that the kernel's own run would give.
///
/// - SeeAlso: Documentation/userspace-api/seccomp_filter.rst; net/core/filter.c `bpf_check_classic`
public struct FilterProgram: Hashable, Sendable {
    let instructions: [FilterInstruction]

    /// - Parameter bytes: an array of `struct sock_filter`, in the machine's byte order.
    /// - Throws: `.malformedFilter`, for everything that seccomp(2) refuses with EINVAL.
    public init(_ bytes: [UInt8]) throws(ConfinementError) {
        guard bytes.count % FilterInstruction.size == 0 else {
            throw ConfinementError(.malformedFilter, subject: "\(bytes.count) bytes are no whole instructions")
        }
        var instructions: [FilterInstruction] = []
        instructions.reserveCapacity(bytes.count / FilterInstruction.size)
        for start in stride(from: 0, to: bytes.count, by: FilterInstruction.size) {
            guard let instruction = FilterInstruction(bytes: bytes[start..<start + FilterInstruction.size]) else {
                let code = UInt16(bytes[start]) | UInt16(bytes[start + 1]) << 8
                throw ConfinementError(
                    .malformedFilter,
                    subject: "instruction \(instructions.count): the kernel takes no code 0x\(String(code, radix: 16))")
            }
            instructions.append(instruction)
        }
        try self.init(instructions)
    }

    /// - Throws: `.malformedFilter`.
    init(_ instructions: [FilterInstruction]) throws(ConfinementError) {
        if let fault = FilterCheck.fault(in: instructions) {
            throw ConfinementError(.malformedFilter, subject: fault)
        }
        self.instructions = instructions
    }

    /// The instructions as `seccomp(SECCOMP_SET_MODE_FILTER)` takes them.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(instructions.count * FilterInstruction.size)
        for instruction in instructions { instruction.append(to: &bytes) }
        return bytes
    }

    /// The number of instructions, at most 4096.
    public var count: Int { instructions.count }
}
