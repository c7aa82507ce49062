// SPDX-License-Identifier: Apache-2.0
import CLinux
import CSeccomp
import LinuxKernel

/// Turns profiles into the bytes that `seccomp(SECCOMP_SET_MODE_FILTER)` takes: an array of `struct sock_filter`.
public enum SeccompCompiler {
    /// Stands for the output of this compiler: part of every cache key, so that no filter of an older one is used.
    /// A test computes it from a compiled probe and prints the new value when the output has changed.
    public static let revision: UInt64 = 0x18e9_d8d3_2018_03d9

    /// The kernel's limit on one filter (BPF_MAXINSNS).
    public static let maximumInstructions = 4096

    /// Compiles a profile. Takes milliseconds: see `SeccompCache`.
    ///
    /// - Returns: instructions of 8 bytes each, in the machine's byte order.
    /// - Throws: `.unknownSystemCall`, `.invalidRule`, `.filterTooLarge`, `.compilationFailed`.
    /// - SeeAlso: seccomp_export_bpf(3), seccomp_rule_add(3)
    public static func compile(_ profile: SeccompProfile) throws(ConfinementError) -> [UInt8] {
        var program: [sock_filter] = []
        for stage in try SeccompStages(profile).stages {
            program += linked(try compile(stage: stage, of: profile))
        }
        program.append(sock_filter(code: returnConstant, jt: 0, jf: 0, k: profile.defaultAction.filterValue))
        guard program.count <= maximumInstructions else {
            throw ConfinementError(
                .filterTooLarge, subject: "\(program.count) instructions",
                hint: "the kernel takes \(maximumInstructions); use fewer conditional rules")
        }
        return program.withUnsafeBytes { Array($0) }
    }

    // BPF_RET | BPF_K and BPF_JMP | BPF_JA of linux/bpf_common.h.
    private static let returnConstant: UInt16 = 0x06
    private static let jump: UInt16 = 0x05

    /// What a stage returns for "no rule of mine matches": SECCOMP_RET_TRACE with a mark; no profile can ask for it.
    private static let undecided: UInt32 = 0x7ff0_4d54

    /// A stage with every "undecided" turned into a jump to its end, where the next stage begins.
    private static func linked(_ stage: [sock_filter]) -> [sock_filter] {
        var result = stage
        for (index, instruction) in stage.enumerated()
        where instruction.code == returnConstant && instruction.k == undecided {
            result[index] = sock_filter(code: jump, jt: 0, jf: 0, k: UInt32(stage.count - index - 1))
        }
        return result
    }

    private static func compile(
        stage: [SeccompStages.Entry], of profile: SeccompProfile
    ) throws(ConfinementError) -> [sock_filter] {
        guard let context = seccomp_init(undecided) else {
            throw ConfinementError(.compilationFailed, subject: "seccomp_init")
        }
        defer { seccomp_release(context) }
        try configure(context, for: profile)
        for entry in stage {
            let arguments = entry.conditions.map(\.libseccomp)
            let result = seccomp_rule_add_array(
                context, entry.action.filterValue, entry.number, UInt32(arguments.count), arguments)
            try check(result, "\(entry.action) on call \(entry.number)")
        }
        return try exportFilter(context)
    }

    private static func configure(
        _ context: scmp_filter_ctx, for profile: SeccompProfile
    ) throws(ConfinementError) {
        for architecture in profile.architectures where architecture != .native {
            try check(seccomp_arch_add(context, architecture.token), "architecture \(architecture)")
        }
        if !profile.architectures.contains(.native) {
            try check(seccomp_arch_remove(context, SeccompProfile.Architecture.native.token), "architectures")
        }
        let foreign = profile.foreignArchitectureAction.filterValue
        try check(seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, foreign), "foreign architecture action")
        // 2: a binary tree over the call numbers in place of a linear scan.
        try check(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimization")
    }

    private static func check(_ result: Int32, _ subject: String) throws(ConfinementError) {
        guard result < 0 else { return }
        throw ConfinementError(.compilationFailed, subject: subject, errno: Errno(rawValue: -result))
    }
}
