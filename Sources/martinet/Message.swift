// SPDX-License-Identifier: Apache-2.0
import LinuxKernel

/// What the command line says to a person or a pipe. A closed pipe is nobody to tell about it.
enum Message {
    /// Writes text to standard output as it is.
    static func output(_ text: String) {
        write(text, to: 1)
    }

    /// Writes bytes to standard output.
    static func output(_ bytes: [UInt8]) {
        guard (try? statusIfOpen(1)) != nil else { return }
        try? writeAll(raw: 1, bytes)
    }

    /// Writes a line to standard error, with control characters shown: names and paths in it may be an attacker's.
    static func error(_ text: String) {
        write(visible(text) + "\n", to: 2)
    }

    /// Writing to a descriptor that is not open for it is a bug elsewhere, and traps; here the caller may have closed it, or
    /// opened it for reading.
    private static func write(_ text: String, to raw: Int32) {
        guard mayWrite(raw: raw) else { return }
        try? writeAll(raw: raw, text.utf8)
    }

    /// Writes `martinet: …` to standard error.
    static func say(_ text: String) { error("martinet: \(text)") }

    /// A name within a line: a line end of its own is shown too.
    static func name(_ text: String) -> String {
        visible(text).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
    }

    /// The text with everything escaped that a terminal would act on, line ends excepted.
    static func visible(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0a: result.unicodeScalars.append(scalar)
            // Controls; then marks that reorder or hide what stands next to them.
            case 0..<0x20, 0x7f..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2066...0x2069:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
