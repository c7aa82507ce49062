// SPDX-License-Identifier: Apache-2.0
import SetupProgram
import Testing

/// Another process in a running sandbox is started as the first was, but for what was asked for.
@Suite struct ExecCompilationTests {
    private static let agent = AgentProgram(
        instructions: [
            .startAgent(.sharingMemory), .newSession(controllingTerminal: Slot(4)), .joinSessionKeyring,
            .setStandardDescriptors(input: Slot(4), output: Slot(4), error: Slot(4)),
            .setResourceLimit(resource: 4, soft: 1, hard: 1), .dropBoundingCapabilities(keep: 0, last: 40),
            .setIdentity(uid: 1000, gid: 1001, groups: [7]),
            .setCapabilities(effective: 0, permitted: 0, inheritable: 0, ambient: 0),
            .setWorkingDirectory(path: "/workspace"), .setUmask(0o022), .resetSignals, .setNoNewPrivileges,
            .landlock(.restrictSelf(ruleset: Slot(6), flags: 0)), .closeDescriptors(from: 3),
            .installFilter(flags: 0, instructions: [6, 0, 0, 0, 0, 0, 0xff, 0x7f]),
            .execute(
                arguments: ["sh"], environment: ["PATH=/usr/bin:relative:/bin", "HOME=/home/agent", "USER=agent"],
                searchPath: ["/usr/bin", "/bin"]),
        ], slotCount: 9)

    @Test func `with nothing but a command everything that confines is the same`() throws {
        let program = try Self.agent.exec(ExecInputs(arguments: ["id", "-u"]))
        #expect(program.descriptorCount == 3 && program.slotCount == 12)
        var expected = Self.agent.instructions
        expected[0] = .startAgent(.copied)
        expected[1] = .newSession(controllingTerminal: nil)
        expected[3] = .setStandardDescriptors(input: Slot(9), output: Slot(10), error: Slot(11))
        expected[15] = .execute(
            arguments: ["id", "-u"], environment: ["PATH=/usr/bin:relative:/bin", "HOME=/home/agent", "USER=agent"],
            searchPath: ["/usr/bin", "/bin"])
        #expect(program.instructions == expected)
    }

    @Test func `a terminal, a user, a directory and variables are its own`() throws {
        var inputs = ExecInputs(arguments: ["sh"])
        inputs.terminal = TerminalDimensions(rows: 50, columns: 132)
        inputs.identity = AgentIdentity(uid: 0, gid: 0, groups: [], name: "root", home: "/root")
        inputs.workdir = "/tmp"
        inputs.environment = [("PATH", "/opt/bin"), ("TERM", "xterm"), ("HOME", "/elsewhere")]
        let program = try Self.agent.exec(inputs)
        #expect(program.descriptorCount == 0)
        #expect(program.instructions.first == .openTerminal(Slot(9), uid: 0, gid: 0, rows: 50, columns: 132))
        #expect(program.instructions.contains(.newSession(controllingTerminal: Slot(9))))
        #expect(program.instructions.contains(.setIdentity(uid: 0, gid: 0, groups: [])))
        #expect(program.instructions.contains(.setWorkingDirectory(path: "/tmp")))
        #expect(
            program.instructions.last
                == .execute(
                    arguments: ["sh"], environment: ["PATH=/opt/bin", "HOME=/elsewhere", "USER=root", "TERM=xterm"],
                    searchPath: ["/opt/bin"]))
    }

    @Test func `where a single id is mapped groups stay unset`() throws {
        var agent = Self.agent
        agent.instructions[6] = .setIdentity(uid: 1000, gid: 1000, groups: nil)
        var inputs = ExecInputs(arguments: ["id"])
        inputs.identity = AgentIdentity(uid: 0, gid: 0, groups: [5], name: "root", home: "/")
        #expect(try agent.exec(inputs).instructions.contains(.setIdentity(uid: 0, gid: 0, groups: nil)))
    }

    @Test func `a filter that asks a launcher who has gone starts nothing`() {
        var agent = Self.agent
        agent.instructions[0] = .startAgent(.supervised)
        #expect(throws: WireError.badOrder) { try agent.exec(ExecInputs(arguments: ["id"])) }
    }

    @Test func `what init answers is read back, and nothing else is`() throws {
        var writer: [UInt8] = []
        let program = SetupProgram(instructions: Self.agent.instructions, descriptorCount: 0, slotCount: 9)
        let none = NamespaceIdentity(device: 0, inode: 0)
        writer = Array(
            try program.encoded(launcherMountNamespace: none, launcherUserNamespace: none)
                .dropFirst(ProgramHeader.size))
        #expect(try AgentProgram(decoding: writer, instructionCount: 16, slotCount: 9) == Self.agent)
        #expect(throws: WireError.self) { try AgentProgram(decoding: writer, instructionCount: 15, slotCount: 9) }
        #expect(throws: WireError.self) { try AgentProgram(decoding: writer, instructionCount: 17, slotCount: 9) }
        #expect(throws: WireError.self) { try AgentProgram(decoding: writer, instructionCount: 16, slotCount: 9000) }
        #expect(throws: WireError.self) { try AgentProgram(decoding: [], instructionCount: 0, slotCount: 0) }
        for count in 0..<writer.count {
            #expect(throws: WireError.self) {
                try AgentProgram(decoding: Array(writer[..<count]), instructionCount: 16, slotCount: 9)
            }
        }
    }
}
