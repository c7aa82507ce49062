// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

@testable import Storage

@Suite struct CommandRunTests {
    static func run(_ script: String) throws -> (CommandRun.Outcome, [String]) {
        var lines: [String] = []
        let command = CommandRun(path: "/bin/sh", arguments: ["sh", "-c", script], environment: ["A=b"])
        let outcome = try command.run { lines.append($0) }
        return (outcome, lines)
    }

    @Test func `lines of both outputs arrive, and the status`() throws {
        let (outcome, lines) = try Self.run("echo one; echo two >&2; printf 'three\\rfour'; exit 7")
        #expect(outcome == .ended(.exited(7)))
        #expect(lines == ["one", "two", "three", "four"])
    }

    @Test func `a death by signal is told apart from an exit`() throws {
        #expect(try Self.run("kill -9 $$").0 == .ended(.signaled(9)))
    }

    @Test func `the program has three descriptors, the environment given and a group of its own`() throws {
        let leaked = try open("/dev/null")
        let (_, lines) = try Self.run(
            "ls -m /proc/$$/fd; env | grep ^A=; cut -d' ' -f1,5 /proc/$$/stat; readlink /proc/$$/fd/0")
        #expect(lines.count == 4)
        #expect(lines[0] == "0, 1, 2")
        #expect(lines[1] == "A=b")
        let numbers = lines[2].split(separator: " ")
        #expect(numbers[0] == numbers[1])
        #expect(lines[3] == "/dev/null")
        #expect(leaked.rawValue > 2)
    }

    @Test func `a program that is not there is an error`() {
        #expect(throws: SystemError.self) {
            try CommandRun(path: "/no/such", arguments: ["x"], environment: []).run { _ in }
        }
    }

    @Test func `an endless line is cut`() {
        var splitter = LineSplitter(limit: 4)
        #expect(splitter.take(Array("abcdefgh\nij".utf8)) == ["abcd"])
        #expect(splitter.finish() == ["ij"])
        #expect(splitter.finish() == [])
    }
}
