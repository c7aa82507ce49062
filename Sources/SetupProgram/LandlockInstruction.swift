// SPDX-License-Identifier: Apache-2.0

/// The steps about Landlock. Access rights, scopes and flags are the kernel's bits. landlock(7)
public enum LandlockInstruction: Sendable, Equatable {
    case createRuleset(Slot, handledFiles: UInt64, handledNetwork: UInt64, scopes: UInt64)
    /// Rights to a path and all below it.
    case allowPath(ruleset: Slot, path: String, access: UInt64, optional: Bool = false)
    /// Rights to what a descriptor stands for and all below it; nothing for a pipe or a socket, which takes none.
    case allowDescriptor(ruleset: Slot, Slot, access: UInt64)
    case allowPort(ruleset: Slot, port: UInt16, access: UInt64)
    /// In the agent's process: from here on only what the ruleset allows.
    case restrictSelf(ruleset: Slot, flags: UInt32)

    public var opcode: Opcode {
        switch self {
        case .createRuleset: .createRuleset
        case .allowPath: .allowPath
        case .allowDescriptor: .allowDescriptor
        case .allowPort: .allowPort
        case .restrictSelf: .restrictSelf
        }
    }

    init(_ opcode: Opcode, _ reader: inout WireReader) throws(WireError) {
        switch opcode {
        case .createRuleset:
            let operands = try CreateRulesetOperands(&reader)
            self = .createRuleset(
                Slot(operands.slot), handledFiles: operands.handledFiles, handledNetwork: operands.handledNetwork,
                scopes: operands.scopes)
        case .allowPath:
            let operands = try AllowPathOperands(&reader)
            self = .allowPath(
                ruleset: Slot(operands.ruleset), path: operands.path.text, access: operands.access,
                optional: operands.optional)
        case .allowDescriptor:
            let operands = try AllowDescriptorOperands(&reader)
            self = .allowDescriptor(
                ruleset: Slot(operands.ruleset), Slot(operands.descriptor), access: operands.access)
        case .allowPort:
            let operands = try AllowPortOperands(&reader)
            self = .allowPort(
                ruleset: Slot(operands.ruleset), port: UInt16(operands.port), access: operands.access)
        case .restrictSelf:
            let operands = try RestrictSelfOperands(&reader)
            self = .restrictSelf(ruleset: Slot(operands.ruleset), flags: operands.flags)
        default: throw .unknownOpcode
        }
    }

    func write(to writer: inout WireWriter) throws(WireError) {
        switch self {
        case .createRuleset(let slot, let files, let network, let scopes):
            writer.uint32(slot.index)
            for bits in [files, network, scopes] { writer.uint64(bits) }
        case .allowPath(let ruleset, let path, let access, let optional):
            writer.uint32(ruleset.index)
            try writer.string(path)
            writer.uint64(access)
            writer.flag(optional)
        case .allowDescriptor(let ruleset, let descriptor, let access):
            writer.uint32(ruleset.index)
            writer.uint32(descriptor.index)
            writer.uint64(access)
        case .allowPort(let ruleset, let port, let access):
            writer.uint32(ruleset.index)
            writer.uint32(UInt32(port))
            writer.uint64(access)
        case .restrictSelf(let ruleset, let flags):
            writer.uint32(ruleset.index)
            writer.uint32(flags)
        }
    }

    // MARK: Words

    /// The step in words; `name` names a slot.
    func words(_ name: (Slot) -> String) -> String {
        switch self {
        case .createRuleset(let slot, let files, let network, let scopes):
            "refuse \(Self.list(files, Self.fileRights))"
                + (network == 0 ? "" : ", ports \(Self.list(network, Self.networkRights))")
                + (scopes == 0 ? "" : ", beyond the domain \(Self.list(scopes, Self.scopes))") + " by \(name(slot))"
        case .allowPath(_, let path, let access, let optional):
            "allow below \(path) \(Self.list(access, Self.fileRights))\(optional ? ", if it exists" : "")"
        case .allowDescriptor(_, let descriptor, let access):
            "allow in \(name(descriptor)) \(Self.list(access, Self.fileRights))"
        case .allowPort(_, let port, let access): "allow on port \(port) \(Self.list(access, Self.networkRights))"
        case .restrictSelf(let ruleset, let flags):
            "restrict itself to \(name(ruleset))\(flags & 2 == 0 ? "" : ", refusals audited")"
        }
    }

    /// The kernel's names, without `LANDLOCK_ACCESS_FS_`, by bit.
    static let fileRights = [
        "execute", "write_file", "read_file", "read_dir", "remove_dir", "remove_file", "make_char", "make_dir",
        "make_reg", "make_sock", "make_fifo", "make_block", "make_sym", "refer", "truncate", "ioctl_dev",
        "resolve_unix",
    ]
    static let networkRights = ["bind_tcp", "connect_tcp", "bind_udp", "connect_send_udp"]
    static let scopes = ["abstract_unix_socket", "signal"]

    private static func list(_ bits: UInt64, _ names: [String]) -> String {
        let words = (0..<64).filter { bits >> UInt64($0) & 1 == 1 }.map {
            names.indices.contains($0) ? names[$0] : "bit \($0)"
        }
        return words.isEmpty ? "nothing" : words.joined(separator: ",")
    }
}
