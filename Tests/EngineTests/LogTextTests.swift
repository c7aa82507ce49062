// SPDX-License-Identifier: Apache-2.0
import SetupProgram
import Testing

@testable import Engine

/// What of a log is shown, and how. ATTACKS.md 45
@Suite struct LogTextTests {
    private func shown(_ parts: [[UInt8]]) -> String {
        var text = TerminalText()
        let bytes = parts.flatMap { text.show($0[...]) } + text.finish()
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `controls are shown, line ends and tabs kept`() {
        #expect(shown([Array("a\tb\nc".utf8)]) == "a\tb\nc")
        #expect(shown([Array("\u{1b}]0;x\u{7}\u{8}\u{7f}".utf8)]) == "\\u{1b}]0;x\\u{7}\\u{8}\\u{7f}")
        #expect(shown([Array("\u{9b}2J\u{202e}\u{200b}".utf8)]) == "\\u{9b}2J\\u{202e}\\u{200b}")
        #expect(shown([Array("a\r\nb\rc".utf8)]) == "a\nb\\u{d}c")
        #expect(shown([[0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80]]) == "\\x{ff}\\x{c0}\\x{80}\\x{ed}\\x{a0}\\x{80}")
        #expect(shown([Array("é€😀".utf8)]) == "é€😀")
    }

    @Test func `it does not matter where the bytes are divided`() {
        let bytes = Array("a\r\né€😀\u{1b}[2J\u{202e}\r".utf8) + [0xf0, 0x9f, 0x41, 0xe2, 0x82]
        let whole = shown([bytes])
        #expect(whole == "a\né€😀\\u{1b}[2J\\u{202e}\\u{d}\\x{f0}\\x{9f}A\\x{e2}\\x{82}")
        for first in 0...bytes.count {
            for second in first...bytes.count {
                #expect(
                    shown([Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...])]) == whole)
            }
        }
    }

    @Test func `a character that is never finished is not waited for beyond its end`() {
        var text = TerminalText()
        #expect(text.show([0xf0, 0x9f][...]).isEmpty)
        #expect(String(decoding: text.show([0x0a][...]), as: UTF8.self) == "\\x{f0}\\x{9f}\n")
    }

    private func tail(_ count: Int, _ texts: [String]) -> String {
        var tail = LogTail(count)
        for text in texts {
            tail.add(
                .record(
                    LogRecord(stream: .standardOutput, time: Timestamp(nanoseconds: 0), payload: Array(text.utf8))))
        }
        return tail.items.map { item in
            guard case .record(let record) = item else { return "GAP" }
            return String(decoding: record.payload, as: UTF8.self)
        }.joined()
    }

    @Test func `the last lines are kept, however they are divided`() {
        #expect(tail(2, ["a\nb\nc\nd\n"]) == "c\nd\n")
        #expect(tail(2, ["a\nb\nc\nd"]) == "c\nd")
        #expect(tail(2, ["a", "\n", "b\nc", "c\n", "d", "d"]) == "cc\ndd")
        #expect(tail(1, ["a\n", "\n"]) == "\n")
        #expect(tail(9, ["a\n", "b"]) == "a\nb")
        #expect(tail(0, ["a\n"]) == "")
        #expect(tail(3, []) == "")
        #expect(tail(3, (0..<100_000).map { "\($0)\n" }) == "99997\n99998\n99999\n")
        let all = (0..<30).map { "\($0)\n" }.joined()
        for size in 1...20 {
            var parts: [String] = []
            var rest = Substring(all)
            while !rest.isEmpty {
                parts.append(String(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            #expect(tail(4, parts) == "26\n27\n28\n29\n", "\(size)")
        }
    }

    @Test func `times and streams are picked`() {
        let early = LogRecord(stream: .standardOutput, time: Timestamp(nanoseconds: 1), payload: [])
        let late = LogRecord(stream: .standardError, time: Timestamp(nanoseconds: 3), payload: [])
        func picked(_ selection: LogSelection) -> [Bool] {
            [.record(early), .record(late), .gap].map { selection.picks($0) }
        }
        #expect(picked(LogSelection()) == [true, true, true])
        #expect(picked(LogSelection(since: Timestamp(nanoseconds: 2))) == [false, true, true])
        #expect(picked(LogSelection(since: Timestamp(nanoseconds: 3))) == [false, true, true])
        #expect(picked(LogSelection(until: Timestamp(nanoseconds: 1))) == [true, false, true])
        #expect(picked(LogSelection(streams: [.standardError])) == [false, true, true])
    }
}
