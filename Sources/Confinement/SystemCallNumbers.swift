// SPDX-License-Identifier: Apache-2.0
import CSeccomp

/// System-call names to numbers: libseccomp's tables, and after them the calls newer than the oldest libseccomp we
/// build with (2.5.4 of Debian 12, which ends at Linux 5.17).
enum SystemCallNumbers {
    /// What a name is on the native architecture.
    enum Resolution: Hashable {
        case number(Int32)
        /// A call of other architectures only.
        case absentHere
    }

    /// x86_64 and aarch64 share all numbers from 424 on.
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

    /// - Throws: `.unknownSystemCall`, naming the nearest known call.
    static func resolve(_ name: String) throws(ConfinementError) -> Resolution {
        // libseccomp takes a C string: a name with a NUL in it must not pass for the part before it.
        let number = name.utf8.contains(0) ? Int32(__NR_SCMP_ERROR) : seccomp_syscall_resolve_name(name)
        if number >= 0 { return .number(number) }
        if let known = newer.first(where: { $0.name == name }) { return .number(known.number) }
        if let known = newerOnX86.first(where: { $0.name == name }) {
            return SeccompProfile.Architecture.native == .x86_64 ? .number(known.number) : .absentHere
        }
        // Other negative numbers are libseccomp's stand-ins for calls this architecture lacks.
        if number != __NR_SCMP_ERROR { return .absentHere }
        let nearest = nearestName(to: name, among: knownNames)
        throw ConfinementError(
            .unknownSystemCall, subject: name, hint: nearest.map { "did you mean \($0)?" } ?? "see syscalls(2)")
    }

    /// The names of all calls of the native architecture. Slow: for error messages.
    static var knownNames: [String] {
        var names: [String] = []
        for number in Int32(0)..<512 {
            guard let name = seccomp_syscall_resolve_num_arch(UInt32(SCMP_ARCH_NATIVE), number) else { continue }
            names.append(String(cString: name))
            name.deallocate()
        }
        return names + newer.map(\.name)
    }
}
