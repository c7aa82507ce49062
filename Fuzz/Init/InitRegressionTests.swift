// SPDX-License-Identifier: Apache-2.0
import LinuxKernel
import Testing

/// Init on the kept corpora. What breaks a promise ends the test program, with a word on which.
@Suite(.serialized) struct InitRegressionTests {
    private static let corpora =
        "\(#filePath)".split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/Corpus"

    @Test("init takes its kept inputs", arguments: InitTarget.allCases)
    func takesKeptInputs(_ target: InitTarget) throws {
        let names = try entries(of: open("\(Self.corpora)/\(target.rawValue)", .directory)).map(\.name).sorted()
        #expect(names.count >= 10, "a corpus without inputs shows nothing")
        var started = 0
        var said: Set<UInt8> = []
        for name in names {
            target.run(try readAll(open("\(Self.corpora)/\(target.rawValue)/\(name)")))
            started += kernel.hasStarted ? 1 : 0
            said.formUnion(kernel.said.map { $0[6] })
        }
        // They reach an agent's start, and most of what init can say.
        #expect(started >= 3)
        #expect(said.isSuperset(of: [64, 66, 67]), "init said \(said.sorted())")
    }

    /// Bits of unshare(2) and fsmount(2) that no Int has room for were an end of init without a word.
    @Test(arguments: [
        [UInt8]([1, 0, 0, 0, 8, 0, 0, 0]), [16, 0, 0, 0, 21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ])
    func `the highest bit of an operand ends nothing`(_ start: [UInt8]) {
        var program = Self.header(length: ProgramHeader.size + start.count + 8)
        program += start + [UInt8](repeating: 0xff, count: 8)
        InitTarget.initRuns.run([0, 0] + program)
        // Init got past it, to the end of a program without an agent.
        #expect(kernel.said.first.map { Array($0[12..<16]) } == [1, 0, 0, 0])
    }

    private static func header(length: Int) -> [UInt8] {
        [0x4d, 0x54, 0x50, 0x31, 1, 0, 1, 0, UInt8(length), 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]
            + [UInt8](repeating: 7, count: 32)
    }
}
