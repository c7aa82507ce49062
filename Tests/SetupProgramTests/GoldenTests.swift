// SPDX-License-Identifier: Apache-2.0
import CLinux
import LinuxKernel
import SandboxSpec
import SetupProgram
import Testing

/// Printed programs, compared with the files beside this one. `MARTINET_UPDATE_GOLDEN=1` writes them; read the diff.
@Suite struct GoldenTests {
    private static let directory = "\(#filePath)".split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/Golden"
    private static let updates = getenv("MARTINET_UPDATE_GOLDEN").map { String(cString: $0) } == "1"

    @Test("a spec compiles to the program on file", arguments: GoldenCase.all)
    func compilesAsOnFile(_ golden: GoldenCase) throws {
        let text = try golden.make().text
        let path = "\(Self.directory)/\(golden.name).txt"
        if Self.updates {
            try writeAll(try open(path, [.writeOnly, .create, .truncate], mode: 0o644), Array(text.utf8))
        }
        let expected = try #require(try readText(path), "no golden file: MARTINET_UPDATE_GOLDEN=1 writes it")
        guard text != expected else { return }
        Issue.record("\(Comment(rawValue: Self.firstDifference(expected, text)))")
    }

    @Test func `there is one file a spec, and no other`() throws {
        let found = try entries(of: open(Self.directory, .directory)).map(\.name).sorted()
        #expect(found == GoldenCase.all.map { "\($0.name).txt" }.sorted())
        #expect(found.count >= 30)
        #expect(Set(GoldenCase.all.map(\.name)).count == GoldenCase.all.count)
    }

    @Test("a printed program shows no secret", arguments: GoldenCase.all)
    func showsNoSecret(_ golden: GoldenCase) throws {
        let program = try golden.make()
        #expect(!program.text.contains(ProgramFixture.secretValue))
        let holdsSecret = program.instructions.contains { "\($0)".contains(ProgramFixture.secretValue) }
        // The value itself must be in the program, or the test above sees nothing.
        #expect(holdsSecret == (golden.name == "secret-in-environment" || golden.name == "everything"))
    }

    @Test("a printed program is lines of printable text", arguments: GoldenCase.all)
    func isPrintable(_ golden: GoldenCase) throws {
        let text = try golden.make().text
        #expect(text.hasSuffix("\n"))
        #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0.value != 0x7f })
    }

    @Test func `control characters of a host path are escaped wherever it is printed`() throws {
        for launcher in [ProgramFixture.Launcher.privileged, .range] {
            var spec = SandboxSpec()
            spec.command = ["true"]
            spec.binds = [
                BindMount(source: "/srv/\u{1b}[2J\n\u{9b}\u{202e}x", target: try SandboxPath("/x"), readOnly: true)
            ]
            let text = try ProgramFixture(spec, launcher).program().text
            #expect(text.contains("/srv/\\x1b[2J\\xa\\x9b\\x202ex"))
            for scalar in ["\u{1b}", "\u{9b}", "\u{202e}"] { #expect(!text.contains(scalar)) }
        }
    }

    @Test("a program survives its encoding", arguments: GoldenCase.all)
    func survivesEncoding(_ golden: GoldenCase) throws {
        let program = try golden.make()
        let decoded = try SetupProgram(decoding: program.encodedForTest())
        #expect(decoded == program.onTheWire)
    }

    @Test("a program ends in one execute, after one start of the agent", arguments: GoldenCase.all)
    func hasOneAgent(_ golden: GoldenCase) throws {
        let opcodes = try golden.make().instructions.map(\.opcode)
        #expect(opcodes.last == .execute)
        #expect(opcodes.count { $0 == .execute } == 1)
        #expect(opcodes.count { $0 == .startAgent } == 1)
        let start = try #require(opcodes.firstIndex(of: .startAgent))
        #expect(opcodes[..<start].allSatisfy { $0.runsInInit })
        #expect(opcodes[(start + 1)...].allSatisfy { $0.runsInAgent })
    }

    @Test("a program is for namespaces, or without any", arguments: GoldenCase.all)
    func hasOneMode(_ golden: GoldenCase) throws {
        let program = try golden.make()
        let opcodes = program.instructions.map(\.opcode)
        switch program.mode {
        case .namespaces:
            #expect(opcodes.contains(.pivotRoot) && !opcodes.contains(.setParentDeathSignal))
        case .subreaper:
            #expect(golden.name.hasPrefix("isolation-landlock"))
            #expect(opcodes.allSatisfy { $0.runsWithoutNamespaces })
            // What is left of the walls, in the only order that works.
            let walls = opcodes.filter { [.setNoNewPrivileges, .restrictSelf, .installFilter, .execute].contains($0) }
            #expect(walls == [.setNoNewPrivileges, .restrictSelf, .installFilter, .execute])
            #expect(opcodes.firstIndex(of: .setParentDeathSignal)! > opcodes.lastIndex(of: .setCapabilities)!)
        }
    }

    @Test("every slot is filled before it is used, and none twice", arguments: GoldenCase.all)
    func fillsSlots(_ golden: GoldenCase) throws {
        let program = try golden.make()
        var filled = Set((0..<program.descriptorCount).map { Slot($0) })
        for instruction in program.instructions {
            for slot in instruction.usedSlots { #expect(filled.contains(slot), "\(program.describe(instruction))") }
            guard let slot = instruction.filledSlot else { continue }
            #expect(filled.insert(slot).inserted, "\(program.describe(instruction))")
        }
        #expect(filled.count == Int(program.slotCount))
    }

    private static func firstDifference(_ expected: String, _ text: String) -> String {
        let expected = expected.split(separator: "\n", omittingEmptySubsequences: false)
        let text = text.split(separator: "\n", omittingEmptySubsequences: false)
        let line = zip(expected, text).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        let index = line ?? min(expected.count, text.count)
        func at(_ lines: [Substring]) -> Substring { lines.indices.contains(index) ? lines[index] : "<end>" }
        return "line \(index + 1): on file \"\(at(expected))\", compiled \"\(at(text))\""
    }
}

extension Instruction {
    /// The slot that the instruction fills.
    var filledSlot: Slot? {
        switch self {
        case .createFileSystem(let slot, _, _, _), .cloneHostTree(let slot, _, _, _, _), .cloneTree(let slot, _),
            .openTerminal(let slot, _, _, _, _), .landlock(.createRuleset(let slot, _, _, _)):
            slot
        default: nil
        }
    }

    /// The slots that must hold something when the instruction runs.
    var usedSlots: [Slot] {
        switch self {
        case .setMountAttributes(let slot, _, _, _), .attachRoot(let slot), .attach(let slot, _, _),
            .closeSlot(let slot),
            .watchMemory(let slot), .joinCgroup(let slot), .holdSlot(let slot), .openGuards(let slot):
            [slot]
        case .landlock(.allowPath(let ruleset, _, _, _)), .landlock(.restrictSelf(let ruleset, _)): [ruleset]
        case .landlock(.allowDescriptor(let ruleset, let descriptor, _)): [ruleset, descriptor]
        case .newSession(let terminal): terminal.map { [$0] } ?? []
        case .setStandardDescriptors(let input, let output, let error): [input, output, error]
        default: []
        }
    }
}
