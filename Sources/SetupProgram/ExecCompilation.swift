// SPDX-License-Identifier: Apache-2.0

/// What starts another process in a running sandbox: what its first process was started from, but for what was asked for.
public struct ExecInputs: Sendable, Equatable {
    public var arguments: [String]
    /// Variables that are set, beside those of the first process.
    public var environment: [(name: String, value: String)] = []
    /// `nil`: as the first process.
    public var identity: AgentIdentity?
    public var workdir: String?
    /// The size of a terminal of its own; `nil` for none.
    public var terminal: TerminalDimensions?

    public init(arguments: [String]) { self.arguments = arguments }

    public static func == (one: ExecInputs, other: ExecInputs) -> Bool {
        one.arguments == other.arguments && one.identity == other.identity && one.workdir == other.workdir
            && one.terminal == other.terminal
            && one.environment.map { "\($0.name)=\($0.value)" } == other.environment.map { "\($0.name)=\($0.value)" }
    }
}

/// The instructions from `startAgent` on, as init keeps them.
public struct AgentProgram: Sendable, Equatable {
    public var instructions: [Instruction]
    /// Slots of the program that they are from: some stay filled.
    public var slotCount: UInt32

    public init(instructions: [Instruction], slotCount: UInt32) {
        self.instructions = instructions
        self.slotCount = slotCount
    }

    /// Reads what init answers.
    public init(decoding bytes: [UInt8], instructionCount: UInt32, slotCount: UInt32) throws(WireError) {
        let result: Result<[Instruction], WireError> = bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return .failure(.truncated) }
            var reader = WireReader(base, count: buffer.count)
            do throws(WireError) {
                var instructions: [Instruction] = []
                for _ in 0..<instructionCount {
                    let head = try InstructionHeader(&reader)
                    var operands = try reader.part(count: head.length)
                    instructions.append(try Instruction(head.opcode, &operands))
                    try operands.requireEnd()
                }
                try reader.requireEnd()
                return .success(instructions)
            } catch { return .failure(error) }
        }
        instructions = try result.get()
        self.slotCount = slotCount
        guard case .startAgent = instructions.first, case .execute = instructions.last,
            slotCount <= UInt32(ProgramHeader.mostSlots)
        else { throw .badOrder }
    }

    /// The program for another process, under the same confinement.
    ///
    /// Its descriptors, three unless it has a terminal, go to the slots from `slotCount` on.
    /// - Throws: `.badOrder` where the first process has a filter that asks its launcher, who has gone.
    public func exec(_ inputs: ExecInputs) throws(WireError) -> SetupProgram {
        let first = slotCount
        let own = (0..<3).map { Slot(first + UInt32($0)) }
        let identity = inputs.identity
        var program: [Instruction] = []
        if let size = inputs.terminal {
            let owner = identity.map { ($0.uid, $0.gid) } ?? agent
            program.append(
                .openTerminal(own[0], uid: owner.0, gid: owner.1, rows: size.rows, columns: size.columns))
        }
        for instruction in instructions {
            switch instruction {
            case .startAgent(.supervised): throw .badOrder
            case .startAgent: program.append(.startAgent(.copied))
            case .newSession:
                program.append(.newSession(controllingTerminal: inputs.terminal == nil ? nil : own[0]))
            case .setStandardDescriptors:
                program.append(
                    inputs.terminal == nil
                        ? .setStandardDescriptors(input: own[0], output: own[1], error: own[2])
                        : .setStandardDescriptors(input: own[0], output: own[0], error: own[0]))
            case .setIdentity(let uid, let gid, let groups):
                // Where a user namespace maps a single id, groups cannot be set, whoever asks.
                program.append(
                    .setIdentity(
                        uid: identity?.uid ?? uid, gid: identity?.gid ?? gid,
                        groups: groups.map { identity?.groups ?? $0 }))
            case .setWorkingDirectory(let path):
                program.append(.setWorkingDirectory(path: inputs.workdir ?? path))
            case .execute(_, let environment, _, let secrets):
                let lines = self.environment(environment, inputs)
                program.append(
                    .execute(
                        arguments: inputs.arguments, environment: lines, searchPath: Self.searchPath(lines),
                        secretNames: secrets))
            default: program.append(instruction)
            }
        }
        let descriptors: UInt32 = inputs.terminal == nil ? 3 : 0
        return SetupProgram(
            instructions: program, descriptorCount: descriptors, slotCount: first + 3,
            slotNames: [own[0]: inputs.terminal == nil ? "standard input" : "terminal"])
    }

    /// Who the first process is.
    public var agent: (uid: UInt32, gid: UInt32) {
        for case .setIdentity(let uid, let gid, _) in instructions { return (uid, gid) }
        return (0, 0)
    }

    private func environment(_ base: [String], _ inputs: ExecInputs) -> [String] {
        var lines = base
        func set(_ name: String, _ value: String) {
            if let index = lines.firstIndex(where: { $0.utf8.starts(with: "\(name)=".utf8) }) {
                lines[index] = "\(name)=\(value)"
            } else {
                lines.append("\(name)=\(value)")
            }
        }
        if let identity = inputs.identity {
            set("HOME", identity.home)
            set("USER", identity.name)
        }
        for variable in inputs.environment { set(variable.name, variable.value) }
        return lines
    }

    /// The directories of an environment's `PATH`.
    static func searchPath(_ environment: [String]) -> [String] {
        let path = environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? ""
        return path.split(separator: ":").filter { $0.hasPrefix("/") }.map(String.init)
    }
}
