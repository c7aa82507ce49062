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
        write(withoutControls(text) + "\n", to: 2)
    }

    /// Writing to a descriptor that is not open for it is a bug elsewhere, and traps; here the caller may have closed it, or
    /// opened it for reading.
    private static func write(_ text: String, to raw: Int32) {
        guard mayWrite(raw: raw) else { return }
        try? writeAll(raw: raw, text.utf8)
    }

    /// Writes `martinet: …` to standard error.
    static func say(_ text: String) { error("martinet: \(text)") }

    /// The text with everything escaped that a terminal would act on, line ends excepted: those are the message's own.
    static func withoutControls(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { visible(String($0)) }.joined(
            separator: "\n")
    }

    /// A message that quotes the command line: line ends of the arguments' own are not its.
    static func quoting(_ arguments: [String], in text: String) -> String {
        var text = text
        for line in arguments.flatMap({ $0.split(separator: "\n", omittingEmptySubsequences: false).dropFirst() }) {
            text = text.replacing("\n" + line, with: "\\n" + line)
        }
        return text
    }
}
