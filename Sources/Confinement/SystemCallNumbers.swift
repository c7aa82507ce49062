// SPDX-License-Identifier: Apache-2.0
import CSeccomp

/// System-call names to numbers: libseccomp's tables, and after them the calls newer than the oldest libseccomp we
/// build with (2.5.4 of Debian 12, which ends at Linux 5.17).
enum SystemCallNumbers {
    /// What a name is on an architecture.
    enum Resolution: Hashable {
        case number(Int32)
        /// A call of other architectures only.
        case absentHere
    }

    /// A number that a name's rules are about.
    struct Target: Hashable {
        var number: Int32
        /// Where several calls share a number, the argument that tells which is meant.
        var multiplexed: SeccompProfile.Condition?
    }

    /// All architectures share their numbers from 424 on.
    /// - SeeAlso: scripts/syscall.tbl, arch/x86/entry/syscalls/syscall_64.tbl; as of Linux 6.18
    static let newer: [(name: String, number: Int32)] = [
        ("cachestat", 451), ("fchmodat2", 452), ("map_shadow_stack", 453), ("futex_wake", 454), ("futex_wait", 455),
        ("futex_requeue", 456), ("statmount", 457), ("listmount", 458), ("lsm_get_self_attr", 459),
        ("lsm_set_self_attr", 460), ("lsm_list_modules", 461), ("mseal", 462), ("setxattrat", 463),
        ("getxattrat", 464), ("listxattrat", 465), ("removexattrat", 466), ("open_tree_attr", 467),
        ("file_getattr", 468), ("file_setattr", 469),
    ]

    /// Calls of x86_64 alone that libseccomp 2.5.4 does not know.
    static let newerOnX86: [(name: String, number: Int32)] = [("uretprobe", 335), ("uprobe", 336)]

    /// x32's numbers carry this bit. asm/unistd.h
    private static let x32Bit: Int32 = 0x4000_0000

    /// - Throws: `.unknownSystemCall`, naming the nearest known call.
    static func resolve(
        _ name: String, on architecture: SeccompProfile.Architecture = .native
    ) throws(ConfinementError) -> Resolution {
        let number = rawNumber(name, architecture)
        if number >= 0 { return .number(number) }
        if let known = newer.first(where: { $0.name == name }) {
            return .number(architecture == .x32 ? known.number | x32Bit : known.number)
        }
        if let known = newerOnX86.first(where: { $0.name == name }) {
            return architecture == .x86_64 ? .number(known.number) : .absentHere
        }
        // Other negative numbers are libseccomp's stand-ins for calls this architecture lacks.
        if number != __NR_SCMP_ERROR { return .absentHere }
        let nearest = nearestName(to: name, among: knownNames)
        throw ConfinementError(
            .unknownSystemCall, subject: name, hint: nearest.map { "did you mean \($0)?" } ?? "see syscalls(2)")
    }

    /// Whether a name is that of a call on any architecture.
    static func isKnown(_ name: String) -> Bool {
        rawNumber(name, .native) != __NR_SCMP_ERROR || newer.contains { $0.name == name }
            || newerOnX86.contains { $0.name == name }
    }

    /// All the numbers that lead to a call; none where the architecture lacks it.
    ///
    /// On 32-bit x86 the calls of sockets and System V IPC can be made through socketcall(2) and ipc(2) as well, and
    /// most of them directly too since Linux 4.3 and 5.1.
    /// - Throws: `.unknownSystemCall`.
    static func targets(
        of name: String, on architecture: SeccompProfile.Architecture
    ) throws(ConfinementError) -> [Target] {
        if case .number(let number) = try resolve(name, on: architecture) { return [Target(number: number)] }
        guard architecture == .x86 else { return [] }
        var targets = directX86Numbers[name].map { [Target(number: $0)] } ?? []
        // libseccomp's stand-ins: -101 is socketcall's call 1, -201 is ipc's.
        let standIn = -rawNumber(name, .x86)
        if (100..<200).contains(standIn) {
            targets.append(Target(number: 102, multiplexed: .int(0, equals: UInt32(standIn - 100))))
        } else if (200..<300).contains(standIn) {
            // The upper half of ipc's first argument is a version, which the kernel takes in any value or none.
            let call = SeccompProfile.Condition(argument: 0, .maskedEqual(mask: 0xffff), UInt64(standIn - 200))
            targets.append(Target(number: 117, multiplexed: call))
        }
        return targets
    }

    /// The calls of 32-bit x86 whose own numbers libseccomp hides behind its stand-ins.
    private static let directX86Numbers: [String: Int32] = {
        var numbers: [String: Int32] = [:]
        for number in Int32(337)..<424 {
            if let name = name(of: number, on: .x86) { numbers[name] = number }
        }
        return numbers
    }()

    /// The name of a number; `nil` for numbers that no call has.
    static func name(of number: Int32, on architecture: SeccompProfile.Architecture) -> String? {
        let plain = architecture == .x32 ? number & ~x32Bit : number
        guard plain >= 0 else { return nil }
        if let name = seccomp_syscall_resolve_num_arch(architecture.token, number) {
            defer { name.deallocate() }
            return String(cString: name)
        }
        if let known = newer.first(where: { $0.number == plain }) { return known.name }
        return architecture == .x86_64 ? newerOnX86.first { $0.number == number }?.name : nil
    }

    /// The names of all calls of the native architecture. Slow: for error messages.
    static var knownNames: [String] {
        (Int32(0)..<512).compactMap { name(of: $0, on: .native) }
    }

    private static func rawNumber(_ name: String, _ architecture: SeccompProfile.Architecture) -> Int32 {
        // libseccomp takes a C string: a name with a NUL in it must not pass for the part before it.
        name.utf8.contains(0) ? Int32(__NR_SCMP_ERROR) : seccomp_syscall_resolve_name_arch(architecture.token, name)
    }
}
