// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// Makes bytes that an agent wrote fit for a terminal, as they come: controls but line ends and tabs, and marks that turn
/// text round, are shown as `\u{1b}`, bytes that are no UTF-8 as `\x{ff}`. A carriage return before a line end is left out.
public struct TerminalText: Sendable {
    /// The beginning of a character, or a carriage return: what follows says what it is.
    private var held: [UInt8] = []

    public init() {}

    /// What can be shown of these bytes, with what was held back before.
    public mutating func show(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let all = held + bytes
        held = []
        return show(all, isEnd: false)
    }

    /// What was held back and will not be completed.
    public mutating func finish() -> [UInt8] {
        let all = held
        held = []
        return show(all, isEnd: true)
    }

    private mutating func show(_ bytes: [UInt8], isEnd: Bool) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if (0x20..<0x7f).contains(byte) || byte == 0x0a || byte == 0x09 {
                result.append(byte)
                index += 1
                continue
            }
            let length = Self.length(byte)
            let rest = bytes[index...].prefix(length)
            let isCut = rest.count < length && rest.dropFirst().allSatisfy { $0 & 0xc0 == 0x80 }
            if !isEnd, isCut || byte == 0x0d && index + 1 == bytes.count {
                held = Array(bytes[index...])
                break
            }
            if byte == 0x0d, index + 1 < bytes.count, bytes[index + 1] == 0x0a {
                index += 1
            } else if rest.count == length, let text = String(validating: rest, as: UTF8.self) {
                result += visible(text).utf8
                index += length
            } else {
                result += "\\x{\(String(byte, radix: 16))}".utf8
                index += 1
            }
        }
        return result
    }

    /// How many bytes a character that begins so has; 1 for what begins none.
    private static func length(_ byte: UInt8) -> Int {
        switch byte {
        case 0xc2...0xdf: 2
        case 0xe0...0xef: 3
        case 0xf0...0xf4: 4
        default: 1
        }
    }
}
